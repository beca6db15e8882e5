"""What every page asks for first: the app's parts, and the merchant who is signed in."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse, Response

from cplus.bootstrap import Parts
from cplus.errors import InvalidSignature
from cplus.projections.queries import Queries, Shop
from cplus.shopify.oauth import session_token
from cplus.web.kit.auth import SESSION_SECONDS, Session, Signatures
from cplus.web.kit.pages import Pages

CONSOLE_PATH: Final = "/console"
GONE: Final = "The app was removed from this shop. Install it again to go on."


@dataclass(frozen=True)
class Web:
    """The parts, and what the web app makes of them."""

    parts: Parts
    pages: Pages
    signatures: Signatures

    @property
    def queries(self) -> Queries:
        """The read models."""
        return self.parts.queries

    async def has_ended(self, session: Session) -> bool:
        """Whether the session was ended before its time."""
        return await self.parts.ended_sessions.holds(session.shop, session.id, session.since)

    @property
    def secure(self) -> bool:
        """Whether the app is reached by https."""
        return self.parts.settings.app_url.startswith("https://")

    @property
    def session_name(self) -> str:
        """The name of the session's cookie."""
        # The prefix makes browsers refuse a cookie that a neighbouring host set.
        return "__Host-cplus_session" if self.secure else "cplus_session"

    def set_cookie(
        self,
        answer: Response,
        name: str,
        value: str,
        *,
        seconds: int = SESSION_SECONDS,
        path: str = "/",
    ) -> None:
        """Gives the browser a cookie that no script can read."""
        answer.set_cookie(
            name,
            value,
            max_age=seconds,
            path=path,
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )

    def drop_cookie(self, answer: Response, name: str, *, path: str = "/") -> None:
        """Takes the cookie away again."""
        answer.delete_cookie(name, path=path, secure=self.secure, httponly=True, samesite="lax")


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
    def name(self) -> str:
        """The shop's name, its host until that is known."""
        return (self.row and self.row.name) or self.session.shop

    @property
    def timezone(self) -> str | None:
        """The shop's time zone, an IANA name."""
        return self.row.timezone if self.row else None


class SignInNeeded(Exception):
    """Nobody is signed in."""

    def __init__(self, note: str = "") -> None:
        super().__init__(note)
        self.note = note


async def web_of(request: Request) -> Web:
    """The app's parts."""
    web: Web = request.app.state.web
    return web


WebDep = Annotated[Web, Depends(web_of)]


async def merchant(request: Request, web: WebDep) -> Merchant:
    """The merchant of the session's cookie, or on the API of Shopify's session token; raises
    SignInNeeded."""
    session = _session(request, web)
    if session is None:
        raise SignInNeeded
    row, ended = await asyncio.gather(web.queries.shop(session.shop), web.has_ended(session))
    if ended:
        raise SignInNeeded
    if row and not session.outlives(row.uninstalled_at):
        raise SignInNeeded("gone")
    request.state.frame_shop = session.shop
    return Merchant(session, row, web.signatures.form_token(session))


def _session(request: Request, web: Web) -> Session | None:
    if request.url.path.startswith("/api/") and "authorization" in request.headers:
        scheme, _, token = request.headers["authorization"].partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            held = session_token(web.parts.app, token.strip())
        except InvalidSignature:
            return None
        return Session(held.shop, held.session_id, web.parts.clock(), vouched=True)
    return web.signatures.session(request.cookies.get(web.session_name))


MerchantDep = Annotated[Merchant, Depends(merchant)]


def see_other(address: str) -> RedirectResponse:
    """Sends the browser on, by GET."""
    return RedirectResponse(address, 303)
