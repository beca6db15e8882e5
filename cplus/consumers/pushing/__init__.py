"""Tells browsers of a shop's staff of new messages."""
