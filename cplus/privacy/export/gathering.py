"""Reads everything about a person from the log, and leaves out whatever is about somebody else.

A commit may name several people (a page of an import), and so may a conversation: of both, only
the events are taken that name this person, or that name nobody and belong to what is theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from cplus.events.audit.questions import BATCH, about_person
from cplus.events.base import Recorded
from cplus.events.catalogue.operators import OperatorLooked
from cplus.events.catalogue.privacy import PersonErased
from cplus.events.log.commit import Commit
from cplus.events.log.store import EventStore
from cplus.events.names import is_conversation
from cplus.events.reader import EventReader, in_batches
from cplus.privacy.export.entries import (
    AddressNote,
    BlockNote,
    Consent,
    Deed,
    Details,
    Entry,
    ErasureAsked,
    MailOut,
    NoteOn,
    Order,
    Request,
    Sum,
    TagsTold,
    Written,
)
from cplus.privacy.export.reading import deed, entries

MOST: Final = 500_000
"""Characters of a part of an export, and up to those of one more commit: as HTML and as JSON it
fits into a response of Lambda, which is limited to 6 MB."""

_DEED: Final = 200  # characters that one takes, about; what else an entry takes beside its texts
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_KINDS: Final[Mapping[type[Entry], str]] = {
    Details: "details",
    Consent: "consents",
    TagsTold: "tags",
    Sum: "sums",
    Order: "orders",
    Written: "messages",
    MailOut: "mails",
    AddressNote: "addresses",
    BlockNote: "blocks",
    NoteOn: "notes",
    Request: "requests",
    ErasureAsked: "erasures",
}


@dataclass(frozen=True, slots=True)
class Export:
    """A part of what is kept about a person, nearly always all of it. Each list is in the order of
    the log."""

    details: list[Details] = field(default_factory=list)
    consents: list[Consent] = field(default_factory=list)
    tags: list[TagsTold] = field(default_factory=list)
    sums: list[Sum] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    messages: list[Written] = field(default_factory=list)
    mails: list[MailOut] = field(default_factory=list)
    addresses: list[AddressNote] = field(default_factory=list)
    blocks: list[BlockNote] = field(default_factory=list)
    notes: list[NoteOn] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    erasures: list[ErasureAsked] = field(default_factory=list)
    history: list[Deed] = field(default_factory=list)
    persons: Sequence[str] = ()
    """Every id of the person."""
    erased_at: datetime | None = None
    """When the person was erased: then it has the history alone."""
    after: int = 0
    """The position behind which this part begins."""
    following: int | None = None
    """Give it as `after` for the next part; None if this is the last."""

    @property
    def empty(self) -> bool:
        """Whether nothing is kept but what the person asked for, or but what was done with what
        is erased."""
        if self.erased_at is not None:
            return True
        return (
            self.after == 0
            and not (self.details or self.consents or self.tags or self.sums)
            and not (self.orders or self.messages or self.mails or self.notes)
            and {one.type.partition(".")[0] for one in self.history} <= {"privacy", "operator"}
        )


async def gather(
    store: EventStore,
    reader: EventReader,
    shop: str,
    ids: Sequence[str],
    *,
    after: int = 0,
    most: int = MOST,
) -> Export:
    """What the shop's log holds about a person, by all of their ids (`person/…`), behind position
    `after`: up to `most` characters, and the whole commit in which that many are reached.

    Of somebody who was erased, only what was done with their data. Of what came up to `after` only
    ids are kept in memory. Raises UnknownEvent.
    """
    erased = await _erased_at(store, reader, shop, ids)
    found = _Found(frozenset(ids), Export(persons=ids, erased_at=erased, after=after))
    position = 0
    async for batch in in_batches(about_person(store, shop, ids), BATCH):
        for commit, events in zip(batch, await reader.read(batch), strict=True):
            if commit.position > after and found.size >= most:
                return replace(found.export, following=position)
            for recorded in events:
                found.take(recorded, commit, listed=commit.position > after)
            position = commit.position
    return found.export


async def _erased_at(
    store: EventStore, reader: EventReader, shop: str, ids: Sequence[str]
) -> datetime | None:
    """When a person with these ids was erased; None as long as one of the ids is not."""
    found = dict[str, datetime]()
    for person in ids:
        async for batch in in_batches(store.iterate_ref(shop, person, batch=BATCH), BATCH):
            for events in await reader.read(batch, [PersonErased]):
                for one in events:
                    if getattr(one.event, "person", None) == person:
                        found.setdefault(person, one.occurred_at)
    return min(found.values()) if found and found.keys() == {*ids} else None


class _Found:
    """What was found so far."""

    def __init__(self, persons: frozenset[str], export: Export) -> None:
        self.export = export
        self.size = 0
        self._persons = persons
        self._own = set(persons)
        """The person's ids, conversations, and messages."""
        self._last: dict[tuple[type[Entry], int], Entry] = {}
        """What Shopify last said of each customer: it says the same again and again."""
        self._orders: dict[int, tuple[tuple[datetime, datetime, int], int]] = {}
        """Of each order in the list, what orders its news, and its place."""

    def take(self, recorded: Recorded, commit: Commit, *, listed: bool) -> None:
        """Takes what the event says about the person; only remembers it if it is not `listed`."""
        if not self._is_own(recorded, commit):
            return
        event = recorded.event
        message = getattr(event, "message_id", None)
        # A mail of which a conversation was made is in the log twice.
        again = message in self._own and hasattr(event, "text")
        if getattr(event, "person", None) in self._persons:
            if message is not None:
                self._own.add(message)
            if is_conversation(recorded.stream):
                self._own.add(recorded.stream)
            for entry in () if again else entries(recorded):
                self._put(entry, recorded, listed=listed)
        if listed and not again:
            self.export.history.append(deed(recorded))
            self.size += _DEED

    def _is_own(self, recorded: Recorded, commit: Commit) -> bool:
        event = recorded.event
        if isinstance(event, OperatorLooked):
            # What was looked at is among the refs.
            return not self._own.isdisjoint(commit.refs)
        person = getattr(event, "person", None)
        if person is not None:
            return person in self._persons
        if is_conversation(recorded.stream):
            return recorded.stream in self._own
        return getattr(event, "message_id", None) in self._own

    def _put(self, entry: Entry, recorded: Recorded, *, listed: bool) -> None:
        if isinstance(entry, Details | Consent | Sum):
            key = (type(entry), entry.shopify_customer_id)
            last, self._last[key] = self._last.get(key), entry
            if last is not None and _said(last) == _said(entry):
                return
        if not listed or self.export.erased_at is not None:
            return
        if isinstance(entry, Order):
            mark = (recorded.occurred_at, recorded.told_at or _NEVER, recorded.position)
            known, place = self._orders.get(entry.shopify_order_id, (None, 0))
            if known is not None:
                if mark >= known:
                    self.export.orders[place] = entry
                    self._orders[entry.shopify_order_id] = mark, place
                return
            self._orders[entry.shopify_order_id] = mark, len(self.export.orders)
        getattr(self.export, _KINDS[type(entry)]).append(entry)
        texts = (value for value in _values(entry) if isinstance(value, str | list))
        self.size += _DEED + sum(len(str(value)) for value in texts)


def _values(entry: Entry) -> list[Any]:
    return [getattr(entry, name) for name in entry.__slots__]


def _said(entry: Entry) -> list[Any]:
    """What it says, whenever it was said."""
    return [getattr(entry, name) for name in entry.__slots__ if name != "at"]
