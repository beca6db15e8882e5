"""The local Shopify's tokens: one-time codes, expiring tokens, rotating refresh tokens.

Sources: Shopify's pages on the authorization code grant, token exchange and expiring offline
tokens, and its note of August 2026 on refreshes whose answer was lost.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import jwt

from cplus.local.shopify.staff import associated_user
from cplus.local.shopify.state import AccessToken, Install, RefreshToken, Store
from cplus.shopify.hosts import shop_host
from cplus.shopify.oauth import ID_TOKEN, OFFLINE_TOKEN, ONLINE_TOKEN, TOKEN_EXCHANGE

CODE_SECONDS: Final = 300.0
ONLINE_SECONDS: Final = 86_399


class Refused(Exception):
    """The grant is refused: {error}."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description


@dataclass(frozen=True)
class Code:
    """A grant on its way through the merchant's browser."""

    shop: str
    scope: str
    expires_at: float


@dataclass
class Grants:
    """Codes and tokens with their scopes. Lifetimes are in seconds."""

    store: Store
    client_id: str
    client_secret: str = field(repr=False)
    access_seconds: int = 3600
    refresh_seconds: int = 90 * 24 * 3600
    now: Callable[[], float] = time.time
    refreshes: Counter[str] = field(default_factory=Counter)
    """How often each shop's tokens were renewed."""
    _codes: dict[str, Code] = field(default_factory=dict)

    def code(self, shop: str, scope: str) -> str:
        """A new code for a shop whose merchant has consented."""
        code = secrets.token_hex(16)
        self._codes[code] = Code(shop, scope, self.now() + CODE_SECONDS)
        return code

    def tokens(self, shop: str, fields: Mapping[str, str]) -> dict[str, Any]:
        """The response of the token endpoint. Raises Refused."""
        given = (fields.get("client_id", ""), fields.get("client_secret", ""))
        if given != (self.client_id, self.client_secret):
            raise Refused("invalid_client", "client_id or client_secret is wrong")
        grant = fields.get("grant_type", "authorization_code")
        expiring = fields.get("expiring") == "1"
        if grant == "refresh_token":
            return self._renew(shop, fields.get("refresh_token", ""))
        if grant == TOKEN_EXCHANGE:
            scope, user = self._exchange(shop, fields)
            if fields.get("requested_token_type") == ONLINE_TOKEN:
                return self._online(scope, user)
            return self._issue(shop, scope, expiring)
        if grant == "authorization_code":
            return self._issue(shop, self._redeem(shop, fields.get("code", "")), expiring)
        raise Refused("unsupported_grant_type", "this grant is not known")

    def scopes(self, shop: str, token: str) -> frozenset[str] | None:
        """The scopes of a valid token of this shop, or None."""
        install = self.store.state.installs.get(shop)
        known = install.access.get(token) if install else None
        if known is None or (known.expires_at is not None and known.expires_at <= self.now()):
            return None
        return frozenset(known.scope.split(","))

    def expires(self, shop: str, token: str) -> bool:
        """Whether the token is an expiring one; others are no longer accepted."""
        known = self.store.state.installs[shop].access[token]
        return known.expires_at is not None

    def grant(self, shop: str, scope: str) -> str | None:
        """Installs the app as its merchant consents to it in the Admin: it has no tokens yet, and
        exchanges a session token for them. Where it is installed, its tokens have these scopes from
        now on. Answers the scopes that it had before, None if it was not installed."""
        install = self.store.state.installs.get(shop)
        previous = install.scope if install else None
        install = self.store.state.installs.setdefault(shop, Install(scope=scope))
        install.scope = scope
        for access in install.access.values():
            access.scope = scope
        for renewal in install.refresh.values():
            renewal.scope = scope
        self.store.save()
        return previous

    def revoke(self, shop: str) -> None:
        """Voids every token of the shop, like an uninstall."""
        self.store.state.installs.pop(shop, None)
        self.store.save()

    def _redeem(self, shop: str, code: str) -> str:
        # Removed before it is checked: a code works once, whatever the result.
        grant = self._codes.pop(code, None)
        if grant is None or grant.shop != shop or grant.expires_at <= self.now():
            raise Refused(
                "invalid_request", "The authorization code was not found or was already used"
            )
        return grant.scope

    def _exchange(self, shop: str, fields: Mapping[str, str]) -> tuple[str, str]:
        """The scopes of the installation, and whose session token it is."""
        kinds = (fields.get("subject_token_type"), fields.get("requested_token_type"))
        if kinds not in ((ID_TOKEN, OFFLINE_TOKEN), (ID_TOKEN, ONLINE_TOKEN)):
            raise Refused("invalid_request", "the kinds of token are wrong")
        try:
            claims = jwt.decode(
                fields.get("subject_token", ""),
                self.client_secret,
                algorithms=["HS256"],
                audience=self.client_id,
                leeway=10,
            )
        except jwt.PyJWTError:
            raise Refused("invalid_subject_token", "the session token is not valid") from None
        if shop_host(str(claims["dest"]).removeprefix("https://")) != shop:
            raise Refused("invalid_subject_token", "the session token is of another shop")
        install = self.store.state.installs.get(shop)
        if install is None:
            raise Refused("invalid_request", "the app is not installed in this shop")
        return install.scope, str(claims["sub"])

    def _online(self, scope: str, user: str) -> dict[str, Any]:
        """An online token, which nothing here takes: the app acts with its offline tokens."""
        return {
            "access_token": f"shpua_{secrets.token_hex(16)}",
            "scope": scope,
            "expires_in": ONLINE_SECONDS,
            "associated_user_scope": scope,
            "associated_user": associated_user(user),
        }

    def _issue(self, shop: str, scope: str, expiring: bool) -> dict[str, Any]:
        install = self.store.state.installs.setdefault(shop, Install(scope=scope))
        install.scope = scope
        if expiring:
            answer = self._pair(install)
        else:
            token = f"shpat_{secrets.token_hex(16)}"
            install.access[token] = AccessToken(expires_at=None, scope=scope)
            answer = {"access_token": token, "scope": scope}
        self.store.save()
        return answer

    def _renew(self, shop: str, token: str) -> dict[str, Any]:
        install = self.store.state.installs.get(shop)
        old = install.refresh.get(token) if install else None
        if install is None or old is None or old.expires_at <= self.now():
            raise Refused("invalid_grant", "The refresh token is void")
        # An unused successor is dropped: its response was lost. A used one has retired `token`.
        self._drop(install, old.successor)
        for name, one in list(install.refresh.items()):
            if one.successor == token:
                self._drop(install, name)
        install.access.pop(old.access_token, None)
        answer = self._pair(install)
        old.successor = answer["refresh_token"]
        self.refreshes[shop] += 1
        self.store.save()
        return answer

    def _pair(self, install: Install) -> dict[str, Any]:
        access, renew = f"shpat_{secrets.token_hex(16)}", f"shprt_{secrets.token_hex(16)}"
        ends = self.now() + self.refresh_seconds
        install.access[access] = AccessToken(
            expires_at=self.now() + self.access_seconds, scope=install.scope
        )
        install.refresh[renew] = RefreshToken(
            expires_at=ends, scope=install.scope, access_token=access
        )
        return {
            "access_token": access,
            "scope": install.scope,
            "expires_in": self.access_seconds,
            "refresh_token": renew,
            "refresh_token_expires_in": self.refresh_seconds,
        }

    def _drop(self, install: Install, token: str | None) -> None:
        dropped = install.refresh.pop(token, None) if token else None
        if dropped:
            install.access.pop(dropped.access_token, None)
