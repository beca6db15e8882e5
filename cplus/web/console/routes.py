"""The operator console: each shop's log, how far its readers are, and what stopped them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from typing import Annotated, Final

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import HTMLResponse, JSONResponse, Response

from cplus.consumers.reactions.registry import REACTIONS
from cplus.errors import InvalidInput
from cplus.projections.groups import ALL
from cplus.projections.lag.overview import Overview, overview, stops_of
from cplus.shopify.hosts import shop_host
from cplus.web.kit.auth import Session, same_secret
from cplus.web.kit.deps import CONSOLE_PATH, Web, WebDep, see_other
from cplus.web.kit.forms import own_form, read_form

router = APIRouter(prefix=CONSOLE_PATH)

COOKIE: Final = "cplus_console"
SHOWN: Final = 500
"""Shops on the page at most; those that need somebody first."""


@router.get("")
async def console(request: Request, web: WebDep) -> HTMLResponse:
    """All shops; without an operator's session, the form for the token."""
    session = await _operator(request, web)
    if session is None:
        return web.pages.render("console_sign_in.html", reason="")
    found = await _overview(web)
    return web.pages.render(
        "console.html",
        csrf=web.signatures.form_token(session),
        lines=found.lines,
        shops=found.shops,
        commits=found.commits,
        behind=found.behind,
        parked=found.parked,
        stops=stops_of(found.lines),
        readers=[reader.collection for reader in found.readers if reader.live or not reader.filled],
        followers=[
            reader.collection for reader in found.readers if reader.filled and not reader.live
        ],
        now=web.parts.clock(),
    )


@router.get("/lag.json")
async def lag(
    request: Request, web: WebDep, shop: Annotated[list[str] | None, Query(max_length=SHOWN)] = None
) -> JSONResponse:
    """The same as JSON, of all shops or of those named, for the console's session or with the
    operator token as `Authorization: Bearer`."""
    given = request.headers.get("authorization")
    if given is not None:  # one that is wrong is refused, whatever cookie comes with it
        scheme, _, token = given.partition(" ")
        known = scheme.lower() == "bearer" and same_secret(token.strip(), _token(web))
    else:
        known = await _operator(request, web) is not None
    if not known:
        raise HTTPException(401)
    try:
        wanted = None if shop is None else {shop_host(one) for one in shop}
    except InvalidInput as error:
        raise HTTPException(400) from error
    found = await _overview(web, wanted)
    counted = {name: getattr(found, name) for name in ("shops", "commits", "behind", "parked")}
    lags = [asdict(one) for line in found.lines for one in line.lags.values()]
    return JSONResponse(jsonable_encoder({**counted, "shown": len(found.lines), "lags": lags}))


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


async def _overview(web: Web, shops: Collection[str] | None = None) -> Overview:
    parts = web.parts
    return await overview(
        parts.mongo, parts.store, ALL, parts.clock, reactions=REACTIONS, shops=shops, most=SHOWN
    )


async def _operator(request: Request, web: Web) -> Session | None:
    session = web.signatures.console(request.cookies.get(COOKIE), _token(web))
    return None if session is None or await web.has_ended(session) else session
