"""The operator console: each shop's log, how far its readers are, and what stopped them."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import HTMLResponse, JSONResponse, Response

from cplus.commands import sessions
from cplus.errors import InvalidActor, InvalidInput, InvalidSignature
from cplus.projections.lag.overview import stops_of
from cplus.shopify.hosts import shop_host
from cplus.web.console.signed_in import CONSOLE_PATH, OperatorDep
from cplus.web.kit.cookies import CONSOLE
from cplus.web.kit.deep_links import CONSOLE_HOME, own_console_page
from cplus.web.kit.deps import (
    ClockDep,
    CookiesDep,
    EndedSessionsDep,
    LagDep,
    OperatorTokenDep,
    PagesDep,
    QueriesDep,
    ShopIdsDep,
    SignaturesDep,
    TokenTriesDep,
    UntranslatedDep,
)
from cplus.web.kit.forms import own_form, own_site, read_form
from cplus.web.kit.pages import Pages
from cplus.web.kit.signed_in import see_other

router = APIRouter(prefix=CONSOLE_PATH)

SHOWN: Final = 500
"""Shops on the page at most; those that need somebody first."""

OPENED: Final = timedelta(days=30)
"""How long a webhook of which nobody is known can be opened, and so be translated again."""
COUNTED: Final = 2_000
"""Webhooks without events that are looked at for the page."""
_RENAMED: Final = 50
"""Shops with two hosts on the page at most, what was seen last first."""
_WAITING: Final = 100
"""Shops whose mail waits on the page at most, those that wait longest first."""
_LIMITED: Final = timedelta(hours=24)
"""How long it is shown that a shop reached its limit."""

_NAME: Final = (
    "Enter the name that you go by: up to 64 letters, digits, dots, hyphens and underscores."
)


@router.get("")
async def console(
    pages: PagesDep,
    signatures: SignaturesDep,
    read: LagDep,
    count: UntranslatedDep,
    ids: ShopIdsDep,
    clock: ClockDep,
    queries: QueriesDep,
    session: OperatorDep,
    *,
    leads_to: Annotated[str, Query(alias="next")] = CONSOLE_HOME,
) -> HTMLResponse:
    """All shops; without an operator's session, the form for the token, which leads to a page."""
    if session is None:
        return _ask(pages, leads_to=own_console_page(leads_to))
    found, untranslated, renamed, waiting = await asyncio.gather(
        read(shops=None, most=SHOWN),
        count(since=clock() - OPENED, most=COUNTED),
        ids.renamed(_RENAMED),
        queries.waiting_mail(clock() - _LIMITED, _WAITING),
    )
    return pages.render(
        "console/console.html",
        csrf=signatures.form_token(session),
        operator=session.actor.shown,
        lines=found.lines,
        shops=found.shops,
        commits=found.commits,
        behind=found.behind,
        parked=found.parked,
        stops=stops_of(found.lines),
        untranslated=untranslated,
        renamed=renamed,
        waiting=waiting,
        readers=[reader.collection for reader in found.readers if reader.live or not reader.filled],
        followers=[
            reader.collection for reader in found.readers if reader.filled and not reader.live
        ],
        now=clock(),
    )


def _ask(
    pages: Pages,
    *,
    leads_to: str,
    name: str = "",
    wrong_name: str = "",
    reason: str = "",
    status: int = 200,
) -> HTMLResponse:
    return pages.render(
        "console/sign_in.html",
        status=status,
        leads_to=leads_to,
        name=name,
        wrong_name=wrong_name,
        reason=reason,
    )


@router.get("/lag.json")
async def lag(
    request: Request,
    expected: OperatorTokenDep,
    tries: TokenTriesDep,
    read: LagDep,
    session: OperatorDep,
    shop: Annotated[list[str] | None, Query(max_length=SHOWN)] = None,
) -> JSONResponse:
    """The same as JSON, of all shops or of those named, for the console's session or with the
    operator token as `Authorization: Bearer`."""
    given = request.headers.get("authorization")
    if given is not None:  # one that is wrong is refused, whatever cookie comes with it
        scheme, _, token = given.partition(" ")
        if scheme.lower() != "bearer":
            raise HTTPException(401)
        try:
            await sessions.check_operator_token(token.strip(), expected=expected, tries=tries)
        except InvalidSignature:
            raise HTTPException(401) from None
    elif session is None:
        raise HTTPException(401)
    try:
        wanted = None if shop is None else {shop_host(one) for one in shop}
    except InvalidInput as error:
        raise HTTPException(400) from error
    found = await read(shops=wanted, most=SHOWN)
    counted = {name: getattr(found, name) for name in ("shops", "commits", "behind", "parked")}
    lags = [asdict(one) for line in found.lines for one in line.lags.values()]
    return JSONResponse(jsonable_encoder({**counted, "shown": len(found.lines), "lags": lags}))


@router.get("/sign-in")
@router.get("/sign-out")
async def again(_expected: OperatorTokenDep) -> Response:
    """For who loads the address of a form again that was answered with a page."""
    return see_other(CONSOLE_PATH)


@router.post("/sign-in", dependencies=[Depends(own_site)])
async def sign_in(
    request: Request,
    pages: PagesDep,
    signatures: SignaturesDep,
    cookies: CookiesDep,
    expected: OperatorTokenDep,
    tries: TokenTriesDep,
) -> Response:
    """Opens the console for an operator who has the token and gives a name."""
    fields = await read_form(request)
    name, token = fields.get("name", "").strip(), fields.get("token", "").strip()
    leads_to = own_console_page(fields.get("next", CONSOLE_HOME))
    ask = partial(_ask, pages, leads_to=leads_to, name=name)
    try:
        operator = await sessions.open_console(token, name, expected=expected, tries=tries)
    except InvalidSignature:
        return ask(reason="That isn’t the operator token.", status=403)
    except InvalidActor:
        return ask(wrong_name=_NAME, status=422)
    answer = see_other(leads_to)
    cookies.give(answer, CONSOLE, signatures.console_cookie(expected, operator))
    return answer


@router.post("/sign-out", dependencies=[Depends(own_site)])
async def sign_out(
    request: Request,
    signatures: SignaturesDep,
    cookies: CookiesDep,
    ended: EndedSessionsDep,
    session: OperatorDep,
) -> Response:
    """Ends the operator's session in every browser that has its cookie."""
    if session is not None:
        await own_form(request, signatures, session)
        await sessions.sign_out(session.id, ended=ended)
    answer = see_other(CONSOLE_PATH)
    cookies.drop(answer, CONSOLE)
    return answer
