"""The dashboard inside Shopify's Admin: which requests come from its frame, and by what token.

There a request is judged by an id token of Shopify (a session token) alone: a document by the one
in its address (`id_token`), a fetch by the one in its `Authorization`. Cookies are neither read
nor set, because browsers keep them from frames of another site. Source: Shopify's pages on id
tokens and on App Bridge. docs/adr/0011 says why a token is taken once.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol
from urllib.parse import quote, urlencode, urlsplit

from fastapi import Request

from cplus.errors import InvalidShop, InvalidSignature
from cplus.ids import random_id
from cplus.privacy.sessions import UsedTokens
from cplus.settings import Settings
from cplus.shopify.hosts import shop_host, shop_name
from cplus.shopify.oauth import LEEWAY, SessionToken
from cplus.web.kit.deep_links import HOME

TAB: Final = "x-tab"
"""The header by which a fetch says which document it belongs to."""
RETRY: Final = "X-Shopify-Retry-Invalid-Session-Request"
"""The header by which App Bridge knows that a fetch may be sent again with a fresh token."""
BOUNCED: Final = "bounced"
"""Says in an address that the bounce page led there: if that token isn't good either, the next
one doesn't lead on by itself."""

_FRAMES: Final = frozenset({"iframe", "frame", "embed", "object"})
_KEY: Final = re.compile(r"[a-z0-9]{26}")
# By the database's clock, which makes rows go; the one that judges tokens may be slower.
_KEPT: Final = timedelta(seconds=LEEWAY + 60)


class ReadToken(Protocol):
    """Reads an id token of Shopify."""

    def __call__(self, token: str) -> SessionToken:
        """Raises InvalidSignature."""
        ...


@dataclass(frozen=True, slots=True)
class Bridge:
    """What a page of the frame needs of Shopify."""

    client_id: str
    script: str
    """Address of App Bridge."""
    admin: str
    """Origin of Shopify's Admin, with no slash at the end."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Bridge:
        """From the settings."""
        return cls(
            client_id=settings.shopify_client_id,
            script=settings.app_bridge_url,
            admin=settings.shopify_admin_origin,
        )

    def page(self, shop: str, address: str = "/") -> str:
        """Where the Admin of the shop shows the page of the app at that address, a path with its
        query. Raises InvalidShop."""
        app = f"{self.admin}/store/{shop_name(shop)}/apps/{quote(self.client_id, safe='')}"
        return app if address == "/" else app + address


@dataclass(frozen=True, slots=True)
class Framing:
    """Who may frame the answer, and which scripts of others it needs: for its security policy."""

    ancestors: str
    scripts: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What a page of the frame knows of itself."""

    shop: str
    """The shop in whose Admin it stands; "" if that isn't known."""
    bridge: Bridge
    here: str
    """The page, as a window of its own would open it."""
    tab: str = field(default="", repr=False)
    """The key of the document, which its fetches bring beside their tokens."""

    @property
    def admin(self) -> str:
        """Where the Admin shows the app; a page's path goes behind it. "" for no shop."""
        return self.bridge.page(self.shop) if self.shop else ""

    @property
    def window(self) -> str:
        """The address that opens the page in a window of its own, with no token."""
        query = {"shop": self.shop, "next": "" if self.here == HOME else self.here}
        given = urlencode({name: value for name, value in query.items() if value})
        path = "/auth/install" if self.shop else "/auth/sign-in"
        return f"{path}?{given}" if given else path


@dataclass(frozen=True, slots=True)
class Brought:
    """An id token that is good, and how it came."""

    held: SessionToken
    token: str = field(repr=False)
    tab: str = field(repr=False)
    """The key of the tab: of a fetch the one that it brings, of a document a new one; "" of a
    fetch that brings none."""
    document: bool

    async def taken(self, used: UsedTokens) -> bool:
        """Whether the token is taken by this request now: it was not used before, or only by the
        document whose key the fetch brings and by its fetches."""
        name = hashlib.sha256(self.held.token_id.encode()).hexdigest()
        until = self.held.expires_at + _KEPT
        if self.document or not self.tab:
            return await used.use(name, until, tab=_hash(self.tab))
        return await used.use_by(name, until, tab=_hash(self.tab))


class TokenNeeded(Exception):
    """A request from the frame brings no good token."""

    def __init__(self, shop: str = "", *, used: bool = False) -> None:
        super().__init__(shop)
        self.shop = shop
        """The shop that the address names, if it does."""
        self.used = used
        """Whether the token is good, but was used already."""


def is_fetch(request: Request) -> bool:
    """Whether the request is judged by the token in its `Authorization`. On a page another scheme
    is not ours: a proxy in front may ask for a password."""
    given = request.headers.get("authorization")
    if given is None:
        return False
    return request.url.path.startswith("/api/") or given.lower().startswith("bearer ")


def is_document(request: Request) -> bool:
    """Whether the request is one for a document of the frame: the browser says so, or the
    address, as Shopify's Admin makes it (also in its app for phones, which has no frames)."""
    if request.url.path.startswith("/api/"):
        return False
    if request.headers.get("sec-fetch-dest") in _FRAMES:
        return True
    query = request.query_params
    return "id_token" in query or query.get("embedded") == "1"


def given_token(request: Request) -> str:
    """The token that the request brings; "" if it brings none where it should be."""
    if is_fetch(request):
        scheme, _, token = request.headers["authorization"].partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""
    # A form can't be sent by whoever can write an address: its token comes in the header alone.
    tokens = request.query_params.getlist("id_token") if request.method == "GET" else []
    return tokens[0] if len(tokens) == 1 else ""


def given_tab(request: Request) -> str:
    """The key of the tab that a fetch belongs to; "" if it names none."""
    key = request.headers.get(TAB, "")
    return key if _KEY.fullmatch(key) else ""


def named_shops(request: Request) -> list[str]:
    """The shops that the address names."""
    found = []
    for named in request.query_params.getlist("shop"):
        try:
            found.append(shop_host(named))
        except InvalidShop:
            continue
    return found


def brought(request: Request, read_token: ReadToken) -> Brought:
    """The id token that the request is judged by; raises TokenNeeded if it is none of this app,
    is over or not yet valid, or is of another shop than the address names."""
    shops = named_shops(request)
    try:
        token = given_token(request)
        held = read_token(token)
    except InvalidSignature:
        raise TokenNeeded(shops[0] if shops else "") from None
    others = [shop for shop in shops if shop != held.shop]
    if others:
        raise TokenNeeded(others[0])
    document = not is_fetch(request)
    return Brought(held, token, random_id(26) if document else given_tab(request), document)


def framing(bridge: Bridge, shop: str) -> Framing:
    """The page may be framed by the Admin, in this one shop."""
    ancestors = f"https://{shop} {bridge.admin}" if shop else bridge.admin
    parts = urlsplit(bridge.script)
    return Framing(ancestors, f"{parts.scheme}://{parts.netloc}")


def _hash(tab: str) -> str:
    return hashlib.sha256(tab.encode()).hexdigest() if tab else ""
