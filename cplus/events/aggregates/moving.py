"""What two conversations decide when messages move from the one to the other, or are split off it
into a new one, and when that is undone.

Both streams record it in one commit, so each message stands in exactly one conversation, whatever
is moved at once. A message keeps its place by time. Whoever was answered does not wait again, and
whoever waits does so where their message stands.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from cplus.errors import InvalidInput, NotFound
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.aggregates.conversation.handling import wake
from cplus.events.aggregates.conversation.thread import Line
from cplus.events.catalogue.conversations import AnswersMoved
from cplus.events.catalogue.threads import (
    ConversationRearranged,
    ConversationSplit,
    ConversationSplitUndone,
    MessageMoved,
)
from cplus.events.names import failed_message
from cplus.wording import Worded, worded

MAX_MOVED: Final = 500
"""Messages that are moved at once."""


def move(
    source: Conversation,
    target: Conversation,
    message_ids: Collection[str],
    now: datetime,
    *,
    back: bool = False,
) -> None:
    """These messages of `source`, with what answered them automatically, stand in `target` from now
    on. Again changes nothing. `back`: they had come from there.

    Raises NotFound for a message that does not stand in `source`, and InvalidInput where it is not
    possible, with the reason in words.
    """
    ids = {one for one in message_ids if one not in target.thread}
    if not ids:
        return
    if any(one not in source.thread for one in ids):
        raise NotFound(what="message")
    lines = [one for one in source.thread.lines if one.message_id in ids or one.answers in ids]
    _check(source, target, lines, now)
    _moved(source, target, lines, now, back=back)


def split(source: Conversation, new: Conversation, message_id: str, now: datetime) -> None:
    """The message and all that stand behind it begin the conversation `new`, which has no events
    yet. Raises as `move` does."""
    if message_id not in source.thread:
        raise NotFound(what="message")
    lines = source.thread.lines
    lines = lines[lines.index(source.thread.of(message_id)) :]
    if not any(one.is_mail for one in lines):
        raise InvalidInput(
            reason=worded("nothing that was sent or received would be in the new conversation")
        )
    _check(source, new, lines, now)
    first, address = _begins(source, lines)
    if first.text is None:
        raise InvalidInput(reason=worded("who wrote this message was erased"))
    new.trigger_event(
        ConversationSplit,
        source=source.conversation_id,
        person=first.person,
        channel=source.channel,
        subject=first.subject or "",
        address=address,
        timestamp=now,
    )
    _moved(source, new, lines, now)


def unsplit(new: Conversation, source: Conversation, now: datetime) -> None:
    """What was split off goes back, as far as it still stands in `new`; of what came there since,
    mail stays there. If no mail did, nothing is left there. Again changes nothing. Raises as `move`
    does."""
    if new.split_from is None or new.split_undone:
        return
    came = {one for one, of in new.thread.came.items() if of == source.conversation_id}
    lines = [one for one in new.thread.lines if one.message_id in came]
    rest = [one for one in new.thread.lines if one not in lines]
    stays = any(one.is_mail for one in rest)
    if stays and not lines:
        raise InvalidInput(reason=worded("nothing that was split off is left in this conversation"))
    lines = lines if stays else new.thread.lines
    _check(new, source, lines, now, all_of_it=True)
    _moved(new, source, lines, now, back=True)
    if not stays:
        new.trigger_event(ConversationSplitUndone, source=source.conversation_id, timestamp=now)


def refusal(
    source: Conversation,
    target: Conversation,
    lines: Collection[Line],
    now: datetime,
    *,
    all_of_it: bool = False,
) -> Worded | None:
    """Why these cannot be moved from the one to the other; None if they can. `all_of_it`: nothing
    needs to be left."""
    both, ids = (source, target), {one.message_id for one in lines}
    refusals = [
        (worded("the message already stands in that conversation"), source.id == target.id),
        (
            worded("the conversation was merged into another: undo that first"),
            any(one.merged_into is not None for one in both),
        ),
        (worded("the person of one of them was erased"), any(one.erased for one in both)),
        (worded("one of them is marked as spam"), any(one.spam for one in both)),
        (
            worded(
                "a message in one of them waits to be sent: undo that, or wait until it is sent"
            ),
            any(moment > now for one in both for moment in one.waits.values()),
        ),
        (
            worded("a reply among them did not arrive: look after that first"),
            any(failed_message(one) in ids for one in source.failed),
        ),
        (
            worded("up to %(most)s messages can be moved at once", most=MAX_MOVED),
            len(ids) > MAX_MOVED,
        ),
        (
            worded("nothing would be left in this conversation: merge it into another instead"),
            not all_of_it and all(one.message_id in ids for one in source.thread.mails),
        ),
    ]
    return next((words for words, holds in refusals if holds), None)


def _check(
    source: Conversation,
    target: Conversation,
    lines: Collection[Line],
    now: datetime,
    *,
    all_of_it: bool = False,
) -> None:
    reason = refusal(source, target, lines, now, all_of_it=all_of_it)
    if reason is not None:
        raise InvalidInput(reason=reason)


def _begins(source: Conversation, lines: Collection[Line]) -> tuple[Line, str | None]:
    """The message of whose person the new conversation is, and where replies go there: where the
    last of that person's mails can be answered."""
    mails = [one for one in lines if one.is_mail]
    first = next((one for one in mails if one.kind == "in" and not one.automatic), mails[0])
    theirs = [
        source.senders[one.message_id].address
        for one in mails
        if one.kind == "in" and one.person == first.person
    ]
    known = [one for one in theirs if one]
    if not known and source.answers_to == first.person and source.address:
        known = [source.address]
    return first, known[-1] if known else None


def _moved(
    source: Conversation,
    target: Conversation,
    lines: Collection[Line],
    now: datetime,
    *,
    back: bool = False,
) -> None:
    """Records in both that these stand in `target`, and how both stand then. Who waits opens it."""
    opens = any(one.message_id in source.thread.unanswered for one in lines)
    names = {"source": source.conversation_id, "into": target.conversation_id}
    gone = set[str]()
    for line in lines:
        sender = source.senders.get(line.message_id)
        if sender is not None and sender.address:
            gone.add(sender.address)
        told = {
            **names,
            "message_id": line.message_id,
            "person": line.person,
            "at": line.at,
            "number": line.number,
            "kind": line.kind,
            "automatic": line.automatic,
            "waits": line.message_id in source.thread.unanswered,
            "send_at": source.waits.get(line.message_id),
            "files": line.files,
            "answers": line.answers,
            "back": back,
            "text": line.text,
            "subject": line.subject,
            "name": sender.name if sender else None,
            "address": sender.address if sender else None,
            "rfc_message_id": sender.rfc_message_id if sender else None,
            "timestamp": now,
        }
        source.trigger_event(MessageMoved, **told)
        target.trigger_event(MessageMoved, **told)
    if source.address in gone:
        _answer_who_is_left(source, now)
    if opens:
        wake(target, now=now, reason="merchant")
    _rearranged(source, now, is_open=source.open)
    _rearranged(target, now, is_open=target.open or opens)


def _answer_who_is_left(source: Conversation, now: datetime) -> None:
    """Replies went to whom only moved messages were from: they go to the last sender who is left,
    if one is."""
    mails = [one for one in source.thread.mails if one.kind == "in" and not one.automatic]
    left = [(one, source.senders[one.message_id]) for one in mails]
    answerable = [(one, sender) for one, sender in left if sender.address and not sender.erased]
    if not answerable or any(sender.address == source.address for _, sender in answerable):
        return
    line, sender = answerable[-1]
    source.trigger_event(
        AnswersMoved,
        message_id=line.message_id,
        person=sender.person,
        name=sender.name,
        address=sender.address,
        rfc_message_id=sender.rfc_message_id,
        timestamp=now,
    )


def _rearranged(talk: Conversation, now: datetime, *, is_open: bool) -> None:
    """Records how the conversation stands, if a mail stands in it."""
    mails = talk.thread.mails
    if not mails:
        return
    last, replies = mails[-1], [one for one in mails if one.kind == "out"]
    talk.trigger_event(
        ConversationRearranged,
        person=last.person,
        open=is_open,
        waiting=talk.awaited,
        messages=len(mails),
        last_message_at=last.at,
        last_from="merchant" if last.kind == "out" else "shopper",
        last_reply=replies[-1].message_id if replies else None,
        files=any(one.files for one in mails),
        text=last.text,
        timestamp=now,
    )
