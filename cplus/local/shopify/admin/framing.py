"""The request by which Shopify's Admin loads an app into its frame.

Source: Shopify's pages on embedded apps: the query has `embedded`, `host`, `id_token`, `locale`,
`session`, `shop`, `timestamp`, what the Admin's own address had for the app, and an `hmac` over all
of it, as in OAuth.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final
from urllib.parse import parse_qsl, urlencode

from cplus.local.shopify.admin.tokens import session_id
from cplus.shopify.hosts import shop_name
from cplus.shopify.signatures import sign_query

OWN: Final = frozenset(
    {"embedded", "hmac", "host", "id_token", "locale", "session", "shop", "timestamp"}
)
"""The parameters that are Shopify's: the app's address in the Admin has none of them."""


def host(shop: str) -> str:
    """The value of `host`: where the shop's Admin is, as base64url without padding."""
    where = f"admin.shopify.com/store/{shop_name(shop)}"
    return base64.urlsafe_b64encode(where.encode()).decode().rstrip("=")


def own_query(query: str) -> list[tuple[str, str]]:
    """What the app's own part of a query says."""
    return [(name, value) for name, value in parse_qsl(query, True) if name not in OWN]


def document_query(
    shop: str, user: str, query: str, *, token: str, now: float, secret: str, locale: str
) -> str:
    """The query of the request; `query` is that of the address in the Admin."""
    session = hashlib.sha256(session_id(shop, user).encode()).hexdigest()
    told = [
        *own_query(query),
        ("embedded", "1"),
        ("host", host(shop)),
        ("id_token", token),
        ("locale", locale),
        ("session", session),
        ("shop", shop),
        ("timestamp", str(int(now))),
    ]
    return urlencode([*told, ("hmac", sign_query(told, secret))])
