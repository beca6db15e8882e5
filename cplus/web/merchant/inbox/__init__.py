"""The list of conversations, and mail that is in none."""
