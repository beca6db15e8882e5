"""Ways to a session: the app's installation, a one-time link; and the way out."""

from __future__ import annotations

from typing import Final

import structlog
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from cplus.actors import ADMIN, Actor
from cplus.commands import installs, sessions
from cplus.errors import InvalidInput, InvalidShop, InvalidSignature, ShopifyError
from cplus.web.kit.auth import Signatures
from cplus.web.kit.cookies import Cookies
from cplus.web.kit.deps import (
    CookiesDep,
    EndedSessionsDep,
    HandshakeDep,
    InstallsDep,
    PagesDep,
    SignaturesDep,
    SignerDep,
    UsedLinksDep,
)
from cplus.web.kit.forms import own_form, own_site
from cplus.web.kit.handshake import CALLBACK, STATE_SECONDS
from cplus.web.kit.pages import Pages
from cplus.web.kit.signed_in import GONE, see_other

log = structlog.get_logger()
router = APIRouter()

STATE_COOKIE: Final = "cplus_install"

_OUT: Final = "You are signed out."
_STALE: Final = "That sign-in link was already used or has expired. Sign in through your shop."


@router.get("/auth/sign-in")
async def sign_in(
    request: Request,
    pages: PagesDep,
    signatures: SignaturesDep,
    cookies: CookiesDep,
    signer: SignerDep,
    used: UsedLinksDep,
    token: str | None = None,
    note: str = "",
) -> Response:
    """The page that asks for the shop; with a token of a sign-in link, signs in."""
    if token is None:
        out, gone = _OUT if note == "out" else "", GONE if note == "gone" else ""
        return ask(request, pages, note=out, warning=gone)
    try:
        found = await sessions.use_link(token, signer=signer, used=used)
    except InvalidSignature:
        session = signatures.session(request.cookies.get(cookies.session))
        if session and session.shop == sessions.link_shop(token, signer=signer):
            return see_other("/inbox")  # they opened the link again and are where it leads
        return ask(request, pages, warning=_STALE, status=403)
    return _signed_in(signatures, cookies, found.shop, found.actor)


def ask(
    request: Request,
    pages: Pages,
    *,
    note: str = "",
    warning: str = "",
    reason: str = "",
    shop: str = "",
    status: int = 200,
) -> HTMLResponse:
    """The page that asks for the shop's address."""
    # Its form leads to Shopify by redirects, which `form-action` would stop.
    request.state.leaves_by_form = True
    return pages.render(
        "sign_in.html", status=status, note=note, warning=warning, reason=reason, shop=shop
    )


@router.get("/auth/install")
async def install(
    request: Request, pages: PagesDep, cookies: CookiesDep, handshake: HandshakeDep, shop: str = ""
) -> Response:
    """Sends the merchant to Shopify to grant the app its scopes, or to confirm them again."""
    wanted = shop.strip().lower()
    wanted = wanted.removeprefix("https://").removeprefix("http://").split("/", 1)[0]
    if wanted and "." not in wanted:
        wanted += ".myshopify.com"
    try:
        begun = handshake.begin(wanted)
    except InvalidShop:
        reason = "A shop’s address ends with .myshopify.com, for example blue-jam.myshopify.com."
        return ask(request, pages, reason=reason, shop=shop[:80], status=400)
    answer = see_other(begun.url)
    cookies.give(answer, STATE_COOKIE, begun.nonce, seconds=STATE_SECONDS, path=CALLBACK)
    return answer


@router.get(CALLBACK)
async def callback(
    request: Request,
    signatures: SignaturesDep,
    cookies: CookiesDep,
    handshake: HandshakeDep,
    use: InstallsDep,
) -> Response:
    """Where Shopify brings the merchant back to: installs, and signs in."""
    nonce = request.cookies.get(STATE_COOKIE, "")
    try:
        consent = handshake.finish(dict(request.query_params), nonce)
        await installs.install(consent.shop, consent.code, said=consent.said, actor=ADMIN, use=use)
    except InvalidSignature:
        raise HTTPException(403, "Shopify’s response couldn’t be verified. Start again.") from None
    except InvalidShop:
        raise HTTPException(400, "That isn’t a shop’s address.") from None
    except InvalidInput as error:
        reason = str(error.values["reason"])
        raise HTTPException(400, f"{reason[:1].upper()}{reason[1:]}.") from None
    except ShopifyError as error:
        log.warning("install_failed", error=type(error).__name__)
        raise HTTPException(502, "Shopify didn’t respond as expected. Try again.") from None
    answer = _signed_in(signatures, cookies, consent.shop, ADMIN, vouched=True)
    cookies.drop(answer, STATE_COOKIE, path=CALLBACK)
    return answer


@router.post("/auth/sign-out", dependencies=[Depends(own_site)])
async def sign_out(
    request: Request, signatures: SignaturesDep, cookies: CookiesDep, ended: EndedSessionsDep
) -> Response:
    """Ends the session in every browser that has its cookie."""
    session = signatures.session(request.cookies.get(cookies.session))
    if session is not None:
        await own_form(request, signatures, session)
        await sessions.sign_out(session.id, ended=ended)
    answer = see_other("/auth/sign-in?note=out")
    cookies.drop(answer, cookies.session)
    return answer


def _signed_in(
    signatures: Signatures, cookies: Cookies, shop: str, actor: Actor, *, vouched: bool = False
) -> Response:
    answer = see_other("/inbox")
    cookies.give(answer, cookies.session, signatures.session_cookie(shop, actor, vouched=vouched))
    return answer
