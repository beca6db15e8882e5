"""Where a mail to a merchant leads."""

from __future__ import annotations

from cplus.settings import Settings
from cplus.shopify.hosts import admin_page


def page_link(shop: str, path: str, settings: Settings) -> str:
    """The address of a page of the app: inside the shop's Admin, if the app stands there. `path`
    may have a query."""
    if settings.shopify_admin_origin:
        client_id = settings.needed("shopify_client_id")
        return admin_page(settings.shopify_admin_origin, shop, client_id, path)
    return f"{settings.needed('app_url')}{path}{'&' if '?' in path else '?'}shop={shop}"
