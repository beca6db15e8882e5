"""Given what happened in a conversation, when something is asked of it, then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.base import AggregateEvent

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
MAIL: dict[str, Any] = {
    "person": "person/p",
    "from_name": "Ada",
    "from_address": "ada@shopper.example",
    "subject": "Sizes",
    "text": "Do you have it in blue?",
    "rfc_message_id": "<1@shopper.example>",
}


def given(*decisions: Callable[[Conversation], None]) -> Conversation:
    aggregate = Conversation.empty("conversation/c1")
    for decision in decisions:
        decision(aggregate)
    aggregate.collect_events()
    return aggregate


def started(c: Conversation) -> None:
    c.start(person="person/p", channel="contact_form", subject="Sizes", now=NOW)


def received(c: Conversation, message_id: str = "m1", **more: Any) -> None:
    c.receive(now=NOW, message_id=message_id, **(MAIL | more))


def closed(c: Conversation) -> None:
    c.close(NOW)


def then(aggregate: Conversation) -> list[str]:
    return [e.TYPE for e in aggregate.collect_events() if isinstance(e, AggregateEvent)]
