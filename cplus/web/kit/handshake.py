"""OAuth's code grant in the merchant's browser: to Shopify for consent, and back with a code.

Source: Shopify's page on the authorization code grant.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from itsdangerous import BadData, URLSafeSerializer

from cplus.clock import Clock
from cplus.errors import InvalidInput
from cplus.keys import derived_key
from cplus.shopify.hosts import shop_host
from cplus.shopify.oauth import App, authorize_url
from cplus.shopify.signatures import verify_query
from cplus.web.kit.deep_links import HOME, own_page
from cplus.wording import worded

CALLBACK: Final = "/auth/callback"
"""Path of the app that Shopify sends the browser back to."""

STATE_SECONDS: Final = 600
"""How long a merchant may take to consent."""

Said = Mapping[str, str] | Sequence[tuple[str, str]]
"""The parameters of a query, which may name one twice."""

_NONCE: Final = re.compile(r"[A-Za-z0-9_-]{22}")
_SECRETS: Final = frozenset({"code", "hmac", "state"})  # never in the log


@dataclass(frozen=True, slots=True)
class Begun:
    """A merchant is asked for consent."""

    url: str
    """Where to send the browser."""
    nonce: str
    """What to put into a cookie of that browser, for STATE_SECONDS: HttpOnly, Secure,
    SameSite=Lax. It stands nowhere else: the address holds its hash alone."""


@dataclass(frozen=True, slots=True)
class Consent:
    """The merchant of the shop consented, in the browser that asked for it."""

    shop: str
    code: str = field(repr=False)
    """What Shopify gives tokens for, once."""
    said: Mapping[str, str]
    """What else Shopify said in the address, without anything secret."""
    leads_to: str
    """The page of the app that the merchant wanted to see."""


class OtherHost(InvalidInput):
    """The installation was begun for another host than {shop}; start it again for this one."""

    def __init__(self, shop: str, leads_to: str) -> None:
        super().__init__(shop=shop, leads_to=leads_to)
        self.shop = shop
        """The host by which Shopify named the shop."""
        self.leads_to = leads_to


@dataclass(frozen=True, slots=True)
class Handshake:
    """Begins and verifies consents."""

    app: App
    clock: Clock
    app_url: str
    """Public address of the app, with no slash at the end."""
    secret: str = field(repr=False)
    """Signs the state."""

    def begin(self, shop: str, *, leads_to: str = HOME, nonce: str = "") -> Begun:
        """Where the merchant of `shop` consents, and what the browser must bring back with the
        callback; raises InvalidShop.

        `nonce` is what the browser holds from a consent that it began before: it keeps it, so
        that whichever it finishes is its own. `leads_to` is the page to show after that.
        """
        shop = shop_host(shop)
        nonce = nonce if _NONCE.fullmatch(nonce) else secrets.token_urlsafe(16)
        # An address is seen by others, in histories and logs: it must not be enough to sign in.
        at = int(self.clock().timestamp())
        content = {"shop": shop, "at": at, "browser": _hash(nonce), "to": own_page(leads_to)}
        state = self._signer().dumps(content)
        return Begun(authorize_url(self.app, shop, self.app_url + CALLBACK, state), nonce)

    def shop_of(self, query: Said) -> str:
        """The shop from whose Admin Shopify sent the browser to the app.

        Raises InvalidSignature (not Shopify's query, or older than 90 seconds), InvalidShop.
        """
        verify_query(query, self.app.secrets, self.clock().timestamp())
        return shop_host(dict(query).get("shop"))

    def finish(self, query: Said, nonce: str) -> Consent:
        """What the callback's query grants; `nonce` as `begin` gave it.

        Raises InvalidSignature (not Shopify's query, or older than 90 seconds), InvalidShop,
        InvalidInput (no code, or not the browser that began), OtherHost (it began for another
        host: a shop that was given a second one is named by its first).
        """
        shop, params = self.shop_of(query), dict(query)
        leads_to = self._state(shop, params.get("state", ""), nonce)
        code = params.get("code", "")
        if not code:
            raise InvalidInput(reason=worded("Shopify sent no code; start the installation again"))
        said = {name: value for name, value in params.items() if name not in _SECRETS}
        return Consent(shop, code, said, leads_to)

    def _state(self, shop: str, state: str, nonce: str) -> str:
        """The page that the consent leads to, once the state is the one of this browser."""
        wrong = InvalidInput(
            reason=worded("this browser did not start the installation; start it again")
        )
        try:
            content = self._signer().loads(state)
            at, begun_for, browser = int(content["at"]), content["shop"], str(content["browser"])
        except (BadData, KeyError, TypeError, ValueError):
            raise wrong from None
        if not hmac.compare_digest(browser.encode(), _hash(nonce).encode()):
            raise wrong
        if not 0 <= self.clock().timestamp() - at <= STATE_SECONDS:
            raise InvalidInput(reason=worded("the installation took too long; start it again"))
        # A state from before pages were remembered names none.
        leads_to = own_page(str(content.get("to", HOME)))
        if begun_for != shop:
            raise OtherHost(shop, leads_to)
        return leads_to

    def _signer(self) -> URLSafeSerializer:
        return URLSafeSerializer(derived_key(self.secret, "install-state"))


def _hash(nonce: str) -> str:
    return hashlib.sha256(nonce.encode("utf-8", "replace")).hexdigest()
