"""Merchants' own domains, from which the mail of their shops leaves."""
