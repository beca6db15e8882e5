"""A log to fold: conversations that go on side by side, as shops have them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from cplus.events.base import NewEvent
from cplus.events.catalogue.conversations import (
    ConversationClosed,
    ConversationStarted,
    MessageReceived,
    ReplyWritten,
)
from cplus.events.catalogue.mail import MailDelivered, MailSent
from cplus.events.log.commit import Draft, Head, prepare
from cplus.ids import random_id
from cplus.mongo import Mongo, RawBSONDocument

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
EACH = 6
"""Events of a conversation: started and mail received (one commit), answer, sent, delivered,
closed. So a row takes six events, which stand in five commits."""
OPEN = 40
"""Conversations of a shop that go on at the same time."""
TEXT = "Do you have the lamp in blue, and do you ship to Norway before the holidays? " * 4


def hosts(shops: int) -> list[str]:
    """The hosts of so many shops."""
    return [f"bench{number:04d}.myshopify.com" for number in range(shops)]


async def make(mongo: Mongo, events: int, shops: int) -> int:
    """Fills the collection of commits; answers how many commits there are."""
    each = events // shops // EACH
    commits = 0
    for shop in hosts(shops):
        head, raws = Head.of(None), []
        for draft in drafts(shop, each):
            raw, head = prepare(draft).place(head, NOW)
            raws.append(RawBSONDocument(raw))
        for start in range(0, len(raws), 2_000):
            await mongo.database["commits"].insert_many(raws[start : start + 2_000])
        commits += len(raws)
    return commits


def drafts(shop: str, conversations: int) -> Iterator[Draft]:
    """The commits of a shop, `OPEN` conversations at a time in turn."""
    for start in range(0, conversations, OPEN):
        talks = [_talk(shop) for _ in range(start, min(start + OPEN, conversations))]
        for commits in zip(*talks, strict=True):
            yield from commits


def talks(shop: str) -> Iterator[Draft]:
    """The commits of one conversation after the other, without end."""
    while True:
        yield from _talk(shop)


def _talk(shop: str) -> Iterator[Draft]:
    key, minutes = random_id(), itertools.count()
    stream = f"conversation/{key}"

    def decided(kind: Any, version: int, **fields: Any) -> NewEvent:
        at = NOW + timedelta(minutes=next(minutes))
        place: dict[str, Any] = {"originator_id": stream, "originator_version": version}
        return NewEvent.decided(kind(**place, timestamp=at, **fields))

    def told(kind: Any, **fields: Any) -> NewEvent:
        event = kind(message_id=f"{key}2", conversation_id=key, **fields)
        return NewEvent(f"mail/{key}2", event, NOW + timedelta(minutes=next(minutes)))

    person = f"person/{key}"
    mail = {"person": person, "subject": "A lamp", "text": TEXT}
    received = {
        **mail,
        "message_id": f"{key}1",
        "from_name": "Ada Brandt",
        "from_address": "ada@example.com",
        "rfc_message_id": f"<{key}@example.com>",
    }
    reply = {
        **mail,
        "message_id": f"{key}2",
        "to_address": "ada@example.com",
        "author": "merchant",
    }
    started = {"person": person, "channel": "email", "subject": "A lamp"}
    begun = [decided(ConversationStarted, 1, **started), decided(MessageReceived, 2, **received)]
    yield _draft(shop, begun)
    yield _draft(shop, [decided(ReplyWritten, 3, **reply)])
    yield _draft(shop, [told(MailSent, ses_message_id=key)])
    yield _draft(shop, [told(MailDelivered)])
    yield _draft(shop, [decided(ConversationClosed, 4)])


def _draft(shop: str, events: list[NewEvent]) -> Draft:
    return Draft(shop=shop, claim=f"bench/{random_id()}", source="mail", actor="s", events=events)
