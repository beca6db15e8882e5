"""Deliveries: a row for each mail of the merchant, by its message's id, with its status."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cplus.events.base import Recorded
from cplus.events.catalogue.conversations import ReplyWithdrawn, ReplyWritten
from cplus.events.catalogue.mail import (
    MailBounced,
    MailComplained,
    MailDelivered,
    MailRejected,
    MailSent,
)
from cplus.events.catalogue.threads import MessageMoved
from cplus.projections.base import Projection, Row
from cplus.projections.models.facts import (
    UNSENT,
    fate_name,
    is_of_reply,
    moved_to,
    still_moved,
    types,
    with_fate,
)


def keys(event: Recorded) -> Iterable[str]:
    """The message's id, if it is none of our other mails."""
    if not is_of_reply(event.event):
        return []
    return [getattr(event.event, "message_id")]  # noqa: B009  every event handled here has it


def evolve(_key: str, row: Row | None, event: Recorded) -> Row | None:
    """Each fate with its earliest moment, in any order of events; the furthest is the status.

    A fate that is folded before the reply itself waits in a row without a state, which no query
    shows.
    """
    if isinstance(event.event, MessageMoved):  # a reply, or any other message
        return None if row is None else {**row, **(moved_to(row, event) or {})}
    before, fact = {**_UNWRITTEN, **(row or {})}, event.event
    if isinstance(fact, ReplyWithdrawn) or before.get("withdrawn"):
        return {**_UNWRITTEN, "state": None, "withdrawn": True}  # no query shows it
    if isinstance(fact, ReplyWritten):
        wish = {
            "conversation_id": event.stream.removeprefix("conversation/"),
            "person": fact.person,
            "written_at": event.occurred_at,
            **still_moved(row),
        }
        return _stated({**before, **wish})
    fate = f"{fate_name(fact)}_at"
    first = min(before[fate] or event.occurred_at, event.occurred_at)
    return _stated({**with_fate(before, event), fate: first})


def _stated(row: Row) -> Row:
    return {**row, "state": None if row["written_at"] is None else _STATES[row["status"]]}


_STATES: Final = {
    "written": "under_way",
    "sent": "under_way",
    "delivered": "arrived",
    "complained": "arrived",
    "bounced": "failed",
    "rejected": "failed",
}
_UNWRITTEN: Final[Row] = {
    **UNSENT,
    "conversation_id": None,
    "person": None,
    "written_at": None,
    "sent_at": None,
    "delivered_at": None,
    "bounced_for_now_at": None,
    "bounced_at": None,
    "complained_at": None,
    "rejected_at": None,
}


DELIVERIES = Projection(
    name="deliveries",
    version=1,
    handles=types(
        ReplyWritten,
        ReplyWithdrawn,
        MessageMoved,
        MailSent,
        MailDelivered,
        MailBounced,
        MailComplained,
        MailRejected,
    ),
    keys=keys,
    evolve=evolve,
    indexes=((("state", 1), ("written_at", -1), ("_id", -1)),),
)
