"""Shopify App Pricing: plans and their page, App Events, and what the Partner API says of them."""
