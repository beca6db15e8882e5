"""Tags, which conversations and customers have, and views of the inbox that were saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from cplus.commands import tags
from cplus.errors import InvalidInput
from cplus.web.kit.deps import ConversationsDep, PagesDep, SignaturesDep, WorkspaceDep
from cplus.web.kit.forms import form_key, new_key, own_form
from cplus.web.kit.pages import Pages
from cplus.web.kit.signed_in import Merchant, MerchantDep, see_other
from cplus.web.merchant.inbox.labels import COLOURS
from cplus.web.merchant.inbox.place import Place, views_of

router = APIRouter(prefix="/settings")

PAGE = "/settings/tags"


@router.get("/tags")
async def show(pages: PagesDep, me: MerchantDep, saved: str = "") -> HTMLResponse:
    """The page, as the log has it."""
    return await _page(pages, me, saved=saved == "yes")


@router.get("/tags/make")
@router.get("/tags/change")
@router.get("/tags/remove")
@router.get("/views/save")
@router.get("/views/remove")
async def again(_me: MerchantDep) -> Response:
    """For who loads the address of a form again."""
    return see_other(PAGE)


@router.post("/tags/make")
async def make(
    request: Request,
    pages: PagesDep,
    signatures: SignaturesDep,
    use: ConversationsDep,
    me: MerchantDep,
) -> Response:
    """Makes a tag."""
    fields = await own_form(request, signatures, me.session)
    try:
        await tags.make_tag(
            me.shop,
            fields.get("name", ""),
            fields.get("colour", ""),
            key=form_key(fields),
            actor=me.actor,
            source="dashboard",
            use=use,
        )
    except InvalidInput as error:
        return await _page(pages, me, failed="make", error=error, fields=fields)
    return see_other(f"{PAGE}?saved=yes")


@router.post("/tags/change")
async def change(
    request: Request,
    pages: PagesDep,
    signatures: SignaturesDep,
    use: ConversationsDep,
    me: MerchantDep,
) -> Response:
    """Renames a tag, and gives it another colour."""
    fields = await own_form(request, signatures, me.session)
    tag = fields.get("tag", "")
    try:
        await tags.change_tag(
            me.shop,
            tag,
            fields.get("name", ""),
            fields.get("colour", ""),
            key=form_key(fields),
            actor=me.actor,
            source="dashboard",
            use=use,
        )
    except InvalidInput as error:
        return await _page(pages, me, failed=tag, error=error, fields=fields)
    return see_other(f"{PAGE}?saved=yes")


@router.post("/tags/remove")
async def remove(
    request: Request, signatures: SignaturesDep, use: ConversationsDep, me: MerchantDep
) -> Response:
    """Removes a tag."""
    fields = await own_form(request, signatures, me.session)
    tag, key = fields.get("tag", ""), form_key(fields)
    await tags.remove_tag(me.shop, tag, key=key, actor=me.actor, source="dashboard", use=use)
    return see_other(f"{PAGE}?saved=yes")


@router.post("/views/save")
async def save_view(
    request: Request,
    pages: PagesDep,
    signatures: SignaturesDep,
    use: ConversationsDep,
    workspace: WorkspaceDep,
    me: MerchantDep,
) -> Response:
    """Saves what a list shows, and leads back to it."""
    fields = await own_form(request, signatures, me.session)
    place = (Place.read(fields.get("list", "")) or Place()).start
    try:
        await tags.save_view(
            me.shop,
            fields.get("name", ""),
            place.shown,
            key=form_key(fields),
            actor=me.actor,
            source="dashboard",
            members=workspace.members,
            use=use,
        )
    except InvalidInput as error:
        return await _page(pages, me, failed="view", error=error, fields=fields)
    return see_other(place.address)


@router.post("/views/remove")
async def remove_view(
    request: Request, signatures: SignaturesDep, use: ConversationsDep, me: MerchantDep
) -> Response:
    """Removes a view."""
    fields = await own_form(request, signatures, me.session)
    view, key = fields.get("view", ""), form_key(fields)
    await tags.remove_view(me.shop, view, key=key, actor=me.actor, source="dashboard", use=use)
    return see_other(f"{PAGE}?saved=yes")


async def _page(
    pages: Pages,
    me: Merchant,
    *,
    saved: bool = False,
    failed: str = "",
    error: InvalidInput | None = None,
    fields: Mapping[str, str] | None = None,
) -> HTMLResponse:
    settings = me.settings
    reason: Any = error.values["reason"] if error else ""
    return pages.render(
        "settings/tags.html",
        status=422 if failed else 200,
        me=me,
        section="settings",
        tags=sorted(settings.tags.values(), key=lambda tag: tag.name.casefold()),
        views=views_of(settings),
        colours=COLOURS,
        saved=saved,
        failed=failed,
        reason=reason,
        typed=fields or {},
        new_key=new_key,
    )
