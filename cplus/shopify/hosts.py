"""Shop hosts: the one form in which a shop is named anywhere in this system."""

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

    Nothing is trimmed, cut out of an address or guessed: a name from outside is a host or it is
    not. Raises InvalidShop. The form is Shopify's rule for the `shop` parameter.
    """
    # fullmatch, since `$` would let a newline at the end pass.
    if not isinstance(value, str) or _HOST.fullmatch(value) is None:
        raise InvalidShop(shop=str(value)[:_SHOWN])
    return value.lower()


def shop_name(host: str) -> str:
    """The shop's name: its host without `.myshopify.com`. Raises InvalidShop."""
    return shop_host(host).removesuffix(SUFFIX)
