"""Conversations: a row for each, by its id. What the inbox shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from cplus.events.base import ERASED, Recorded
from cplus.events.catalogue.conversations import (
    AnswersMoved,
    ConversationClosed,
    ConversationMarkedSpam,
    ConversationMerged,
    ConversationReopened,
    ConversationStarted,
    ConversationUnmarkedSpam,
    ConversationUnmerged,
    DeliveryFailed,
    DeliveryFailureSettled,
    MessageReceived,
    ReplyWithdrawn,
    ReplyWritten,
)
from cplus.events.catalogue.handling import (
    ConversationAssigned,
    ConversationPrioritized,
    ConversationSnoozed,
    ConversationTagged,
    ConversationWoken,
    MembersMentioned,
)
from cplus.events.catalogue.mail import (
    MailBounced,
    MailComplained,
    MailDelivered,
    MailRejected,
    MailSent,
)
from cplus.events.catalogue.privacy import PersonErased
from cplus.events.catalogue.threads import (
    ConversationRearranged,
    ConversationSplit,
    ConversationSplitUndone,
)
from cplus.events.names import conversation_id, failed_message, is_conversation
from cplus.projections.base import Counts, Projection, Row
from cplus.projections.models.facts import (
    MAIL_FACTS,
    is_of_reply,
    mail_rank,
    mail_status,
    snippet,
    types,
)
from cplus.projections.models.handled import handled
from cplus.projections.models.waits import (
    SINCE,
    WAITS,
    waits_answered,
    waits_changed,
    waits_longer,
    waits_over,
    without_reply,
)


def keys(event: Recorded) -> Iterable[str]:
    """The conversation's id; of an erasure, those of all conversations of the person."""
    if isinstance(event.event, PersonErased):
        return event.event.conversations
    if is_conversation(event.stream):
        return [conversation_id(event.stream)]
    if not is_of_reply(event.event):
        return []
    return [getattr(event.event, "conversation_id")]  # noqa: B009  every fact about a reply has it


def evolve(_key: str, row: Row | None, event: Recorded) -> Row | None:
    """Versions of the stream in their order, each once; facts about the last mail at any time."""
    if type(event.event) in MAIL_FACTS:
        return None if row is None else _mail_fact(row, event)
    if isinstance(event.event, PersonErased):
        return None if row is None else _erased(row, event.event.person, event.occurred_at)
    version = event.version or 0
    if row is not None and version <= row["version"]:
        return row
    if row is None:
        return _started(event)
    if isinstance(event.event, ConversationSplitUndone):
        return None  # it is part of another again
    after = {**row, **_change(row, event), "version": version}
    waits, left = _waits(after), after.get("spam", False) or after.get("snoozed", False)
    after |= _waiting_since(row, after, event)
    return {**after, "unanswered": after["open"] and waits and not left}


def _waits(row: Row) -> bool:
    # A reply that did not arrive waits for the merchant as somebody who wrote does.
    return row["waiting"] or bool(row.get("failed"))


def _waiting_since(row: Row, after: Row, event: Recorded) -> dict[str, Any]:
    """Since when somebody waits; only once it is known, so that rows from before stay as they
    are until then."""
    if not _waits(after):
        return {SINCE: None} if SINCE in row else {}
    known = after.get(SINCE) or row.get(SINCE)
    return {SINCE: known or (row["last_message_at"] if _waits(row) else event.occurred_at)}


def _started(event: Recorded) -> Row | None:
    begun = event.event
    if not isinstance(begun, ConversationStarted | ConversationSplit):
        return None
    by_merchant = isinstance(begun, ConversationStarted) and begun.by == "merchant"
    return {
        # Only of those, so that rows from before stay as they are.
        **({"by": "merchant"} if by_merchant else {}),
        **({"split_from": begun.source} if isinstance(begun, ConversationSplit) else {}),
        "version": event.version or 0,
        "person": begun.person,
        "subject": begun.subject,
        "channel": begun.channel,
        "from_name": None,
        "from_address": begun.address,
        "open": True,
        "waiting": False,
        "unanswered": False,
        "messages": 0,
        "snippet": "",
        "last_message_at": event.occurred_at,
        "last_from": "merchant" if by_merchant else "shopper",
        "last_mail": None,
        "last_failed": False,
        "started_at": event.occurred_at,
        "closed_at": None,
    }


def _erased(row: Row, person: str, at: datetime) -> Row:
    """The row without what can be of the person: the same, whether the events before were read with
    their key or without it. Somebody else's last words in it go too; the thread still has them."""
    gone: dict[str, Any] = {"from_name": None, "from_address": None, "snippet": ERASED}
    nowhere = {key: {**one, "address": None} for key, one in row.get("failed", {}).items()}
    gone |= _failed(row, nowhere)
    # Only rows of some conversations have these.
    gone |= {name: [] for name in ("cc", WAITS) if name in row}
    if row["person"] == person:
        # Nobody is left who waits for a reply, or could be written to.
        gone |= {"subject": ERASED, "erased": True, "waiting": False, "unanswered": False}
        gone |= {"open": False, "closed_at": row["closed_at"] or at, **_failed(row, {})}
        gone |= {SINCE: None} if SINCE in row else {}
    return {**row, **gone}


def _change(row: Row, event: Recorded) -> dict[str, Any]:
    """The fields that the event changes."""
    match event.event:
        case MessageReceived() as mail:
            return _received(row, mail, event)
        case ReplyWritten() as reply:
            return _replied(row, reply, event)
        case ReplyWithdrawn() as taken:
            return {"messages": row["messages"] - 1, **without_reply(row, taken.message_id)}
        case AnswersMoved() as moved:
            copies: dict[str, Any] = {"cc": []} if "cc" in row else {}
            return {"from_name": moved.name, "from_address": moved.address, **copies}
        case DeliveryFailed() | DeliveryFailureSettled():
            return _failure(row, event)
        case ConversationRearranged() as told:
            return _rearranged(row, told, event)
    return _state(row, event)


def _state(row: Row, event: Recorded) -> dict[str, Any]:
    match event.event:
        case (
            ConversationAssigned()
            | ConversationSnoozed()
            | ConversationWoken()
            | ConversationTagged()
            | ConversationPrioritized()
            | MembersMentioned()
        ):
            return handled(row, event.event, event.occurred_at)
        case ConversationClosed():
            return {"open": False, "closed_at": event.occurred_at}
        case ConversationReopened():
            return {"open": True, "closed_at": None}
        case ConversationMarkedSpam():
            return {"spam": True}
        case ConversationUnmarkedSpam():
            return {"spam": False}
        case ConversationMerged() | ConversationUnmerged() as told:
            return _merged(row, told, event)
    return {}


def _merged(
    row: Row, told: ConversationMerged | ConversationUnmerged, event: Recorded
) -> dict[str, Any]:
    """How a conversation stands that was merged into another, and that other; or no more."""
    merged, at = isinstance(told, ConversationMerged), event.occurred_at
    stands: dict[str, Any] = {}
    if not row.get("erased"):
        closed_at = None if told.open else at if row["open"] else row["closed_at"]
        stands = {"open": told.open, "closed_at": closed_at, "waiting": told.waiting}
    if conversation_id(event.stream) == told.source:
        return {**stands, "merged_into": told.into if merged else None}
    others = [one for one in row.get("merged", ()) if one != told.source]
    stands["merged"] = [*others, told.source] if merged else others
    if isinstance(told, ConversationMerged) and told.lends and not row.get("erased"):
        stands |= _borrowed(row, at)
        if WAITS in row:  # also if a reply is taken back that does not answer them
            stands[WAITS] = waits_changed(row, lambda back: {**back, **_borrowed(back, at)})[WAITS]
    return stands


def _rearranged(row: Row, told: ConversationRearranged, event: Recorded) -> dict[str, Any]:
    """How it stands after messages were moved. Replies from before bring nothing back."""
    last, text = row["last_mail"], told.text
    own = last is not None and last["message_id"] == told.last_reply
    stands: dict[str, Any] = {}
    if not row.get("erased"):
        closed_at = None if told.open else event.occurred_at if row["open"] else row["closed_at"]
        stands = {"open": told.open, "closed_at": closed_at, "waiting": told.waiting}
    return {
        **stands,
        **({"last_unproved": False} if "last_unproved" in row else {}),
        **({WAITS: []} if WAITS in row else {}),
        **({"has_files": told.files} if told.files or "has_files" in row else {}),
        "messages": told.messages,
        "snippet": ERASED if text is None else snippet(text),
        "last_message_at": told.last_message_at,
        "last_from": told.last_from,
        "last_mail": last if own else None,
        "last_failed": row["last_failed"] and own,
    }


def _borrowed(row: Row, at: datetime) -> dict[str, Any]:
    """Somebody waits from now on: it comes up in the inbox. What a reply that waits brings back
    says nothing of the last message where one came since."""
    last = row.get("last_message_at")
    return {"waiting": True, **({} if last is None else {"last_message_at": max(last, at)})}


def _received(row: Row, mail: MessageReceived, event: Recorded) -> dict[str, Any]:
    # What a machine sent waits for no answer, and answers nothing that a person asked.
    waiting = not row.get("erased") and (row["waiting"] or not mail.automatic)
    # Whom an answer goes to, by the rule of the aggregate: the page says it beforehand.
    answered = mail.answer_here and not (mail.automatic and row["from_address"])
    # Anybody can write any name: it takes the place of none that is known.
    named = answered and not (mail.proved is False and row["from_name"])
    return {
        **_message(row, event, mail.text, "shopper", unproved=mail.proved is False),
        **waits_answered(row, automatic=mail.automatic),
        # Only of those, so that rows from before stay as they are.
        **({"has_files": True} if mail.attachments else {}),
        "from_name": mail.from_name if named else row["from_name"],
        "from_address": mail.from_address if answered else row["from_address"],
        **(_copied(row, mail) if answered else {}),
        "waiting": waiting,
    }


def _replied(row: Row, reply: ReplyWritten, event: Recorded) -> dict[str, Any]:
    # Sent again to another address, that is where replies go, unless a copy failed.
    own, failed = reply.failure or reply.resends, row.get("failed", {})
    there = failed.get(own, {}).get("address") == row["from_address"] is not None
    moved = {"from_address": reply.to_address} if there else {}
    return {
        **_message(row, event, reply.text, "merchant"),
        **moved,
        **waits_longer(row, reply.message_id, reply.send_at),
        **_failed(row, _elsewhere(failed, reply.resends, own)),
        "waiting": False,
        "last_mail": {"message_id": reply.message_id, "rank": 0},
        "last_failed": False,
    }


def _elsewhere(
    failed: Mapping[str, Any], resends: str | None, own: str | None
) -> Mapping[str, Any]:
    """Whom else a reply did not reach that is sent again."""
    same = {one for one in failed if failed_message(one) == resends} - {own}
    return {one: failed[one] for one in failed if one in same}


def _copied(row: Row, mail: MessageReceived) -> dict[str, Any]:
    """Who else gets replies, unless the merchant takes them out: whom the sender sent it to too.
    Anybody can write any addresses, so not of a mail whose sender was not proved."""
    cc = [] if mail.proved is False else list(mail.cc or ())
    return {"cc": cc} if cc or "cc" in row else {}


def _failure(row: Row, event: Recorded) -> dict[str, Any]:
    if row.get("erased"):
        return {}
    told = _with_failure(row, event)
    changed = {name: told[name] for name in ("failed", WAITS) if name in told}
    if isinstance(event.event, DeliveryFailed):
        changed["last_message_at"] = max(row["last_message_at"], event.occurred_at)
    return changed


def _with_failure(row: Row, event: Recorded) -> Row:
    """The row, and what would come back into it, with the replies that did not arrive by now."""
    told, failed = event.event, dict(row.get("failed", {}))
    if isinstance(told, DeliveryFailed):
        one = {"reason": told.reason, "address": told.address, "at": event.occurred_at}
        failed[told.failure or told.message_id] = one
    elif isinstance(told, DeliveryFailureSettled):
        failed.pop(told.failure or told.message_id, None)
    return waits_changed({**row, **_failed(row, failed)}, partial(_with_failure, event=event))


def _failed(row: Row, failed: Mapping[str, Any]) -> dict[str, Any]:
    """Replies that did not arrive and that nothing was done about; only once there was one, so that
    rows from before stay as they are."""
    return {"failed": failed} if failed or "failed" in row else {}


def _message(
    row: Row, event: Recorded, text: str, sender: str, *, unproved: bool = False
) -> dict[str, Any]:
    # Only once it was told of a message, so that rows from before stay as they are.
    told = {"last_unproved": unproved} if unproved or "last_unproved" in row else {}
    return {
        **told,
        "messages": row["messages"] + 1,
        "snippet": snippet(text),
        "last_message_at": max(row["last_message_at"], event.occurred_at),
        "last_from": sender,
    }


def _mail_fact(row: Row, event: Recorded) -> Row:
    """The row, and what would come back into it, with how far its last mail came."""
    left = waits_over(row, getattr(event.event, "message_id", ""))
    return _last_mail(waits_changed(left, partial(_last_mail, event=event)), event)


def _last_mail(row: Row, event: Recorded) -> Row:
    last = row["last_mail"]
    rank = mail_rank(event.event)
    if (
        last is None
        or last["message_id"] != getattr(event.event, "message_id", None)
        or rank <= last["rank"]
    ):
        return row
    failed = mail_status(rank) in {"bounced", "rejected"}
    return {**row, "last_mail": {**last, "rank": rank}, "last_failed": failed}


def count(rows: Mapping[str, Row]) -> Mapping[str, int]:
    """How many conversations there are, and how many are open and unanswered; of those that are
    open, how many are put off, and how many of the others somebody looks after; and how many more
    are marked as spam, which counts as nothing else."""
    told = [row for row in rows.values() if not row.get("spam")]
    opened = [row for row in told if row["open"]]
    active = [row for row in opened if not row.get("snoozed")]
    return {
        "conversations": len(told),
        "open": len(opened),
        "unanswered": sum(row["unanswered"] for row in told),
        "spam": len(rows) - len(told),
        "snoozed": len(opened) - len(active),
        "assigned": sum(row.get("assignee") is not None for row in active),
    }


CONVERSATIONS = Projection(
    name="conversations",
    version=1,
    handles=types(
        ConversationStarted,
        MessageReceived,
        ReplyWritten,
        ReplyWithdrawn,
        AnswersMoved,
        ConversationClosed,
        ConversationReopened,
        ConversationMarkedSpam,
        ConversationMerged,
        ConversationUnmarkedSpam,
        ConversationUnmerged,
        ConversationAssigned,
        ConversationSnoozed,
        ConversationWoken,
        ConversationTagged,
        ConversationPrioritized,
        MembersMentioned,
        ConversationRearranged,
        ConversationSplit,
        ConversationSplitUndone,
        DeliveryFailed,
        DeliveryFailureSettled,
        MailSent,
        MailDelivered,
        MailBounced,
        MailComplained,
        MailRejected,
        PersonErased,
    ),
    opens=types(
        ConversationStarted,
        ConversationSplit,
        ConversationRearranged,
        MessageReceived,
        ReplyWritten,
        AnswersMoved,
        DeliveryFailed,
    ),
    keys=keys,
    evolve=evolve,
    counts=Counts(count),
    indexes=(
        (("last_message_at", -1), ("_id", -1)),
        (("open", 1), ("last_message_at", -1), ("_id", -1)),
        (("unanswered", 1), (SINCE, 1), ("_id", 1)),
        (("assignee", 1), ("open", 1), ("last_message_at", -1), ("_id", -1)),
        (("snoozed", 1), ("last_message_at", -1), ("_id", -1)),
        (("tags", 1), ("last_message_at", -1), ("_id", -1)),
        (("spam", 1), ("last_message_at", -1), ("_id", -1)),
        (("mentioned", 1), ("last_message_at", -1), ("_id", -1)),
        (("person", 1), ("last_message_at", -1)),
    ),
)
