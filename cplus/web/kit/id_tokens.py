"""Which requests come from the Admin's frame, and the id token that each brings.

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

from fastapi import Request

from cplus.errors import InvalidShop, InvalidSignature
from cplus.ids import random_id
from cplus.privacy.sessions import UsedTokens
from cplus.shopify.hosts import shop_host
from cplus.shopify.oauth import LEEWAY, SessionToken

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


def _hash(tab: str) -> str:
    return hashlib.sha256(tab.encode()).hexdigest() if tab else ""
