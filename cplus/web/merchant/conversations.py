"""One conversation: its thread, and what the merchant does with it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response

from cplus.consumers.reactions.replies import REPLIES
from cplus.errors import ContentionTooHigh, InvalidInput, OutcomeUnknown, StreamConflict
from cplus.events.aggregates.conversation import Conversation
from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.log.outcomes import AlreadyRecorded, Appended
from cplus.events.names import command_claim, conversation_stream, message_ref, reply_claim
from cplus.projections.queries import Conversation as ConversationRow
from cplus.web.kit.deps import Merchant, MerchantDep, Web, WebDep, see_other
from cplus.web.kit.forms import form_key, message_id, new_key, own_form
from cplus.web.merchant.thread import SHOWN_BY, Thread, caught_up, following, newest, read_position

router = APIRouter(prefix="/conversations")

START: Final = "start"
"""`from` with this value shows the thread from its beginning."""

_DONE: Final = {
    "closed": (False, "Closed."),
    "reopened": (True, "Open again."),
    "closed-before": (
        True,
        (
            "Nothing was changed: that page was old. It had closed the conversation before, "
            "which was opened again since."
        ),
    ),
    "reopened-before": (
        False,
        (
            "Nothing was changed: that page was old. It had opened the conversation before, "
            "which was closed again since."
        ),
    ),
}
"""What a command is called in an address: whether the conversation is open after it, and the
words for it. `-before`: its form had been sent already, and what it did then was undone since."""

_ID: Final = re.compile(r"[a-z0-9]{1,64}")


def _known_form(conversation_id: str) -> str:
    if not _ID.fullmatch(conversation_id):
        raise HTTPException(404)
    return conversation_id


async def _id(conversation_id: str) -> str:
    return _known_form(conversation_id)


IdDep = Annotated[str, Depends(_id)]


@router.get("/{conversation_id}")
async def show(
    web: WebDep,
    me: MerchantDep,
    conversation_id: IdDep,
    at: int = 0,
    begin: Annotated[str | None, Query(alias="from")] = None,
    message: str | None = None,
    done: str = "",
) -> HTMLResponse:
    """The conversation. With `at`, the page waits a moment for that position to show; `done` is
    what the merchant did that leads here."""
    shown = await caught_up(web.queries, me.shop, at) if at > 0 else True
    return await _page(
        web, me, conversation_id, begin=begin, whole=message, awaited=0 if shown else at, done=done
    )


async def _page(
    web: Web,
    me: Merchant,
    conversation_id: str,
    *,
    begin: str | None = None,
    whole: str | None = None,
    awaited: int = 0,
    done: str = "",
    draft: str = "",
    reason: str = "",
    key: str = "",
    status: int = 200,
) -> HTMLResponse:
    position = await read_position(web.queries, me.shop)
    row = await web.queries.conversation(me.shop, conversation_id)
    if row is None:
        raise HTTPException(404)
    if begin is None:
        thread = await newest(web.queries, me.shop, row.id, whole)
    else:
        cursor = None if begin == START else begin
        thread = await following(web.queries, me.shop, row.id, cursor, whole)
    person = await web.queries.customer(me.shop, row.person)
    return web.pages.render(
        "conversation.html",
        status=status,
        me=me,
        section="inbox",
        conversation=row,
        who=_who(row),
        thread=thread,
        person=person,
        others=[c for c in person.conversations if c.id != row.id][:8] if person else [],
        position=position,
        awaited=awaited,
        stuck=await _stuck(web, me.shop, thread, awaited),
        commanded=done in _DONE,
        done=_DONE[done][1] if done in _DONE and _DONE[done][0] == row.open else "",
        draft=draft,
        reason=reason,
        key=key or new_key(),
        command_key=new_key(),
    )


@dataclass(frozen=True, slots=True)
class _Stuck:
    """What does not happen in a shop until a fault on our side is mended."""

    shown: bool
    sent: bool


async def _stuck(web: Web, shop: str, thread: Thread, awaited: int) -> _Stuck:
    if not awaited and all(one.message.status != "written" for one in thread.messages):
        return _Stuck(shown=False, sent=False)  # nobody waits for anything
    parked = await web.queries.parked(shop, [REPLIES.name])
    return _Stuck(shown=not parked.isdisjoint(SHOWN_BY), sent=REPLIES.name in parked)


def _who(row: ConversationRow) -> str:
    return row.from_name or row.from_address or "Someone"


@router.post("/{conversation_id}/reply")
async def reply(request: Request, web: WebDep, me: MerchantDep, conversation_id: IdDep) -> Response:
    """Records the merchant's answer, once for each form however often it is sent."""
    fields = await own_form(request, web.signatures, me.session)
    key = form_key(fields)
    # A form's text comes with CRLF; NUL has no place in a mail.
    text = fields.get("text", "").replace("\r\n", "\n").replace("\0", "")
    decision = partial(
        Conversation.reply,
        message_id=message_id(me.shop, conversation_id, key),
        text=text,
        author="merchant",
        now=web.parts.clock(),
    )
    written = message_ref(decision.keywords["message_id"])
    try:
        outcome = await _decide(
            web, me, conversation_id, decision, claim=reply_claim(key), refs=[written]
        )
    except InvalidInput as error:
        reason = str(error.values["reason"])
        return await _page(
            web, me, conversation_id, draft=text, reason=_sentence(reason), key=key, status=422
        )
    except (OutcomeUnknown, StreamConflict, ContentionTooHigh):
        # The same key again: if it was recorded after all, it is not written twice.
        reason = "It is not sure that this was saved. Send it again: it goes out only once."
        return await _page(web, me, conversation_id, draft=text, reason=reason, key=key, status=503)
    if isinstance(outcome, AlreadyRecorded) and not _holds(outcome, text):
        # Sent, gone back to, changed and sent again: another answer, with a key of its own.
        reason = "This form was sent before, with another text. Send it again to send this too."
        return await _page(web, me, conversation_id, draft=text, reason=reason, status=409)
    return _back(conversation_id, outcome)


@router.post("/{conversation_id}/close")
async def close(request: Request, web: WebDep, me: MerchantDep, conversation_id: IdDep) -> Response:
    """The merchant is done with it."""
    return await _command(request, web, me, conversation_id, Conversation.close, "closed")


@router.post("/{conversation_id}/reopen")
async def reopen(
    request: Request, web: WebDep, me: MerchantDep, conversation_id: IdDep
) -> Response:
    """The merchant takes it up again."""
    return await _command(request, web, me, conversation_id, Conversation.reopen, "reopened")


async def _command(
    request: Request,
    web: Web,
    me: Merchant,
    conversation_id: str,
    decision: Callable[..., None],
    done: str,
) -> Response:
    fields = await own_form(request, web.signatures, me.session)
    claim = command_claim(form_key(fields))
    decided = partial(decision, now=web.parts.clock())
    outcome = await _decide(web, me, conversation_id, decided, claim=claim)
    if isinstance(outcome, AlreadyRecorded):
        stream = conversation_stream(conversation_id)
        now = await web.parts.repository.load(Conversation, me.shop, stream)
        if now.open != _DONE[done][0]:
            done = f"{done}-before"
    at = f"&at={outcome.position}" if outcome else ""
    # No fragment: what changed stands beside the title.
    return see_other(f"/conversations/{conversation_id}?done={done}{at}")


async def _decide(
    web: Web,
    me: Merchant,
    conversation_id: str,
    decision: Callable[[Conversation], None],
    *,
    claim: str,
    refs: list[str] | None = None,
) -> Appended | AlreadyRecorded | None:
    def decide(conversation: Any) -> None:
        # The log of the session's own shop says what exists; the read model may be behind.
        if not conversation.version:
            raise HTTPException(404)
        decision(conversation)

    return await web.parts.recorder.decide(
        Conversation,
        me.shop,
        conversation_stream(conversation_id),
        decide,
        claim=claim,
        source="dashboard",
        actor="merchant",
        refs=refs or [],
    )


def _holds(outcome: AlreadyRecorded, text: str) -> bool:
    events = [outcome.commit.event(i).event for i in range(len(outcome.commit.documents))]
    return any(isinstance(e, ReplyWritten) and e.text == text.strip() for e in events)


def _back(conversation_id: str, outcome: Appended | AlreadyRecorded | None) -> Response:
    at = f"?at={outcome.position}#end" if outcome else ""
    return see_other(f"/conversations/{conversation_id}{at}")


def _sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}."
