"""Mails as mail programs write them, made here and labelled with what their authors wrote."""
