"""The form for a reply: sends it, now or later, and takes it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from cplus.clock import zone
from cplus.commands.conversations import answering, failed
from cplus.commands.conversations.answering import (
    Elsewhere,
    Extras,
    Overtaken,
    Replied,
    SentBefore,
)
from cplus.commands.conversations.attaching import Chosen
from cplus.commands.conversations.uploading import Uploaded
from cplus.commands.conversations.withdrawing import TooLate, withdraw
from cplus.errors import (
    ContentionTooHigh,
    FormOfAnother,
    InvalidInput,
    OutcomeUnknown,
    StreamConflict,
)
from cplus.ids import derived
from cplus.web.kit.auth import Signatures
from cplus.web.kit.deps import (
    FailedRepliesDep,
    HeadDep,
    SignaturesDep,
    UndoSecondsDep,
    UploadTokensDep,
    WithdrawalsDep,
)
from cplus.web.kit.forms import Sent, form_key, new_key, own_form, own_form_with_files
from cplus.web.kit.i18n import gettext as _
from cplus.web.kit.i18n import translated
from cplus.web.kit.signed_in import Merchant, MerchantDep, see_other
from cplus.web.kit.text import refusal
from cplus.web.kit.upload_tokens import OwnForm, UploadTokens
from cplus.web.merchant.conversations.addresses import IdDep, address_of, is_id
from cplus.web.merchant.conversations.drafting import Standing, save_by_button
from cplus.web.merchant.conversations.inserting import Addressee, insert, refuse_unfilled
from cplus.web.merchant.conversations.meanwhile import told_as_seen, words_of
from cplus.web.merchant.conversations.page import View, ViewDep, show_page
from cplus.web.merchant.conversations.thread import caught_up
from cplus.web.merchant.conversations.written import Written, kept_again
from cplus.web.merchant.inbox.place import CameFromDep, Place
from cplus.wording import worded
from cplus.workspace.drafts import Place as DraftPlace

router = APIRouter(prefix="/conversations")

_OF_ANOTHER: Final = worded(
    "This form belongs to another conversation, so nothing was sent. Send it again if the reply is "
    "meant for this one."
)
UNSURE: Final = worded(
    "We couldn’t confirm that this was saved. Send it again: it goes out only once."
)
_ELSEWHERE: Final = worded(
    "Replies now go to the address below. Send it again if it is meant for that one."
)
UPLOAD_OVER: Final = worded("a file was chosen too long ago, or for another form; choose it again")
SENT_BEFORE: Final = worded(
    "You already sent this form with another text. Send it again to send this one too."
)


@router.get("/{conversation_id}/reply")
@router.get("/{conversation_id}/undo")
async def again(conversation_id: IdDep, came: CameFromDep, _me: MerchantDep) -> Response:
    """For who loads the address of a form again that was answered with a page."""
    return see_other(address_of(conversation_id, came))


@router.post("/{conversation_id}/reply")
async def reply(
    request: Request,
    view: ViewDep,
    signatures: SignaturesDep,
    undo_seconds: UndoSecondsDep,
    tokens: UploadTokensDep,
    failing: FailedRepliesDep,
    head: HeadDep,
    conversation_id: IdDep,
) -> Response:
    """Records the merchant's answer, once for each form however often it is sent."""
    me, place = view.me, DraftPlace("reply", conversation_id)
    form = await _read(request, view, signatures, tokens, conversation_id)
    fields, sent, key, written, own, uploads, others = form
    text, to, kept = written.text, fields.get("to"), written.kept

    async def back(
        reason: str, status: int, *, key: str = "", to: str = "", meanwhile: str = ""
    ) -> Response:
        reason = translated(reason)
        if sent:
            reason = f"{reason} {_('Choose your files again.')}".lstrip()
        key = key or new_key()
        offered = tokens.offered(own._replace(key=key), uploads)
        form = replace(written, reason=reason, key=key, to=to, uploads=offered, meanwhile=meanwhile)
        return await show_page(view, conversation_id, written=form, status=status)

    if "insert" in fields:
        written = await _inserted(written, fields.get("saved", ""), view, conversation_id)
        return await back("", 200, key=key, to=to or "")
    if "draft" in fields:
        saved = await save_by_button(view.drafting, place, fields)
        if saved.standing is None:
            return see_other(address_of(conversation_id, view.came, done="draft-saved") + "#end")
        written = replace(written, draft=saved.standing)
        return await back(saved.reason, saved.status, key=saved.key, to=to or "")
    try:
        if others:
            raise InvalidInput(reason=UPLOAD_OVER)
        refuse_unfilled(text)
        if "anyway" in fields:
            await failed.allow(
                me.shop, conversation_id, key=key, actor=me.actor, source="dashboard", use=failing
            )
        await failed.refuse_stopped(me.shop, conversation_id, key=key, recorder=view.use.recorder)
        later = "later" in fields
        send_at = _moment(written.at, view) if later else undoable(view.now, undo_seconds)
        outcome = await answering.reply(
            me.shop,
            conversation_id,
            text=text,
            key=key,
            actor=me.actor,
            source="dashboard",
            use=view.use,
            to=to,
            seen=told_as_seen(fields.get("seen", "")),
            extras=Extras(
                fields.get("cc", ""),
                fields.get("bcc", ""),
                send_at,
                [*uploads, *(Chosen(one.name, one.content_type, one.data) for one in sent)],
                kept,
            ),
        )
    except FormOfAnother:
        return await back(_OF_ANOTHER, 409)
    except InvalidInput as error:
        return await back(refusal(error), 422, key=key)
    except (OutcomeUnknown, StreamConflict, ContentionTooHigh):
        # The same key again: if it was recorded after all, it is not written twice.
        return await back(UNSURE, 503, key=key)
    if not isinstance(outcome, Replied):
        # What others wrote is shown above the words, as far as the read models have it by now.
        await caught_up(view.queries, me.shop, await head(me.shop))
        reason, told = _refused(outcome, me, key)
        return await back(reason, 409, **told)
    await view.drafting.sent(place, fields)
    undo = "" if later or not undo_seconds else answering.message_id(me.shop, conversation_id, key)
    return await _then(fields, view, conversation_id, key, outcome.position, undo)


class _Form(NamedTuple):
    """A form for a reply, as it came in."""

    fields: Mapping[str, str]
    sent: Sequence[Sent]
    key: str
    written: Written
    own: OwnForm
    uploads: Sequence[Uploaded]
    others: bool
    """Whether it has files that do not count."""


async def _read(
    request: Request,
    view: View,
    signatures: Signatures,
    tokens: UploadTokens,
    conversation_id: str,
) -> _Form:
    me = view.me
    fields, sent = await own_form_with_files(request, signatures, me.session)
    key = form_key(fields)
    written = Written(
        fields.get("text", "").replace("\r\n", "\n"),  # a form's text comes with CRLF
        fields.get("cc", ""),
        fields.get("bcc", ""),
        fields.get("at", ""),
        again=fields.get("again", ""),
        kept=await kept_again(view.use, me.shop, conversation_id, fields),
        draft=Standing.of_form(fields),
    )
    own = OwnForm(me.shop, str(me.actor), key)
    uploads, others = tokens.of_form(own, fields)
    return _Form(fields, sent, key, written, own, uploads, others)


def _refused(
    outcome: Elsewhere | Overtaken | SentBefore, me: Merchant, key: str
) -> tuple[str, dict[str, str]]:
    """Why a reply was not recorded as it was sent, and what its form says then."""
    if isinstance(outcome, Elsewhere):
        return _ELSEWHERE, {"to": outcome.address}
    if isinstance(outcome, Overtaken):
        first = next(iter(outcome.since))
        return words_of(outcome.since, me), {"key": key, "meanwhile": first}
    # Sent, gone back to, changed and sent again: another answer, with a key of its own.
    return SENT_BEFORE, {}


async def _inserted(written: Written, chosen: str, view: View, conversation_id: str) -> Written:
    """What was written with the chosen saved reply below it; or with all of them to choose from."""
    row = await view.queries.conversation(view.me.shop, conversation_id)
    to = Addressee.of(row)
    inserted = await insert(view.queries, view.use, view.me, to, chosen, written.text)
    return replace(written, text=inserted.text, inserted=inserted)


async def _then(
    fields: Mapping[str, str],
    view: View,
    conversation_id: str,
    key: str,
    position: int | None,
    undo: str,
) -> Response:
    """Where a reply leads that was sent: to its thread, or on in the list; and closes the
    conversation if that was asked for. The page says which was `sent` (the script forgets what was
    typed there), and offers to undo the message of that id."""
    me, came, then = view.me, view.came, fields.get("then", "")
    closed = None
    if then == "close":
        closed = await answering.close(
            me.shop,
            conversation_id,
            key=derived("then", key),
            actor=me.actor,
            source="dashboard",
            use=view.use,
        )
        position = closed.position or position
    if came is None or came.words or then not in {"close", "next"}:
        told = {"done": "closed", "sent": conversation_id} if closed else {}
        return see_other(address_of(conversation_id, came, **told, at=position) + "#end")
    following = fields.get("next", "")
    page = Place.read(fields.get("next-list", "")) or came
    told = {"sent": conversation_id, "undo": undo}
    if not is_id(following):
        told |= {"done": "sent", "at": str(position or 0)}
        return see_other(f"{came.start.address}&{urlencode(told)}")
    return see_other(address_of(following, page, **told, at=position))


@router.post("/{conversation_id}/undo")
async def undo(
    request: Request,
    signatures: SignaturesDep,
    use: WithdrawalsDep,
    me: MerchantDep,
    conversation_id: IdDep,
    came: CameFromDep,
) -> Response:
    """Takes a reply back that was not sent, and leads to the form with its text."""
    fields = await own_form(request, signatures, me.session)
    message_id = fields.get("message", "")
    taken = await withdraw(
        me.shop,
        conversation_id,
        message_id=message_id,
        actor=me.actor,
        source="dashboard",
        use=use,
    )
    if isinstance(taken, TooLate):
        return see_other(address_of(conversation_id, came, done="undo-late"))
    told = {"done": "undone", "undone": message_id, "at": taken.position}
    return see_other(f"{address_of(conversation_id, came, **told)}#end")


def undoable(now: datetime, seconds: int) -> datetime | None:
    """When a mail goes out that can be undone for so many seconds; None for at once."""
    return now + timedelta(seconds=seconds) if seconds else None


def _moment(written: str, view: View) -> datetime:
    """The moment that a field for date and time names, in the shop's time zone."""
    try:
        local = datetime.fromisoformat(written)
    except ValueError:
        raise InvalidInput(reason=worded("choose a date and a time")) from None
    if local.tzinfo is None:
        local = local.replace(tzinfo=zone(view.me.timezone))
    try:
        moment = local.astimezone(UTC)
    except (OverflowError, ValueError):
        raise InvalidInput(reason=worded("choose a date and a time")) from None
    if moment <= view.now:
        raise InvalidInput(reason=worded("choose a time that is still to come"))
    return moment
