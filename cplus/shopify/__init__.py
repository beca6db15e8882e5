"""Shopify: hosts, signatures, webhooks, OAuth, the Admin API, credentials.

This package does not know about the log. Names are loaded on first use, so that code that only
checks a signature does not load an HTTP client.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cplus.shopify.admin import AdminClient
    from cplus.shopify.credentials import Credentials, MongoCredentials
    from cplus.shopify.hosts import shop_host, shop_name
    from cplus.shopify.oauth import (
        App,
        SessionToken,
        Tokens,
        authorize_url,
        exchange_code,
        exchange_session_token,
        refresh,
        session_token,
    )
    from cplus.shopify.payloads import Payload
    from cplus.shopify.queries import (
        CustomersPage,
        ImportedCustomer,
        ShopInfo,
        customers_page,
        shop_info,
    )
    from cplus.shopify.signatures import sign_query, sign_webhook, verify_query, verify_webhook
    from cplus.shopify.webhooks import PAYLOADS, parse

__all__ = [
    "PAYLOADS",
    "AdminClient",
    "App",
    "Credentials",
    "CustomersPage",
    "ImportedCustomer",
    "MongoCredentials",
    "Payload",
    "SessionToken",
    "ShopInfo",
    "Tokens",
    "authorize_url",
    "customers_page",
    "exchange_code",
    "exchange_session_token",
    "parse",
    "refresh",
    "session_token",
    "shop_host",
    "shop_info",
    "shop_name",
    "sign_query",
    "sign_webhook",
    "typed_shop",
    "verify_query",
    "verify_webhook",
]

_HOMES = {
    "admin": ("AdminClient",),
    "credentials": ("Credentials", "MongoCredentials"),
    "hosts": ("shop_host", "shop_name", "typed_shop"),
    "oauth": (
        *("App", "SessionToken", "Tokens", "authorize_url", "exchange_code"),
        *("exchange_session_token", "refresh", "session_token"),
    ),
    "payloads": ("Payload",),
    "queries": ("CustomersPage", "ImportedCustomer", "ShopInfo", "customers_page", "shop_info"),
    "signatures": ("sign_query", "sign_webhook", "verify_query", "verify_webhook"),
    "webhooks": ("PAYLOADS", "parse"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
