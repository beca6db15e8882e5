"""Shop hosts: the only form in which this system names a shop."""

from __future__ import annotations

import re
from typing import Final

from cplus.errors import InvalidShop

SUFFIX: Final = ".myshopify.com"

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


def shop_name(host: str) -> str:
    """The shop's name: its host without `.myshopify.com`. Raises InvalidShop."""
    return shop_host(host).removesuffix(SUFFIX)
