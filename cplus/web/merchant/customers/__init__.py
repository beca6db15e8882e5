"""Customers and leads."""
