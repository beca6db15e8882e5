"""Saved replies: the list of them, and the form in which one is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from cplus.commands.saved_replies import (
    found,
    id_of_new,
    remove_reply,
    save_reply,
    saved_replies_of,
)
from cplus.errors import InvalidInput
from cplus.events.aggregates.saved_replies import MAX_SAVED_REPLIES, MAX_TEXT, SavedReply
from cplus.web.kit.deps import ConversationsDep, PagesDep, SignaturesDep
from cplus.web.kit.forms import form_key, new_key, own_form
from cplus.web.kit.pages import Pages
from cplus.web.kit.signed_in import Merchant, MerchantDep, see_other
from cplus.wording import worded

router = APIRouter(prefix="/settings/saved-replies")

PAGE: Final = "/settings/saved-replies"
_SHOWN: Final = 50
"""On a page: so that one of long names stays small."""
PLACEHOLDERS: Final = (
    ("customer.first_name", worded("The customer’s first name, if Shopify knows it")),
    ("customer.name", worded("The customer’s name, as Shopify or their last mail has it")),
    ("order.name", worded("The number of their newest order")),
    ("order.status", worded("How far that order is, in your language")),
    ("order.tracking_url", worded("Where its newest parcel can be followed")),
    ("shop.name", worded("Your shop’s name")),
    ("agent.name", worded("The name of who writes")),
)
"""What each stands for."""


@router.get("")
async def show(
    pages: PagesDep,
    use: ConversationsDep,
    me: MerchantDep,
    q: str = "",
    page: int = 1,
    saved: str = "",
) -> HTMLResponse:
    """The list, of those alone that have the words."""
    replies = await saved_replies_of(use.recorder, me.shop)
    listed = found(replies, q)
    page = min(max(page, 1), max(1, -(-len(listed) // _SHOWN)))
    start = (page - 1) * _SHOWN
    return pages.render(
        "settings/saved-replies.html",
        me=me,
        section="settings",
        replies=listed[start : start + _SHOWN],
        q=q,
        page=page,
        more=len(listed) > start + _SHOWN,
        count=len(replies.replies),
        most=MAX_SAVED_REPLIES,
        saved=saved if saved in {"yes", "removed"} else "",
    )


@router.get("/new")
async def new(pages: PagesDep, me: MerchantDep) -> HTMLResponse:
    """The form for a new one."""
    return _form(pages, me, None, {"name": "", "text": ""})


@router.get("/save")
@router.get("/remove")
async def again(_me: MerchantDep) -> Response:
    """For who loads the address of a form again."""
    return see_other(PAGE)


@router.get("/{reply}")
async def one(pages: PagesDep, use: ConversationsDep, me: MerchantDep, reply: str) -> HTMLResponse:
    """The form of one that there is."""
    known = (await saved_replies_of(use.recorder, me.shop)).replies.get(reply)
    if known is None:
        raise HTTPException(404)
    return _form(pages, me, known, {"name": known.name, "text": known.text})


@router.post("/save")
async def save(
    request: Request,
    pages: PagesDep,
    signatures: SignaturesDep,
    use: ConversationsDep,
    me: MerchantDep,
) -> Response:
    """Saves a new one, or one that there is."""
    fields = await own_form(request, signatures, me.session)
    key, reply = form_key(fields), fields.get("reply", "")
    replies = await saved_replies_of(use.recorder, me.shop)
    known = replies.replies.get(reply)
    if reply and known is None:
        # Somebody removed it meanwhile: what was typed stays, and can be saved as a new one.
        gone = InvalidInput(reason=worded("somebody removed it; save it again to keep it"))
        return _form(pages, me, None, fields, gone)
    told = fields.get("seen", "")
    seen = int(told) if told.isascii() and told.isdigit() and len(told) < 10 else 0
    try:
        await save_reply(
            me.shop,
            fields.get("name", ""),
            fields.get("text", ""),
            reply=reply or None,
            seen=seen,
            key=key,
            actor=me.actor,
            source="dashboard",
            use=use,
        )
    except InvalidInput as error:
        id_ = reply or id_of_new(me.shop, key)
        now = (await saved_replies_of(use.recorder, me.shop)).replies.get(id_)
        meanwhile = now is not None and now.revision != seen
        return _form(pages, me, now, fields, error, meanwhile=meanwhile)
    return see_other(f"{PAGE}?saved=yes")


@router.post("/remove")
async def remove(
    request: Request, signatures: SignaturesDep, use: ConversationsDep, me: MerchantDep
) -> Response:
    """Removes one."""
    fields = await own_form(request, signatures, me.session)
    reply, key = fields.get("reply", ""), form_key(fields)
    await remove_reply(me.shop, reply, key=key, actor=me.actor, source="dashboard", use=use)
    return see_other(f"{PAGE}?saved=removed")


def _form(
    pages: Pages,
    me: Merchant,
    known: SavedReply | None,
    typed: Mapping[str, str],
    error: InvalidInput | None = None,
    *,
    meanwhile: bool = False,
) -> HTMLResponse:
    reason: Any = error.values["reason"] if error else ""
    return pages.render(
        "settings/saved-reply.html",
        status=409 if meanwhile else 422 if error else 200,
        me=me,
        section="settings",
        reply=known,
        typed=typed,
        reason=reason,
        meanwhile=meanwhile,
        placeholders=PLACEHOLDERS,
        most=MAX_TEXT,
        new_key=new_key,
    )
