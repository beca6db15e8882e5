"""Session tokens, now also called ID tokens, as App Bridge gives them to an embedded app; and wrong
ones on demand.

Source: Shopify's page on session tokens. A token lives for a minute; `sid` stays the same for a
user of a shop, `jti` is new in each.
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

import jwt

SECONDS: Final = 60
Wrong = Literal["audience", "expired", "issuer", "other_shop", "repeated", "unsigned"]
WRONG: Final[tuple[str, ...]] = get_args(Wrong)
"""`issuer`: `iss` and `dest` name different shops; `repeated`: the token that was given last, so
with the same `jti`; the others say what they are."""

_OTHER: Final = "another-shop.myshopify.com"
_SESSIONS: Final = uuid.UUID("8a5d6f0e-31a5-4d0c-9b43-0f4c8f1f6d2e")


@dataclass
class IdTokens:
    """Makes the tokens of one app."""

    client_id: str
    client_secret: str = field(repr=False)
    now: Callable[[], float] = time.time
    _next: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _last: dict[str, str] = field(default_factory=dict, repr=False)

    def go_wrong(self, shop: str, wrong: str, times: int = 1) -> None:
        """Makes the next tokens that the shop's Admin gives out wrong, after those of earlier
        calls; 0 times: clears all of these. Raises ValueError."""
        if times == 0:
            self._next[shop].clear()
            return
        if wrong not in WRONG or times < 0:
            raise ValueError(wrong)
        self._next[shop].extend([wrong] * times)

    def next(self, shop: str, user: str = "1") -> str:
        """The token that the Admin gives to the app in its frame."""
        return self.issue(shop, user, self._next[shop].pop(0) if self._next[shop] else "")

    def issue(self, shop: str, user: str = "1", wrong: str = "") -> str:
        """A token for a user of the shop; `wrong` is one of WRONG. Raises ValueError."""
        if wrong and wrong not in WRONG:
            raise ValueError(wrong)
        if wrong == "repeated" and shop in self._last:
            return self._last[shop]
        claims = self._claims(shop, user)
        if wrong == "audience":
            claims["aud"] = "another-app"
        elif wrong == "expired":
            for name in ("exp", "nbf", "iat"):
                claims[name] -= 10 * SECONDS
        elif wrong == "issuer":
            claims["iss"] = f"https://{_OTHER}/admin"
        elif wrong == "other_shop":
            claims.update(self._claims(_OTHER, user))
        if wrong == "unsigned":
            return jwt.encode(claims, "", algorithm="none")
        token = jwt.encode(claims, self.client_secret, algorithm="HS256")
        if not wrong:
            self._last[shop] = token
        return token

    def _claims(self, shop: str, user: str) -> dict[str, Any]:
        now = int(self.now())
        return {
            "iss": f"https://{shop}/admin",
            "dest": f"https://{shop}",
            "aud": self.client_id,
            "sub": user,
            "exp": now + SECONDS,
            "nbf": now,
            "iat": now,
            "jti": str(uuid.UUID(bytes=secrets.token_bytes(16), version=4)),
            "sid": session_id(shop, user),
        }


def session_id(shop: str, user: str) -> str:
    """The `sid` of a user of a shop."""
    return str(uuid.uuid5(_SESSIONS, f"{shop}/{user}"))
