"""The operator whose session of the console a request belongs to."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Depends, Request

from cplus.web.kit.auth import Session
from cplus.web.kit.cookies import CONSOLE
from cplus.web.kit.deps import CookiesDep, EndedSessionsDep, OperatorTokenDep, SignaturesDep

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
    return session


OperatorDep = Annotated[Session | None, Depends(_operator)]


class OperatorNeeded(Exception):
    """Only an operator may see this: the console asks for the token."""


async def _known_operator(session: OperatorDep) -> Session:
    if session is None:
        raise OperatorNeeded
    return session


KnownOperatorDep = Annotated[Session, Depends(_known_operator)]
