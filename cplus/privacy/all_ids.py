"""Every id of one person: what the directory and the log know of who was joined with whom, and whom
a merchant merged."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import chain
from typing import Final, Protocol

from cplus.events.audit.questions import BATCH
from cplus.events.catalogue.customers import PersonsJoined
from cplus.events.catalogue.merges import PersonsMerged, PersonsUnmerged
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader, in_batches
from cplus.mongo import Database
from cplus.privacy.burying import rows_of
from cplus.privacy.persons import PERSONS

_LINKING: Final = (PersonsJoined, PersonsMerged, PersonsUnmerged)


class FindAllIds(Protocol):
    """Says which ids are one person's, as AllIds does."""

    async def __call__(self, shop: str, persons: Iterable[str], /) -> list[str]:
        """These ids first."""


class AllIds:
    """The ids of persons, by whom they were joined with in any number of steps.

    The log knows of every join: it is recorded first. It is asked person by person, so it may not
    have been asked for one whom only the directory still connects, and the other way round. Whom a
    merchant merged, the log alone knows.
    """

    def __init__(self, store: EventStore, reader: EventReader, keyring: Database) -> None:
        self._store = store
        self._reader = reader
        self._rows = keyring[PERSONS]

    async def __call__(self, shop: str, persons: Iterable[str], /) -> list[str]:
        """These ids (`person/…`) of one person, and all others that are theirs."""
        found = dict.fromkeys(persons)
        left = list(found)
        while left:
            joined = await self._by_directory(shop, left)
            for person in left:
                joined |= await self._by_log(shop, person)
            left = sorted(joined - found.keys())
            found |= dict.fromkeys(left)
        return list(found)

    async def _by_directory(self, shop: str, persons: Collection[str]) -> set[str]:
        rows = await rows_of(self._rows, shop, persons)
        return {one for row in rows for one in (row["person"], *row.get("former", ()))}

    async def _by_log(self, shop: str, person: str) -> set[str]:
        found, merged = set[str](), dict[str, bool]()
        commits = self._store.iterate_ref(shop, person, batch=BATCH)
        async for batch in in_batches(commits, BATCH):
            for recorded in chain.from_iterable(await self._reader.read(batch, _LINKING)):
                event = recorded.event
                if not isinstance(event, _LINKING) or person not in event.persons():
                    continue
                if isinstance(event, PersonsJoined):
                    found |= {event.person, event.absorbed}
                else:  # in their order: the last word on each pair counts
                    [other] = {event.person, event.absorbed} - {person}
                    merged[other] = isinstance(event, PersonsMerged)
        return found | {other for other, still in merged.items() if still}
