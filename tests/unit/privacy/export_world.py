"""A log about Ann and Bob, of which a test exports what is kept about one of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

from cplus.events.base import Event, NewEvent
from cplus.events.log.commit import Draft
from cplus.events.log.memory import MemoryCommits
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.privacy.export import Export, gather

SHOP, OTHER = "acorn.myshopify.com", "birch.myshopify.com"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ANN, BOB = "person/ann", "person/bob"
TALK = "conversation/k3"


class Log:
    """A log that is filled commit by commit, a minute apart."""

    def __init__(self) -> None:
        self.store = EventStore(MemoryCommits())
        self._number = count(1)

    async def hold(self, *events: Event, refs: tuple[str, ...], shop: str = SHOP) -> None:
        """One commit with these events, found by its streams and `refs`."""
        number = next(self._number)
        at = NOON + timedelta(minutes=number)
        new = [
            NewEvent(getattr(event, "originator_id", f"thing/{number}"), event, at)
            for event in events
        ]
        found = list(dict.fromkeys([*(one.stream for one in new), *refs]))
        draft = Draft(
            shop=shop, claim=f"t/{number}", source="t", actor="merchant/ada", events=new, refs=found
        )
        await self.store.append([draft])

    async def export(self, *persons: str, shop: str = SHOP, **how: int) -> Export:
        """What is kept about a person."""
        return await gather(self.store, EventReader(), shop, [*persons], **how)
