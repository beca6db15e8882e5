"""Id tokens of Shopify, as App Bridge gives them."""

from __future__ import annotations

import time
from typing import Any

import jwt

from cplus.ids import random_id
from tests.integration.web.harness import CLIENT_SECRET, SHOP


def id_token(
    shop: str = SHOP, *, secret: str = CLIENT_SECRET, alg: str = "HS256", **change: Any
) -> str:
    """A fresh token of a member of the shop's staff, with other claims in place of some."""
    now = int(time.time())
    claims = {
        "iss": f"https://{shop}/admin",
        "dest": f"https://{shop}",
        "aud": "client",
        "sub": "1",
        "exp": now + 60,
        "nbf": now,
        "iat": now,
        "jti": random_id(),
        "sid": "s",
        **change,
    }
    return jwt.encode(claims, secret if alg != "none" else "", alg)


def bearer(token: str | None = None, **others: str) -> dict[str, str]:
    """The headers of a fetch in the frame."""
    return {"Authorization": f"Bearer {token or id_token()}", **others}
