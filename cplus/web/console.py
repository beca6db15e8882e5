"""The operator console: each shop's log, how far its readers are, and what stopped them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from cplus.consumers.react import NAME as REACT
from cplus.projections.groups import ALL
from cplus.projections.lag import Lag, lag
from cplus.web.auth import Session, same_secret
from cplus.web.deps import CONSOLE_PATH, Web, WebDep, see_other
from cplus.web.forms import own_form, read_form

router = APIRouter(prefix=CONSOLE_PATH)

COOKIE: Final = "cplus_console"
SHOWN: Final = 500
"""Shops on the page at most; those that need somebody first."""


@dataclass(slots=True)
class ShopLine:
    """A shop as the console shows it."""

    shop: str
    position: int
    """The last of its log."""
    lags: dict[str, Lag] = field(default_factory=dict)
    """How far each reader is, by its collection."""

    @property
    def behind(self) -> int:
        """Events that the reader furthest behind has not seen; what is only being filled is
        read by nobody."""
        return max(one.behind for one in self.lags.values() if one.filled)

    @property
    def parked(self) -> list[Lag]:
        """The readers that stand still."""
        return [one for one in self.lags.values() if one.parked]


@router.get("")
async def console(request: Request, web: WebDep) -> HTMLResponse:
    """All shops; without an operator's session, the form for the token."""
    session = await _operator(request, web)
    if session is None:
        return web.pages.render("console_sign_in.html", reason="")
    parts = web.parts
    lags = await lag(parts.mongo, parts.store, ALL, parts.clock, reactions=[REACT])
    lines = lines_of(lags)
    return web.pages.render(
        "console.html",
        csrf=web.signatures.form_token(session),
        lines=lines[:SHOWN],
        shops=len(lines),
        commits=sum(line.position for line in lines),
        behind=sum(line.behind > 0 for line in lines),
        parked=sum(bool(line.parked) for line in lines),
        readers=list(dict.fromkeys(one.collection for one in lags)),
        now=web.parts.clock(),
    )


@router.post("/sign-in")
async def sign_in(request: Request, web: WebDep) -> Response:
    """Opens the console with the operator token."""
    given = (await read_form(request)).get("token", "").strip()
    token = _token(web)
    if not same_secret(given, token):
        reason = "That is not the operator token."
        return web.pages.render("console_sign_in.html", status=403, reason=reason)
    answer = see_other(CONSOLE_PATH)
    value = web.signatures.console_cookie(token)
    web.set_cookie(answer, COOKIE, value, path=CONSOLE_PATH)
    return answer


@router.post("/sign-out")
async def sign_out(request: Request, web: WebDep) -> Response:
    """Ends the operator's session, also for whoever else has its cookie."""
    session = await _operator(request, web)
    if session is not None:
        await own_form(request, web.signatures, session)
        await web.parts.ended_sessions.end(session.id)
    answer = see_other(CONSOLE_PATH)
    web.drop_cookie(answer, COOKIE, path=CONSOLE_PATH)
    return answer


def _token(web: Web) -> str:
    token = web.parts.settings.operator_token
    if token is None or not token.get_secret_value():
        raise HTTPException(404)  # no token was set: there is no console
    return token.get_secret_value()


async def _operator(request: Request, web: Web) -> Session | None:
    session = web.signatures.console(request.cookies.get(COOKIE), _token(web))
    return None if session is None or await web.has_ended(session) else session


def lines_of(lags: Iterable[Lag]) -> list[ShopLine]:
    """A line for each shop: the parked first, then those furthest behind, then by name."""
    lines: dict[str, ShopLine] = {}
    for one in lags:
        lines.setdefault(one.shop, ShopLine(one.shop, one.head)).lags[one.collection] = one
    return sorted(lines.values(), key=lambda line: (not line.parked, -line.behind, line.shop))
