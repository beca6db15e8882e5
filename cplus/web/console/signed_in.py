"""The operator whose session of the console a request belongs to, and the pages that they see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends, HTTPException, Request
from fastapi.responses import HTMLResponse

from cplus.errors import CplusError
from cplus.web.kit.auth import Session, Signatures
from cplus.web.kit.cookies import CONSOLE
from cplus.web.kit.deps import (
    CookiesDep,
    EndedSessionsDep,
    OperatorTokenDep,
    PagesDep,
    SignaturesDep,
    cookies_of,
    ended_of,
    operator_token_of,
    signatures_of,
)
from cplus.web.kit.forms import own_form
from cplus.web.kit.pages import Pages

CONSOLE_PATH: Final = "/console"


async def _operator(
    request: Request,
    signatures: SignaturesDep,
    cookies: CookiesDep,
    token: OperatorTokenDep,
    ended: EndedSessionsDep,
) -> Session | None:
    session = signatures.console(cookies.held(request, CONSOLE), token)
    if session is None or await ended.holds(session.shop, session.id, session.since):
        return None
    request.state.operator = session
    return session


async def known_operator(request: Request, *, ask: bool) -> Session | None:
    """The operator who sees a page that says that something went wrong; None where nobody is
    signed in. With `ask`, also on an address that is no page of theirs."""
    known: Session | None = getattr(request.state, "operator", None)
    if known or not ask:
        return known
    try:
        token = await operator_token_of(request)
    except HTTPException:
        return None  # there is no console
    signatures, cookies = await signatures_of(request), await cookies_of(request)
    return await _operator(request, signatures, cookies, token, await ended_of(request))


OperatorDep = Annotated[Session | None, Depends(_operator)]


class OperatorNeeded(Exception):
    """Only an operator may see this: the console asks for the token."""


async def _known_operator(session: OperatorDep) -> Session:
    if session is None:
        raise OperatorNeeded
    return session


KnownOperatorDep = Annotated[Session, Depends(_known_operator)]


@dataclass(frozen=True, slots=True)
class View:
    """The pages of an operator who is signed in."""

    session: Session
    pages: Pages
    signatures: Signatures

    def render(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """A page of the console."""
        csrf, operator = self.signatures.form_token(self.session), self.session.actor.shown
        return self.pages.render(template, status=status, csrf=csrf, operator=operator, **values)

    def refuse(
        self,
        heading: str,
        error: CplusError,
        *,
        status: int,
        way_out: tuple[str, str] = (f"{CONSOLE_PATH}/dead", "Back to the dead letters"),
    ) -> HTMLResponse:
        """A page that says, in the error's own words, what was not done."""
        return self.render(
            "error.html",
            me=None,
            section="dead",
            status=status,
            code=status,
            heading=heading,
            reason=str(error),
            way_out=way_out[0],
            way_out_label=way_out[1],
        )

    async def form(self, request: Request) -> Mapping[str, str]:
        """The fields of a form of this session; 403 for any other."""
        return await own_form(request, self.signatures, self.session)


async def _view(session: KnownOperatorDep, pages: PagesDep, signatures: SignaturesDep) -> View:
    return View(session, pages, signatures)


ViewDep = Annotated[View, Depends(_view)]
