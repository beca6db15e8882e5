"""Webhooks that are translated with a directory of persons in memory."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from cplus.consumers.webhooks.notice import Notice
from cplus.consumers.webhooks.translate import translate
from cplus.events.base import NewEvent
from cplus.privacy.identities import Resolved
from cplus.shopify.webhooks import parse

SHOP = "blue-jam.myshopify.com"
RECEIVED = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TRIGGERED = datetime(2026, 11, 20, 11, 59, tzinfo=UTC)
UPDATED = datetime(2026, 11, 20, 11, 30, tzinfo=UTC)
ISO = "2026-11-20T06:30:00-05:00"


class People:
    """A directory in memory, that knows who is whose."""

    def __init__(self, **persons: str) -> None:
        self.persons = persons
        self.asked: list[tuple[int | None, str | None]] = []
        self.told: list[datetime | None] = []
        self.told_at: list[datetime | None] = []
        self.happened_at: list[datetime | None] = []
        self.ordered: list[bool] = []
        self.erased: set[str] = set()

    async def __call__(
        self,
        shop: str,
        *,
        shopify_id: int | None = None,
        address: str | None = None,
        phone: str | None = None,
        at: datetime | None = None,
        told_at: datetime | None = None,
        happened_at: datetime | None = None,
        ordered: bool = False,
    ) -> Resolved | None:
        assert shop == SHOP
        self.happened_at.append(happened_at)
        self.ordered.append(ordered)
        self.asked.append((shopify_id, address))
        self.told.append(at)
        self.told_at.append(told_at)
        names = [f"id{shopify_id}"] if shopify_id is not None else []
        number = phone if any(map(str.isdecimal, phone or "")) else None
        names += [address or number or ""]
        found = sorted({self.persons[name] for name in names if name in self.persons})
        if not any(names):
            return None
        person, *absorbed = found or ["person/new"]
        return Resolved(person, absorbed, erased=person in self.erased)


async def told(
    topic: str, payload: Any, people: People | None = None, triggered: bool = True
) -> list[NewEvent]:
    notice = Notice(SHOP, topic, "w-1", TRIGGERED if triggered else None, RECEIVED)
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    read = parse(topic, body)
    return [] if read is None else await translate(notice, read, people or People())
