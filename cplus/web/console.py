"""The operator console: each shop's log, how far its readers are, and what stopped them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from cplus.mongo import Database
from cplus.web.auth import Session, same_secret
from cplus.web.deps import CONSOLE_PATH, Web, WebDep, see_other
from cplus.web.forms import own_form, read_form

router = APIRouter(prefix=CONSOLE_PATH)

COOKIE: Final = "cplus_console"
SHOWN: Final = 500
"""Shops on the page at most; those that need somebody first."""


@dataclass(frozen=True, slots=True)
class Parked:
    """A reader that stopped at an event it cannot read."""

    reader: str
    position: int
    type: str
    reason: str
    since: datetime | None


@dataclass(slots=True)
class ShopLine:
    """A shop as the console shows it."""

    shop: str
    position: int
    """The last of its log."""
    lags: dict[str, int] = field(default_factory=dict)
    """Commits that each reader is behind."""
    parked: list[Parked] = field(default_factory=list)

    @property
    def lag(self) -> int:
        """That of the reader furthest behind."""
        return max(self.lags.values(), default=self.position)


@router.get("")
async def console(request: Request, web: WebDep) -> HTMLResponse:
    """All shops; without an operator's session, the form for the token."""
    session = _operator(request, web)
    if session is None:
        return web.pages.render("console_sign_in.html", reason="")
    heads = await web.parts.store.heads()
    lines = lines_of(heads, await _checkpoints(web.parts.mongo.database))
    return web.pages.render(
        "console.html",
        csrf=web.signatures.form_token(session),
        lines=lines[:SHOWN],
        shops=len(lines),
        commits=sum(heads.values()),
        behind=sum(line.lag > 0 for line in lines),
        parked=sum(bool(line.parked) for line in lines),
        readers=sorted({reader for line in lines for reader in line.lags}),
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
    """Shuts the console in this browser."""
    session = _operator(request, web)
    if session is not None:
        await own_form(request, web.signatures, session)
    answer = see_other(CONSOLE_PATH)
    web.drop_cookie(answer, COOKIE, path=CONSOLE_PATH)
    return answer


def _token(web: Web) -> str:
    token = web.parts.settings.operator_token
    if token is None or not token.get_secret_value():
        raise HTTPException(404)  # no token was set: there is no console
    return token.get_secret_value()


def _operator(request: Request, web: Web) -> Session | None:
    return web.signatures.console(request.cookies.get(COOKIE), _token(web))


async def _checkpoints(database: Database) -> list[Mapping[str, Any]]:
    cursor = database["checkpoints"].find({}, {"position": 1, "parked": 1})
    return list(await cursor.to_list(None))


def lines_of(heads: Mapping[str, int], checkpoints: Sequence[Mapping[str, Any]]) -> list[ShopLine]:
    """A line for each shop: the parked first, then those furthest behind, then by name.

    A checkpoint is `{"_id": "<reader>/<shop>", "position", "parked"}`.
    """
    lines = {shop: ShopLine(shop, position) for shop, position in heads.items()}
    for row in checkpoints:
        reader, _, shop = str(row["_id"]).partition("/")
        line = lines.get(shop)
        if line is None:
            continue
        line.lags[reader] = max(line.position - int(row["position"]), 0)
        parked = row.get("parked")
        if parked:
            line.parked.append(
                Parked(
                    reader,
                    int(parked["position"]),
                    str(parked["type"]),
                    str(parked["reason"]),
                    parked.get("since"),
                )
            )
    return sorted(lines.values(), key=lambda line: (not line.parked, -line.lag, line.shop))
