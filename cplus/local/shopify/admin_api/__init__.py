"""The Admin API: its schema, costs, objects and bulk operations."""
