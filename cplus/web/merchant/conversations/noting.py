"""The form for a note, which only the shop's staff sees."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from cplus.commands.conversations.answering import SentBefore
from cplus.commands.conversations.mentioning import mentioned_in
from cplus.commands.conversations.noting import write_note
from cplus.errors import (
    ContentionTooHigh,
    FormOfAnother,
    InvalidInput,
    OutcomeUnknown,
    StreamConflict,
)
from cplus.web.kit.deps import SignaturesDep
from cplus.web.kit.forms import form_key, new_key, own_form
from cplus.web.kit.i18n import translated
from cplus.web.kit.signed_in import MerchantDep, see_other
from cplus.web.kit.text import refusal
from cplus.web.merchant.conversations.addresses import IdDep, address_of
from cplus.web.merchant.conversations.drafting import Standing, save_by_button
from cplus.web.merchant.conversations.page import ViewDep, show_page
from cplus.web.merchant.conversations.written import Note
from cplus.web.merchant.inbox.place import CameFromDep
from cplus.wording import worded
from cplus.workspace.drafts import Place

router = APIRouter(prefix="/conversations")

_OF_ANOTHER: Final = worded(
    "This form belongs to another conversation, so nothing was saved. Save it again if the note is "
    "meant for this one."
)
_UNSURE: Final = worded("We couldn’t confirm that this was saved. Save it again: it is kept once.")
_SAVED_BEFORE: Final = worded(
    "You already saved this form with another text. Save it again to keep this one too."
)


@router.get("/{conversation_id}/note")
async def again(conversation_id: IdDep, came: CameFromDep, _me: MerchantDep) -> Response:
    """For who loads the address of the form again."""
    return see_other(address_of(conversation_id, came))


@router.post("/{conversation_id}/note")
async def note(
    request: Request, view: ViewDep, signatures: SignaturesDep, conversation_id: IdDep
) -> Response:
    """Records the note, once for each form however often it is sent."""
    me = view.me
    fields = await own_form(request, signatures, me.session)
    # A form's text comes with CRLF.
    key, text = form_key(fields), fields.get("text", "").replace("\r\n", "\n")

    place, draft = Place("note", conversation_id), Standing.of_form(fields)

    async def back(reason: str, status: int, *, key: str = "", draft: Standing = draft) -> Response:
        form = Note(text, reason=translated(reason), key=key or new_key(), draft=draft)
        return await show_page(view, conversation_id, note=form, status=status)

    if "draft" in fields:
        saved = await save_by_button(view.drafting, place, fields)
        if saved.standing is None:
            return see_other(address_of(conversation_id, view.came, done="draft-saved") + "#end")
        return await back(saved.reason, saved.status, key=saved.key, draft=saved.standing)
    try:
        outcome = await write_note(
            me.shop,
            conversation_id,
            text=text,
            key=key,
            actor=me.actor,
            source="dashboard",
            use=view.use,
            mentions=mentioned_in(text, me.colleagues),
        )
    except FormOfAnother:
        return await back(_OF_ANOTHER, 409)
    except InvalidInput as error:
        return await back(refusal(error), 422, key=key)
    except (OutcomeUnknown, StreamConflict, ContentionTooHigh):
        # The same key again: if it was recorded after all, it is not written twice.
        return await back(_UNSURE, 503, key=key)
    if isinstance(outcome, SentBefore):
        return await back(_SAVED_BEFORE, 409)
    await view.drafting.sent(place, fields)
    told = {"done": "note_saved", "at": outcome.position}
    return see_other(address_of(conversation_id, view.came, **told) + "#end")
