"""Ways to a session: the app's installation, a one-time link; and the way out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response

from cplus.actors import ADMIN, Actor
from cplus.commands import installs, sessions
from cplus.errors import InvalidInput, InvalidShop, InvalidSignature, ShopifyError
from cplus.privacy.sessions import UsedLinks
from cplus.projections.queries import Queries
from cplus.shopify.hosts import typed_shop
from cplus.signing import Signer
from cplus.web.kit.auth import Signatures
from cplus.web.kit.cookies import INSTALL, PUSH, SESSION, Cookies
from cplus.web.kit.deep_links import HOME, own_page, sign_in_page, wanted_page
from cplus.web.kit.deps import (
    CookiesDep,
    EndedSessionsDep,
    HandshakeDep,
    InstallsDep,
    PagesDep,
    PushSubscriptionsDep,
    QueriesDep,
    SignaturesDep,
    SignerDep,
    UsedLinksDep,
    bridge_of,
    cookies_of,
    handshake_of,
    pages_of,
    signatures_of,
)
from cplus.web.kit.forms import own_form, own_site, read_form
from cplus.web.kit.frame import Bridge
from cplus.web.kit.handshake import CALLBACK, STATE_SECONDS, Handshake, OtherHost
from cplus.web.kit.i18n import gettext as _
from cplus.web.kit.pages import Pages
from cplus.web.kit.signed_in import GONE, SignInNeeded, known_merchant, see_other
from cplus.web.kit.text import refusal
from cplus.wording import worded
from cplus.workspace.push_subscriptions import LASTS, PushSubscriptions

log = structlog.get_logger()
router = APIRouter()


async def _next(leads_to: Annotated[str, Query(alias="next")] = HOME) -> str:
    return own_page(leads_to)


NextDep = Annotated[str, Depends(_next)]

_OUT: Final = worded("You are signed out.")
_UNSENT: Final = worded(
    "Your session is over, so the reply was not sent. What you wrote is kept in this tab: sign in, "
    "then send it."
)
_UNSAVED: Final = worded("Your session is over, so nothing was changed. Sign in and try again.")
_TYPED: Final = 80  # characters of what was typed that come back
_STALE: Final = worded(
    "That sign-in link was already used or has expired. Sign in through your shop."
)


@dataclass(frozen=True, slots=True)
class _Links:
    """What a page of a sign-in link needs."""

    request: Request
    pages: Pages
    signatures: Signatures
    cookies: Cookies
    signer: Signer
    used: UsedLinks
    queries: Queries

    async def gone(self, shop: str) -> bool:
        """Whether the shop, to which this browser was signed in, removed the app and has not
        installed it again. To others nothing is told of a shop."""
        if shop != self.signatures.last_shop(self.cookies.held(self.request, SESSION)):
            return False
        row = await self.queries.shop(shop)
        return row is not None and row.uninstalled_at is not None

    def stale(self, token: str, leads_to: str) -> Response:
        """To who opens a link that is used or over."""
        session = self.signatures.session(self.cookies.held(self.request, SESSION))
        if session and session.shop == sessions.link_shop(token, signer=self.signer):
            return see_other(leads_to)  # they opened the link again and are where it leads
        return ask(self.request, self.pages, warning=_STALE, leads_to=leads_to, status=403)


async def _links(
    request: Request,
    pages: PagesDep,
    signatures: SignaturesDep,
    cookies: CookiesDep,
    signer: SignerDep,
    used: UsedLinksDep,
    queries: QueriesDep,
) -> _Links:
    return _Links(request, pages, signatures, cookies, signer, used, queries)


LinksDep = Annotated[_Links, Depends(_links)]


@router.get("/auth/sign-in")
async def sign_in(
    links: LinksDep,
    token: str | None = None,
    note: str = "",
    shop: str = "",
    leads_to: NextDep = HOME,
) -> Response:
    """The page that asks for the shop; with a token of a sign-in link, the page whose button uses
    the link."""
    pages = links.pages
    if token is None:
        if note == "gone" and shop and not await links.gone(shop):
            # The address is an old one: the page that it was for says what is true now.
            session = links.signatures.session(links.cookies.held(links.request, SESSION))
            if session and session.shop == shop:
                return see_other(leads_to)
            note = ""
        out = _OUT if note == "out" else ""
        warning = {"gone": GONE, "unsent": _UNSENT, "unsaved": _UNSAVED}.get(note, "")
        return ask(
            links.request,
            pages,
            note=out,
            warning=warning,
            shop=shop,
            leads_to=leads_to,
            again=note == "gone",
        )
    try:
        found = await sessions.look_at_link(token, signer=links.signer, used=links.used)
    except InvalidSignature:
        return links.stale(token, leads_to)
    # Not by this GET: whatever opens a link to look at it would sign in and use it up.
    return pages.render(
        "entry/sign_in_link.html", shop=found.shop, user=found.actor, token=token, leads_to=leads_to
    )


@router.post("/auth/sign-in", dependencies=[Depends(own_site)])
async def use_link(links: LinksDep, push: PushSubscriptionsDep) -> Response:
    """Signs in with a sign-in link, and uses it up."""
    fields = await read_form(links.request)
    token, leads_to = fields.get("token", ""), own_page(fields.get("next", HOME))
    try:
        found = await sessions.use_link(token, signer=links.signer, used=links.used)
    except InvalidSignature:
        return links.stale(token, leads_to)
    answer = see_other(leads_to)
    value = links.signatures.session_cookie(found.shop, found.actor, since=found.since)
    links.cookies.give(answer, SESSION, value)
    await _told_for_longer(links.request, links.cookies, push, answer, found.shop, found.actor)
    return answer


async def needed(request: Request, error: SignInNeeded) -> Response:
    """Leads who is not signed in, or not to the shop of the address, to where they sign in: with
    an address that Shopify signed into that shop's Admin, or straight to its consent if the app
    does not stand there."""
    leads_to = wanted_page(request)
    if request.method == "POST" and not error.note:
        # The form was one of this app, of a session that ended: it says of which shop.
        note = "unsent" if request.url.path.endswith("/reply") else "unsaved"
        try:
            shop = (await read_form(request)).get("shop", "")[:_TYPED]
        except HTTPException:
            shop = ""  # no form of ours
        return see_other(sign_in_page(note=note, shop=shop, leads_to=leads_to))
    cookies, bridge = await cookies_of(request), await bridge_of(request)
    if error.shop and "hmac" in request.query_params:
        handshake = await handshake_of(request)
        try:
            shop = handshake.shop_of(request.query_params.multi_items())
        except (InvalidSignature, InvalidShop):
            pass  # not Shopify's, or an old one: the merchant says whether it is that shop
        else:
            if bridge.admin:
                return see_other(bridge.page(shop, leads_to))
            return _to_shopify(request, handshake, cookies, shop, leads_to)
    signatures = await signatures_of(request)
    shop = error.shop or signatures.last_shop(cookies.held(request, SESSION))
    return see_other(sign_in_page(note=error.note, shop=shop, leads_to=leads_to))


async def other_shop(request: Request, shop: str) -> Response:
    """For a form of a shop that the browser was signed in to before: nothing was changed, and the
    page leads back to that shop."""
    pages = await pages_of(request)
    return pages.render(
        "entry/other_shop.html",
        status=409,
        me=await known_merchant(request, ask=False),
        section="",
        shop=shop,
        switch=f"/auth/install?{urlencode({'shop': shop, 'next': wanted_page(request)})}",
    )


def ask(
    request: Request,
    pages: Pages,
    *,
    note: str = "",
    warning: str = "",
    reason: str = "",
    shop: str = "",
    leads_to: str = HOME,
    again: bool = False,
    status: int = 200,
) -> HTMLResponse:
    """The page that leads to Shopify to sign in; `again`: to install the app once more.

    Where the shop is not known, nobody is asked to type its address: its Admin leads here. Only an
    app that does not stand in the Admin asks.
    """
    # Its form leads to Shopify by redirects, which `form-action` would stop.
    request.state.leaves_by_form = True
    try:
        known = typed_shop(shop)
    except InvalidShop:
        known = ""
    bridge: Bridge = request.app.state.bridge
    return pages.render(
        "entry/sign_in.html",
        status=status,
        note=note,
        warning=warning,
        reason=reason,
        shop=shop[:_TYPED],
        known=known,
        admin=bridge.admin,
        leads_to=leads_to,
        again=again,
    )


@router.get("/auth/install")
async def install(
    request: Request,
    pages: PagesDep,
    cookies: CookiesDep,
    handshake: HandshakeDep,
    shop: str = "",
    leads_to: NextDep = HOME,
) -> Response:
    """Sends the merchant to Shopify to grant the app its scopes, or to confirm them again."""
    try:
        return _to_shopify(request, handshake, cookies, typed_shop(shop), leads_to)
    except InvalidShop:
        reason = _("A shop’s address ends with .myshopify.com, for example blue-jam.myshopify.com.")
        return ask(request, pages, reason=reason, shop=shop, leads_to=leads_to, status=400)


def _to_shopify(
    request: Request, handshake: Handshake, cookies: Cookies, shop: str, leads_to: str
) -> Response:
    begun = handshake.begin(shop, leads_to=leads_to, nonce=cookies.held(request, INSTALL) or "")
    answer = see_other(begun.url)
    cookies.give(answer, INSTALL, begun.nonce, seconds=STATE_SECONDS)
    return answer


@router.get(CALLBACK)
async def callback(
    request: Request,
    signatures: SignaturesDep,
    cookies: CookiesDep,
    handshake: HandshakeDep,
    use: InstallsDep,
    push: PushSubscriptionsDep,
) -> Response:
    """Where Shopify brings the merchant back to: installs, and signs in."""
    query = request.query_params.multi_items()
    try:
        consent = handshake.finish(query, cookies.held(request, INSTALL) or "")
        installed = await installs.install(
            consent.shop, consent.code, said=consent.said, actor=ADMIN, use=use
        )
    except OtherHost as other:
        # Shopify names the shop itself, whichever of its hosts the merchant typed: its consent is
        # there by now, so this goes on without a word.
        return _to_shopify(request, handshake, cookies, other.shop, other.leads_to)
    except InvalidInput as error:
        session = signatures.session(cookies.held(request, SESSION))
        if session and ("shop", session.shop) in query:
            return see_other(HOME)  # they came back to a step that is done
        raise _refused(error) from None
    except ShopifyError as error:
        log.warning("install_failed", error=type(error).__name__)
        raise HTTPException(502, _("Shopify didn’t respond as expected. Try again.")) from None
    # The browser keeps its nonce: the step can be reloaded, and another one that it began goes on.
    answer = see_other(consent.leads_to)
    at = installed.consented_at
    value = signatures.session_cookie(consent.shop, ADMIN, vouched_at=at)
    cookies.give(answer, SESSION, value)
    await _told_for_longer(request, cookies, push, answer, consent.shop, ADMIN)
    return answer


async def _told_for_longer(
    request: Request,
    cookies: Cookies,
    push: PushSubscriptions,
    answer: Response,
    shop: str,
    actor: Actor,
) -> None:
    """A browser that is told of new messages is told for longer by who signs in with it."""
    if held := cookies.held(request, PUSH):
        await push.signed_in(held, shop, actor.author)
        cookies.give(answer, PUSH, held, seconds=int(LASTS.total_seconds()))


def _refused(error: InvalidInput) -> HTTPException:
    if isinstance(error, InvalidSignature):
        return HTTPException(403, _("Shopify’s response couldn’t be verified. Start again."))
    if isinstance(error, InvalidShop):
        return HTTPException(400, _("That isn’t a shop’s address."))
    return HTTPException(400, refusal(error))


@router.get("/auth/sign-out")
async def signed_out() -> Response:
    """For who loads the address of that form again."""
    return see_other(HOME)


@router.post("/auth/sign-out", dependencies=[Depends(own_site)])
async def sign_out(
    request: Request,
    signatures: SignaturesDep,
    cookies: CookiesDep,
    ended: EndedSessionsDep,
    push: PushSubscriptionsDep,
) -> Response:
    """Ends the session in every browser that has its cookie; this one is told of no news either."""
    session = signatures.session(cookies.held(request, SESSION))
    if session is not None:
        await own_form(request, signatures, session)
        await sessions.sign_out(session.id, ended=ended)
    if held := cookies.held(request, PUSH):
        await push.forget(held)
    answer = see_other(sign_in_page(note="out"))
    for name in (SESSION, INSTALL, PUSH):
        cookies.drop(answer, name)
    return answer
