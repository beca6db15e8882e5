"""The answers to requests from the Admin's frame that bring no good token, or for a shop in which
the app could not be installed."""

from __future__ import annotations

from typing import Final

from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from cplus.web.kit.deep_links import wanted_page
from cplus.web.kit.deps import bridge_of, pages_of
from cplus.web.kit.frame import Frame, framing
from cplus.web.kit.i18n import gettext as _
from cplus.web.kit.id_tokens import (
    BOUNCED,
    RETRY,
    TokenNeeded,
    is_document,
    is_fetch,
    named_shops,
)
from cplus.web.kit.signed_in import NotGranted

_BEARER: Final = {"WWW-Authenticate": "Bearer"}


async def token_needed(request: Request, error: Exception) -> Response:
    """401: a fetch may be sent again with a fresh token, a document gets the bounce page."""
    assert isinstance(error, TokenNeeded)  # noqa: S101  Starlette's type is the base
    if is_fetch(request):
        headers = {**_BEARER, RETRY: "1"}
        return JSONResponse({"error": _("Sign in first.")}, 401, headers=headers)
    return await bounced(request, error.shop, used=error.used)


async def bounced(request: Request, shop: str, *, used: bool = False) -> HTMLResponse:
    """The page that fetches a token by App Bridge and comes back to its address with it. If that
    token wasn't good either, it says what to do and leads on no more: it never goes round. One
    that was only used already is waited out, as App Bridge may give a token twice."""
    bridge, pages = await bridge_of(request), await pages_of(request)
    request.state.framing = framing(bridge, shop)
    answer = pages.render(
        "entry/bounce.html",
        status=401,
        frame=Frame(shop, bridge, wanted_page(request)),
        stuck=BOUNCED in request.query_params and not used,
    )
    answer.headers.update(_BEARER)
    return answer


async def not_granted(request: Request, error: Exception) -> Response:
    """Says what to do, in the frame."""
    assert isinstance(error, NotGranted)  # noqa: S101  Starlette's type is the base
    bridge, pages = await bridge_of(request), await pages_of(request)
    request.state.framing = framing(bridge, error.shop)
    return pages.render(
        "entry/not_granted.html",
        status=403 if error.refused else 502,
        frame=Frame(error.shop, bridge, wanted_page(request)),
        refused=error.refused,
    )


async def frame_of(request: Request) -> Frame | None:
    """The frame of a page for which nobody has to be signed in, and lets the Admin show it; None
    in a window of its own."""
    if not is_document(request):
        return None
    bridge = await bridge_of(request)
    shop = "".join(named_shops(request)[:1])
    request.state.framing = framing(bridge, shop)
    return Frame(shop, bridge, wanted_page(request))
