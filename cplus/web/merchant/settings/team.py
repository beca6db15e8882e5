"""Who works in the shop, and in which role: owners change it, everybody sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from cplus.commands import team
from cplus.errors import InvalidInput
from cplus.events.catalogue.team import Role
from cplus.web.kit.deps import (
    ConversationsDep,
    PagesDep,
    PushSubscriptionsDep,
    SignaturesDep,
)
from cplus.web.kit.forms import form_key, new_key, own_form
from cplus.web.kit.pages import Pages
from cplus.web.kit.signed_in import Merchant, MerchantDep, see_other
from cplus.wording import worded

router = APIRouter(prefix="/settings/team")

PAGE: Final = "/settings/team"
ROLES: Final[Mapping[Role, str]] = {
    "owner": worded("Owner"),
    "agent": worded("Agent"),
    "reader": worded("Read only"),
}


@router.get("")
async def show(pages: PagesDep, me: MerchantDep, saved: str = "") -> HTMLResponse:
    """The page, as the log has it."""
    return await _page(pages, me, saved=saved == "yes")


@router.get("/role")
@router.get("/remove")
@router.get("/default")
async def again(_me: MerchantDep) -> Response:
    """For who loads the address of a form again."""
    return see_other(PAGE)


@router.post("/role")
async def change_role(
    request: Request,
    pages: PagesDep,
    signatures: SignaturesDep,
    use: ConversationsDep,
    me: MerchantDep,
) -> Response:
    """Gives a member another role."""
    fields = await own_form(request, signatures, me.session)
    member = fields.get("member", "")
    try:
        await team.change_role(
            me.shop, member, fields.get("role", ""), key=form_key(fields), **_who(me, use)
        )
    except InvalidInput as error:
        return await _page(pages, me, failed=member, error=error)
    return see_other(f"{PAGE}?saved=yes")


@router.post("/remove")
async def remove(
    request: Request,
    pages: PagesDep,
    signatures: SignaturesDep,
    use: ConversationsDep,
    push: PushSubscriptionsDep,
    me: MerchantDep,
) -> Response:
    """Takes a member out; their browsers are told of no news either."""
    fields = await own_form(request, signatures, me.session)
    member = fields.get("member", "")
    try:
        await team.remove(me.shop, member, key=form_key(fields), **_who(me, use))
    except InvalidInput as error:
        return await _page(pages, me, failed=member, error=error)
    await push.forget_member(me.shop, member)
    return see_other(f"{PAGE}?saved=yes")


@router.post("/default")
async def set_default(
    request: Request,
    pages: PagesDep,
    signatures: SignaturesDep,
    use: ConversationsDep,
    me: MerchantDep,
) -> Response:
    """Chooses the role of new members."""
    fields = await own_form(request, signatures, me.session)
    try:
        await team.set_default(
            me.shop, fields.get("role", ""), key=form_key(fields), **_who(me, use)
        )
    except InvalidInput as error:
        return await _page(pages, me, failed="default", error=error)
    return see_other(f"{PAGE}?saved=yes")


def _who(me: Merchant, use: ConversationsDep) -> dict[str, Any]:
    return {
        "actor": me.actor,
        "source": "dashboard",
        "recorder": use.recorder,
        "clock": use.clock,
    }


async def _page(
    pages: Pages,
    me: Merchant,
    *,
    saved: bool = False,
    failed: str = "",
    error: InvalidInput | None = None,
) -> HTMLResponse:
    reason: Any = error.values["reason"] if error else ""
    own = me.actor.author
    members = [(id_, me.called(id_), role) for id_, role in me.team.members.items()]
    return pages.render(
        "settings/team.html",
        status=422 if failed else 200,
        me=me,
        section="settings",
        members=[one for one in members if one[2]],
        removed=[one for one in members if not one[2]],
        default=me.team.default,
        roles=ROLES,
        own=own,
        account_owner=me.team.account_owner,
        own_role=me.team.role_of(own),
        saved=saved,
        failed=failed,
        reason=reason,
        new_key=new_key,
    )
