"""The local Shopify's Admin: the page in whose frame the app runs, and its App Bridge."""

from cplus.local.shopify.admin.registered import Registered
from cplus.local.shopify.admin.scopes import Scopes
from cplus.local.shopify.admin.site import AdminSite
from cplus.local.shopify.admin.tokens import WRONG, IdTokens

__all__ = ["WRONG", "AdminSite", "IdTokens", "Registered", "Scopes"]
