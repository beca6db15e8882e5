"""Notifications of new messages in a browser: turned on and off by whoever uses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from cplus.errors import InvalidInput
from cplus.web.kit.built import built
from cplus.web.kit.cookies import PUSH
from cplus.web.kit.deps import (
    CookiesDep,
    MailDomainDep,
    PagesDep,
    PushOriginDep,
    PushSubscriptionsDep,
    SignaturesDep,
    VapidDep,
)
from cplus.web.kit.forms import own_form, own_site, read_form
from cplus.web.kit.i18n import gettext as _
from cplus.web.kit.i18n import translated
from cplus.web.kit.signed_in import MerchantDep, see_other
from cplus.webpush import checked
from cplus.workspace.push_subscriptions import LASTS

router = APIRouter()

PAGE: Final = "/settings/notifications"
_GIVEN: Final = ("endpoint", "p256dh", "auth")  # as the browser names them


@dataclass(frozen=True, slots=True)
class _Use:
    """What the page works with."""

    request: Request
    pages: PagesDep
    cookies: CookiesDep
    rows: PushSubscriptionsDep
    vapid: VapidDep
    domain: MailDomainDep
    me: MerchantDep

    @property
    def held(self) -> str:
        """The row of this browser, as its cookie says; a frame has no cookies of ours."""
        return "" if self.me.frame else self.cookies.held(self.request, PUSH) or ""


UseDep = Annotated[_Use, Depends(built(_Use))]


@router.get(PAGE)
async def show(use: UseDep, saved: str = "") -> HTMLResponse:
    """The page: this browser, and the others of whoever looks."""
    return await _page(use, saved=bool(saved))


@router.post(PAGE)
async def save(use: UseDep, signatures: SignaturesDep, local: PushOriginDep) -> Response:
    """Turns a browser of whoever sends it on or off, or changes what it is told. Sent again, the
    form changes nothing more."""
    me, rows = use.me, use.rows
    fields = await own_form(use.request, signatures, me.session)
    browser, member = fields.get("browser", ""), me.actor.author
    words = fields.get("words") == "on"
    answer = see_other(f"{PAGE}?saved=1")
    match fields.get("do"):
        case "on":
            if me.frame is not None:
                raise HTTPException(403, _("Turn notifications on in a window of its own."))
            try:
                given = checked(*(fields.get(name, "") for name in _GIVEN), local=local)
                made = await rows.add(
                    me.shop, member, given, key=use.vapid.public, words=words,
                    says=_("A customer wrote a new message."),
                    says_mentioned=_("A note mentions you."), instead_of=use.held,
                )  # fmt: skip
            except InvalidInput as error:
                return await _page(use, reason=translated(error.values["reason"]))
            use.cookies.give(answer, PUSH, made, seconds=int(LASTS.total_seconds()))
        case "choose":
            await rows.choose(me.shop, member, browser, words=words)
        case "off":
            await rows.turn_off(me.shop, member, browser)
        case _unknown:
            raise HTTPException(400, _("This form isn’t valid."))
    return answer


@router.post("/push_renewed", dependencies=[Depends(own_site)])
async def renew(
    request: Request, cookies: CookiesDep, rows: PushSubscriptionsDep, local: PushOriginDep
) -> Response:
    """The worker brings the subscription that took the place of one that ended (Push API,
    "pushsubscriptionchange"). It runs without any page, so perhaps without a session: the cookie
    says which browser it is. Raises InvalidInput for one that cannot be used."""
    fields = await read_form(request)
    given = checked(*(fields.get(name, "") for name in _GIVEN), local=local)
    answer = Response(status_code=204)
    held = cookies.held(request, PUSH)
    if made := await rows.renew(held, given) if held else None:
        cookies.give(answer, PUSH, made, seconds=int(LASTS.total_seconds()))
    return answer


@router.get("/push_worker.js")
async def worker(pages: PagesDep) -> Response:
    """The script that shows notifications. At the root, because a browser lets it speak for the
    pages beside and below its own address alone (Service Workers, "scope")."""
    return pages.script("push_worker.js")


async def _page(use: _Use, *, saved: bool = False, reason: str = "") -> HTMLResponse:
    own = await use.rows.of_member(use.me.shop, use.me.actor.author)
    return use.pages.render(
        "settings/notifications.html",
        status=422 if reason else 200,
        me=use.me,
        section="settings",
        saved=saved,
        reason=f"{reason[:1].upper()}{reason[1:]}",
        key=use.vapid.public,
        here=next((one for one in own if one.id == use.held), None),
        others=[one for one in own if one.id != use.held],
        mailboxes=bool(use.domain),
    )
