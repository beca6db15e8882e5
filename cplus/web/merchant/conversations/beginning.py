"""The page on which a merchant writes first."""

from __future__ import annotations

import re
from collections.abc import Sequence
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
from cplus.web.merchant.conversations.inserting import refuse_unfilled
from cplus.web.merchant.conversations.page import View, ViewDep
from cplus.web.merchant.conversations.replying import (
    SENT_BEFORE,
    UNSURE,
    UPLOAD_OVER,
    undoable,
)

router = APIRouter(prefix="/conversations")

_PERSON: Final = re.compile(r"[a-z0-9]{1,64}")


@router.get("/new")
async def new(view: ViewDep, person: str = "") -> HTMLResponse:
    """The form; to a person, if the address of the page names one."""
    known = None
    if _PERSON.fullmatch(person):
        known = await view.queries.customer(view.me.shop, names.person(person))
    to = known.customer.email if known and not known.customer.erased_at else None
    return _form(view, {"to": to or ""})


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

    own = OwnForm(me.shop, str(me.actor), key)
    uploads, others = tokens.of_form(own, fields)

    def back(reason: str, status: int, *, key: str = "") -> Response:
        reason = translated(reason)
        more = " " + _("Choose your files again.") if sent else ""
        key = key or new_key()
        offered = tokens.offered(own._replace(key=key), uploads)
        return _form(view, written, reason + more, key, status, offered)

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
    return see_other(f"/conversations/{outcome.conversation_id}?at={outcome.position}&begun=1#end")


def _form(
    view: View,
    written: dict[str, str],
    reason: str = "",
    key: str = "",
    status: int = 200,
    uploads: Sequence[Offered] = (),
) -> HTMLResponse:
    fields = {name: written.get(name, "") for name in ("to", "subject", "text", "cc", "bcc")}
    return view.pages.render(
        "conversation/new.html",
        status=status,
        me=view.me,
        section="inbox",
        written={**fields, "again": "", "kept": (), "uploads": uploads},
        reason=reason,
        key=key or new_key(),
        longest=MAX_SUBJECT,
    )
