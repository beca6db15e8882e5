"""The page on which a merchant writes first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from cplus.commands.conversations.answering import Extras, SentBefore
from cplus.commands.conversations.attaching import Chosen
from cplus.commands.conversations.beginning import MAX_SUBJECT, begin
from cplus.errors import (
    ContentionTooHigh,
    FormOfAnother,
    InvalidInput,
    OutcomeUnknown,
    StreamConflict,
)
from cplus.events import names
from cplus.web.kit.deps import BeginningDep, SignaturesDep, UndoSecondsDep, UploadTokensDep
from cplus.web.kit.forms import form_key, new_key, own_form_with_files
from cplus.web.kit.i18n import gettext as _
from cplus.web.kit.i18n import translated
from cplus.web.kit.signed_in import see_other
from cplus.web.kit.text import refusal
from cplus.web.kit.upload_tokens import Offered, OwnForm
from cplus.web.merchant.conversations.addresses import is_id
from cplus.web.merchant.conversations.drafting import NO_DRAFT, Standing, save_by_button
from cplus.web.merchant.conversations.inserting import (
    NOT_INSERTED,
    Addressee,
    Inserted,
    insert,
    refuse_unfilled,
)
from cplus.web.merchant.conversations.page import View, ViewDep
from cplus.web.merchant.conversations.replying import (
    SENT_BEFORE,
    UNSURE,
    UPLOAD_OVER,
    undoable,
)
from cplus.workspace.drafts import Place

router = APIRouter(prefix="/conversations")

_FIELDS: Final = ("to", "subject", "text", "cc", "bcc", "person")


@router.get("/new")
async def new(view: ViewDep, person: str = "", draft: str = "", done: str = "") -> HTMLResponse:
    """The form; to a person, if the address of the page names one, or with the draft that it
    names."""
    place = Place("new", draft if is_id(draft) else "")
    if kept := (await view.drafting.among(place)).get(place) if place.of else None:
        uploads, standing = view.drafting.opened(kept)
        told = dict(kept.fields)
        return _form(
            view,
            told,
            key=kept.key,
            uploads=uploads,
            draft=standing,
            place=place,
            saved=done == "saved",
        )
    known = (
        await view.queries.customer(view.me.shop, names.person(person)) if is_id(person) else None
    )
    if known is None or known.customer.erased_at:
        return _form(view, {})
    return _form(view, {"to": known.customer.email or "", "person": person})


@router.post("/new")
async def send(
    request: Request,
    view: ViewDep,
    signatures: SignaturesDep,
    undo_seconds: UndoSecondsDep,
    tokens: UploadTokensDep,
    use: BeginningDep,
) -> Response:
    """Begins the conversation, once for each form however often it is sent."""
    me = view.me
    fields, sent = await own_form_with_files(request, signatures, me.session)
    key = form_key(fields)
    # A form's text comes with CRLF.
    written = {**fields, "text": fields.get("text", "").replace("\r\n", "\n")}

    own, place = OwnForm(me.shop, str(me.actor), key), _place(fields, key)
    uploads, others = tokens.of_form(own, fields)

    def back(
        reason: str,
        status: int,
        *,
        key: str = "",
        inserted: Inserted = NOT_INSERTED,
        draft: Standing = Standing.of_form(fields),  # noqa: B008  of this form
    ) -> Response:
        reason = translated(reason)
        more = " " + _("Choose your files again.") if sent else ""
        key = key or new_key()
        offered = tokens.offered(own._replace(key=key), uploads)
        reason = f"{reason}{more}".lstrip()
        return _form(
            view,
            written,
            reason,
            key,
            status,
            uploads=offered,
            inserted=inserted,
            draft=draft,
            place=place if draft.version else None,
        )

    if "insert" in fields:
        person = fields.get("person", "")
        to = Addressee(names.person(person)) if is_id(person) else Addressee()
        chosen = fields.get("saved", "")
        inserted = await insert(view.queries, view.use, me, to, chosen, written["text"])
        written["text"] = inserted.text
        return back("", 200, key=key, inserted=inserted)
    if "draft" in fields:
        saved = await save_by_button(view.drafting, place, fields)
        if saved.standing is None:
            return see_other(f"/conversations/new?draft={place.of}&done=saved")
        return back(saved.reason, saved.status, key=saved.key, draft=saved.standing)
    try:
        if others:
            raise InvalidInput(reason=UPLOAD_OVER)
        refuse_unfilled(written["text"])
        outcome = await begin(
            me.shop,
            to=fields.get("to", ""),
            subject=fields.get("subject", ""),
            text=written["text"],
            key=key,
            actor=me.actor,
            source="dashboard",
            use=use,
            extras=Extras(
                fields.get("cc", ""),
                fields.get("bcc", ""),
                undoable(view.now, undo_seconds),
                [*uploads, *(Chosen(one.name, one.content_type, one.data) for one in sent)],
            ),
        )
    except FormOfAnother:
        return back(SENT_BEFORE, 409)
    except InvalidInput as error:
        return back(refusal(error), 422, key=key)
    except (OutcomeUnknown, StreamConflict, ContentionTooHigh):
        return back(UNSURE, 503, key=key)
    if isinstance(outcome, SentBefore):
        return back(SENT_BEFORE, 409)
    await view.drafting.sent(place, fields)
    return see_other(f"/conversations/{outcome.conversation_id}?at={outcome.position}&begun=1#end")


def _place(fields: Mapping[str, str], key: str) -> Place:
    """Where the draft of a form is: it is named after the first key that the form had."""
    place = Place.read(fields.get("place", ""))
    return place if place and place.kind == "new" and is_id(place.of) else Place("new", key)


def _form(
    view: View,
    written: dict[str, str],
    reason: str = "",
    key: str = "",
    status: int = 200,
    *,
    uploads: Sequence[Offered] = (),
    inserted: Inserted = NOT_INSERTED,
    draft: Standing = NO_DRAFT,
    place: Place | None = None,
    saved: bool = False,
) -> HTMLResponse:
    fields, key = {name: written.get(name, "") for name in _FIELDS}, key or new_key()
    more = {"again": "", "kept": (), "uploads": uploads, "inserted": inserted, "draft": draft}
    return view.pages.render(
        "conversation/new.html",
        status=status,
        me=view.me,
        section="inbox",
        written={**fields, **more},
        saved=saved,
        reason=reason,
        key=key,
        place=(place or Place("new", key)).name,
        longest=MAX_SUBJECT,
    )
