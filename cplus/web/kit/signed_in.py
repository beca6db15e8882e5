"""The merchant who is signed in, as every page of theirs asks for it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse

from cplus.actors import Actor
from cplus.errors import InvalidShop, InvalidSignature
from cplus.projections.queries import Shop
from cplus.shopify.hosts import shop_host
from cplus.web.kit.auth import Session
from cplus.web.kit.cookies import SESSION
from cplus.web.kit.deps import (
    CookiesDep,
    EndedSessionsDep,
    QueriesDep,
    ReadToken,
    ReadTokenDep,
    SignaturesDep,
    cookies_of,
    ended_of,
    queries_of,
    signatures_of,
)

_NOT_THEIRS: Final = ("/api/", "/auth/", "/console", "/static/")
GONE: Final = "The app is no longer installed in this shop."


@dataclass(frozen=True, slots=True)
class Merchant:
    """Who looks at the page, as the page needs it."""

    session: Session
    row: Shop | None
    """The shop's facts; None until the first are there."""
    csrf: str

    @property
    def shop(self) -> str:
        """The host: the only shop that this request may read or write."""
        return self.session.shop

    @property
    def actor(self) -> Actor:
        """Which of the shop's staff it is."""
        return self.session.actor

    @property
    def name(self) -> str:
        """The shop's name, its host until that is known."""
        return (self.row and self.row.name) or self.session.shop

    @property
    def timezone(self) -> str | None:
        """The shop's time zone, an IANA name."""
        return self.row.timezone if self.row else None


class SignInNeeded(Exception):
    """Nobody is signed in, or not to the shop that the address names."""

    def __init__(self, note: str = "", shop: str = "") -> None:
        super().__init__(note, shop)
        self.note = note
        self.shop = shop
        """The shop that the address names, if it does; the one that removed the app."""


async def session_of(
    request: Request,
    signatures: SignaturesDep,
    cookies: CookiesDep,
    read_token: ReadTokenDep,
) -> Session | None:
    """The session of the cookie, or on the API of Shopify's session token; None where there is
    none. It may have been ended since."""
    if request.url.path.startswith("/api/") and "authorization" in request.headers:
        return _bearer(request.headers["authorization"], read_token)
    return signatures.session(cookies.held(request, SESSION))


def _bearer(given: str, read_token: ReadToken) -> Session | None:
    scheme, _, token = given.partition(" ")
    if scheme.lower() != "bearer":
        return None
    try:
        held = read_token(token.strip())
    except InvalidSignature:
        return None
    actor = Actor("merchant", held.user_id)
    # Shopify vouches for the moment at which it made the token, and not for any later one.
    return Session(held.shop, held.session_id, held.issued_at, actor, vouched=True)


SessionDep = Annotated[Session | None, Depends(session_of)]


async def merchant(
    request: Request,
    session: SessionDep,
    queries: QueriesDep,
    ended: EndedSessionsDep,
    signatures: SignaturesDep,
) -> Merchant:
    """The merchant of the session; raises SignInNeeded, also for a page whose address names
    another shop, as every address does by which Shopify opens the app."""
    asked = _asked_shop(request, session)
    if session is None or asked not in ("", session.shop):
        raise SignInNeeded(shop=asked)
    row, has_ended = await asyncio.gather(
        queries.shop(session.shop), ended.holds(session.shop, session.id, session.since)
    )
    # First of all: the removal of the app ends the sessions too, and is the reason to tell.
    if row and not session.outlives(row.uninstalled_at):
        raise SignInNeeded("gone", asked or session.shop)
    if has_ended:
        raise SignInNeeded(shop=asked)
    request.state.frame_shop = session.shop
    me = Merchant(session, row, signatures.form_token(session))
    request.state.merchant = me
    return me


async def known_merchant(request: Request, *, ask: bool) -> Merchant | None:
    """The merchant who sees a page that says that something went wrong; None where nobody is
    signed in. With `ask`, also on an address that is no page of theirs."""
    known: Merchant | None = getattr(request.state, "merchant", None)
    if known or not ask or request.url.path.startswith(_NOT_THEIRS):
        return known
    signatures = await signatures_of(request)
    session = signatures.session((await cookies_of(request)).held(request, SESSION))
    try:
        return await merchant(
            request, session, await queries_of(request), await ended_of(request), signatures
        )
    except SignInNeeded:
        return None


def _asked_shop(request: Request, session: Session | None) -> str:
    """The shop that the address of a page names, another than the session's before all; "" where
    it names none."""
    if request.method != "GET" or request.url.path.startswith("/api/"):
        return ""
    asked = ""
    for named in request.query_params.getlist("shop"):
        try:
            asked = shop_host(named)
        except InvalidShop:
            continue
        if session is None or asked != session.shop:
            break
    return asked


MerchantDep = Annotated[Merchant, Depends(merchant)]


def see_other(address: str) -> RedirectResponse:
    """Sends the browser on, by GET."""
    return RedirectResponse(address, 303)
