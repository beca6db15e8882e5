"""A local Shopify for trying out the app: OAuth, Admin API, webhooks."""

from cplus.local.shopify.server import LocalShopify
from cplus.local.shopify.state import LastOrder, LocalCustomer, LocalShop

__all__ = ["LastOrder", "LocalCustomer", "LocalShop", "LocalShopify"]
