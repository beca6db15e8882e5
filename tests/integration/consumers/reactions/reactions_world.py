"""What tests of reactions share: two shops, what happens in them, and what was handed out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from cplus.clock import utc_now
from cplus.consumers.reactions.reaction import Reaction
from cplus.events.aggregates.billing_account import month_of
from cplus.events.base import Event, NewEvent
from cplus.events.catalogue.conversations import ConversationStarted, ReplyWritten
from cplus.events.catalogue.mail import REPLY, MailBounced
from cplus.events.catalogue.privacy import DataRequested, ErasureRequested, NoticeRequested
from cplus.events.catalogue.shops import AppInstalled, AppUninstalled, ScopesChanged
from cplus.events.log.commit import Draft
from cplus.events.names import data_request_stream, started_ref
from cplus.ids import random_id
from tests.integration.intake import Intake, record
from tests.samples import installed, sample

SHOP = "blue-jam.myshopify.com"
OTHER = "red-tea.myshopify.com"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
INSTALLED = installed("Blue Jam", ("read_customers",))


def reply(number: int) -> ReplyWritten:
    return ReplyWritten(
        originator_id=f"conversation/{number}",
        originator_version=1,
        timestamp=NOW,
        message_id=f"m{number}",
        person="person/a",
        to_address="ann@example.com",
        subject="Tea",
        text="Yes",
        author="merchant",
    )


def erasure(number: int) -> ErasureRequested:
    return ErasureRequested(erasure=f"e{number}", person="person/a", due_at=NOW)


def asked(number: int) -> DataRequested:
    """A customer asks for their data, and the merchant has 30 days from now."""
    due = utc_now() + timedelta(days=30)
    return DataRequested(request_id=number, person=f"person/asking{number}", due_at=due)


def notice(number: int) -> NoticeRequested:
    return NoticeRequested(message_id=f"n{number}", request_id=number, kind="last", due_at=NOW)


def unseen(reaction: Reaction, known: Iterable[Event]) -> list[Event]:
    """An event of each kind that the reaction handles and of which none is known; of a bounce, also
    one of a reply for now."""
    kinds = reaction.handles - {type(event) for event in known}
    events = [sample(kind).event for kind in sorted(kinds, key=lambda kind: kind.TYPE)]
    for_now = {"permanent": False, "purpose": REPLY}
    more = [one.model_copy(update=for_now) for one in events if isinstance(one, MailBounced)]
    return [*events, *more]


async def write(use: Intake, *events: Event, shop: str = SHOP, at: datetime = NOW) -> None:
    """A commit for each event."""
    drafts = []
    for event in events:
        new, refs = NewEvent(f"shop/{shop}", event, at), list[str]()
        if isinstance(event, ConversationStarted | ReplyWritten):
            new = NewEvent.decided(event)
        if isinstance(event, ConversationStarted):
            refs = [started_ref(month_of(event.timestamp))]
        if isinstance(event, AppInstalled | AppUninstalled | ScopesChanged):
            refs = [new.stream]
        if isinstance(event, MailBounced):  # one from long ago is left alone
            new = NewEvent(new.stream, event, utc_now())
        if isinstance(event, DataRequested):
            stream = data_request_stream(event.request_id)
            new, refs = NewEvent(stream, event, at), [stream, event.person]
        drafts.append(Draft(shop, f"test/{random_id()}", "test", "system", [new], refs=refs))
    await use.parts.store.append(drafts)


async def handed(use: Intake) -> tuple[list[dict[str, Any]], ...]:
    """What lies on the queues of imports, of mail to send and of erasures."""
    settings = use.parts.settings
    queues = settings.import_queue, settings.send_queue, settings.erasures_queue
    found = await asyncio.gather(*map(use.drain, queues))
    return tuple([one.json() for one in messages] for messages in found)


def nudge(position: int, shop: str = SHOP, message_id: str = "m") -> Any:
    return record({"shop": shop, "position": position}, message_id)


def started(number: int) -> ConversationStarted:
    return ConversationStarted(
        originator_id=f"conversation/started-{number}",
        originator_version=1,
        timestamp=NOW,
        person="person/a",
        channel="email",
        subject="Tea",
    )
