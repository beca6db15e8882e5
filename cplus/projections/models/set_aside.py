"""Mail set aside: a row for each mail that came in and started nothing, by its message's id."""

from __future__ import annotations

from collections.abc import Iterable

from cplus.events.base import Recorded
from cplus.events.catalogue.mail import MailSetAside, MailTakenUp
from cplus.events.catalogue.privacy import PersonErased
from cplus.projections.base import Projection, Row
from cplus.projections.models.facts import snippet, types


def keys(event: Recorded) -> Iterable[str]:
    """The message's id; of an erasure, those of all messages of the person."""
    if isinstance(event.event, PersonErased):
        return event.event.messages
    return [getattr(event.event, "message_id")]  # noqa: B009  every event handled here has it


def evolve(_key: str, row: Row | None, event: Recorded) -> Row | None:
    """The mail, and the conversation that was made of it, which the log never holds before it."""
    match event.event:
        case MailSetAside() as mail:
            return {
                "at": event.occurred_at,
                "reason": mail.reason,
                "person": mail.person,
                "from_name": mail.from_name,
                "from_address": mail.from_address,
                "proved": mail.proved,
                "subject": mail.subject,
                "snippet": snippet(mail.text),
                "conversation_id": (row or {}).get("conversation_id"),
            }
        case MailTakenUp() as taken:
            return {**row, "conversation_id": taken.conversation_id} if row else None
        case PersonErased():
            return None
    return row


SET_ASIDE = Projection(
    name="set_aside",
    version=1,
    handles=types(MailSetAside, MailTakenUp, PersonErased),
    opens=types(MailSetAside),
    keys=keys,
    evolve=evolve,
    indexes=(
        (("at", -1), ("_id", -1)),
        (("reason", 1), ("at", -1), ("_id", -1)),
    ),
)
