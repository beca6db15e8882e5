"""Shop hosts: the only form in which this system names a shop, and how people spell them."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, urlsplit

from cplus.errors import InvalidShop

SUFFIX: Final = ".myshopify.com"
_ADMIN: Final = "admin.shopify.com"

# Shopify documents ^[a-zA-Z0-9][a-zA-Z0-9-]*\.myshopify\.com$; a DNS label has 63 characters.
_HOST: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-]{0,62}\.myshopify\.com")
_SHOWN: Final = 80


def shop_host(value: object) -> str:
    """The shop's host in lower case, for example `blue-jam.myshopify.com`.

    Nothing is trimmed, extracted from a URL or guessed: the input is a valid host or it is refused.
    Raises InvalidShop. The format is Shopify's rule for the `shop` parameter.
    """
    # fullmatch, because `$` would accept a newline at the end.
    if not isinstance(value, str) or _HOST.fullmatch(value) is None:
        raise InvalidShop(shop=str(value)[:_SHOWN])
    return value.lower()


def typed_shop(typed: str) -> str:
    """The host of the shop that somebody typed or pasted: its name, its host, or an address in
    its Admin, old (`https://NAME.myshopify.com/admin`) or new
    (`https://admin.shopify.com/store/NAME`), with or without `https://`.

    Raises InvalidShop. For what people type only: what a program says is read by `shop_host`.
    """
    text = typed.strip()
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
    except ValueError:  # brackets that hold no IPv6 address
        raise InvalidShop(shop=text[:_SHOWN]) from None
    if parts.scheme.lower() not in ("", "http", "https"):
        raise InvalidShop(shop=text[:_SHOWN])
    host, path = parts.netloc.lower(), parts.path.split("/")
    if host == _ADMIN:
        # A path begins with a slash, so its first part is empty.
        host = path[2].lower() if path[1:2] == ["store"] and len(path) > 2 else ""
    elif host.endswith(SUFFIX):
        return shop_host(host)
    return shop_host(host + SUFFIX)


def admin_page(origin: str, shop: str, client_id: str, address: str = "/") -> str:
    """Where the Admin of the shop shows the page of the app at that address, a path with its
    query. `origin` is the Admin's. Raises InvalidShop."""
    app = f"{origin}/store/{shop_name(shop)}/apps/{quote(client_id, safe='')}"
    return app if address == "/" else app + address


def shop_name(host: str) -> str:
    """The shop's name: its host without `.myshopify.com`. Raises InvalidShop."""
    return shop_host(host).removesuffix(SUFFIX)
