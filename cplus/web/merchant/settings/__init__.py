"""The page of settings for mail: one section, one form, one file."""
