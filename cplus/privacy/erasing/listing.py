"""Lists what a shop's log holds about a person: by refs, and without opening anything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

from cplus.events.base import Event, Recorded
from cplus.events.catalogue import all_events
from cplus.events.catalogue.orders import OrderChanged
from cplus.events.catalogue.privacy import DataRequested, ErasureCompleted, PersonErased
from cplus.events.log.commit import Commit
from cplus.events.log.store import EventStore
from cplus.events.names import conversation_id, erasure_stream, is_conversation
from cplus.events.reader import EventReader, in_batches

NAMES_AT_ONCE: Final = 500
"""Names in one PersonErased: as many rows may be folded at once for it, each with its texts."""

_BATCH: Final = 200
_WITH_CAUSES: Final = 50  # a cause has up to 256 KB
_NAMING: Final[tuple[type[Event], ...]] = tuple(
    kind for kind in all_events() if kind.NAMES_PERSONS and kind is not PersonErased
)
_OF_SHOPIFY: Final = frozenset({"import", "webhook"})
"""Sources whose commits only those persons find whom their events or their cause name."""
_KINDS: Final = ("conversations", "messages", "requests", "orders")


def objects_of(event: Event) -> list[Mapping[str, str]]:
    """The objects that an event names in clear: the raw mail, and the files of a message."""
    raw: Mapping[str, str] | None = getattr(event, "raw", None)
    named = getattr(event, "objects", ())  # of the end of an erasure: how many it deleted
    return [*([raw] if raw else []), *(named if isinstance(named, tuple) else ())]


@dataclass(slots=True)
class Held:
    """What the log holds under one id of a person, as PersonErased names it."""

    conversations: set[str] = field(default_factory=set)
    messages: set[str] = field(default_factory=set)
    requests: set[int] = field(default_factory=set)
    orders: set[int] = field(default_factory=set)

    def names(self) -> list[tuple[str, Any]]:
        """Each name with its kind."""
        return [(kind, name) for kind in _KINDS for name in sorted(getattr(self, kind))]


@dataclass(slots=True)
class Listed:
    """What the log holds about a person."""

    by_id: dict[str, Held]
    objects: dict[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)
    """Mails, files and causes outside of the log, by bucket and key."""

    @property
    def conversations(self) -> set[str]:
        """Those in which the person took part, under any id."""
        return {one for its in self.by_id.values() for one in its.conversations}

    @property
    def messages(self) -> set[str]:
        """Those from the person and to them, under any id."""
        return {one for its in self.by_id.values() for one in its.messages}

    def take(self, recorded: Recorded) -> None:
        """Takes what the event names, if it is about the person."""
        event = recorded.event
        person = getattr(event, "person", None)
        if person not in self.by_id:
            return
        its = self.by_id[person]
        if is_conversation(recorded.stream):
            its.conversations.add(conversation_id(recorded.stream))
        if (message := getattr(event, "message_id", None)) is not None:
            its.messages.add(message)
        if isinstance(event, DataRequested):
            its.requests.add(event.request_id)
        if isinstance(event, OrderChanged):
            its.orders.add(event.shopify_order_id)
        for ref in objects_of(event):
            self.take_object(ref)

    def take_object(self, ref: Mapping[str, str] | None) -> None:
        """Takes an object of which the log knows the place."""
        if ref:
            self.objects[ref["bucket"], ref["key"]] = ref

    def has_cause(self, commit: Commit, events: Iterable[Recorded]) -> bool:
        """Whether the cause of a commit is theirs too: one of its events names the person, or none
        names anybody, or it is what Shopify told, and it is found by the person."""
        named = {getattr(one.event, name) for one in events for name in one.event.NAMES_PERSONS}
        return not named.isdisjoint(self.by_id) or (
            (commit.source in _OF_SHOPIFY or not named - {None})
            and not self.by_id.keys().isdisjoint(commit.refs)
        )


async def list_held(
    store: EventStore, reader: EventReader, shop: str, persons: Collection[str]
) -> Listed:
    """What the log holds about a person with these ids."""
    found, talks = Listed({person: Held() for person in persons}), dict[str, None]()
    for person in persons:
        commits = store.iterate_ref(shop, person, batch=_WITH_CAUSES, cause=True)
        async for commit, events in _naming(reader, commits, _WITH_CAUSES):
            talks |= dict.fromkeys(filter(is_conversation, commit.refs))
            for recorded in events:
                found.take(recorded)
            if found.has_cause(commit, events):
                found.take_object(commit.cause_ref)
    # The commit of a reply names the conversation and nobody.
    for talk in talks:
        commits = store.iterate_ref(shop, talk, batch=_BATCH)
        async for _, events in _naming(reader, commits, _BATCH):
            for recorded in events:
                found.take(recorded)
    return found


async def _naming(
    reader: EventReader, commits: AsyncIterator[Commit], size: int
) -> AsyncIterator[tuple[Commit, list[Recorded]]]:
    """Each commit with its events that name anybody."""
    async for batch in in_batches(commits, size):
        events = await reader.read(batch, _NAMING, opened=False)
        for one in zip(batch, events, strict=True):
            yield one


@dataclass(slots=True)
class Named:
    """What an erasure has named so far."""

    by_id: dict[str, Held] = field(default_factory=dict)
    erased: list[Recorded] = field(default_factory=list)
    """The events that do so, in order, each in a commit of its own."""
    completed: Recorded | None = None
    """Its end, if that is recorded."""

    def take(self, recorded: Recorded, erasure: str) -> None:
        """Takes what the event names."""
        match recorded.event:
            case PersonErased() as event if event.erasure == erasure:
                self.erased.append(recorded)
                its = self.by_id.setdefault(event.person, Held())
                for kind in _KINDS:
                    getattr(its, kind).update(getattr(event, kind))
            case ErasureCompleted() as end if end.erasure == erasure:
                self.completed = self.completed or recorded

    def missing(self, listed: Listed, erasure: str) -> list[PersonErased]:
        """The events that name what it has not named yet; one at least for each id."""
        return [
            event
            for person, its in listed.by_id.items()
            for event in self._missing(person, its, erasure)
        ]

    def _missing(self, person: str, its: Held, erasure: str) -> Iterator[PersonErased]:
        known = self.by_id.get(person)
        done = set(known.names()) if known else set()
        new = [name for name in its.names() if name not in done]
        least = 1 if known is None else 0  # the first one is due though it names nothing
        for start in range(0, max(least, len(new)), NAMES_AT_ONCE):
            part = new[start : start + NAMES_AT_ONCE]
            told = {kind: tuple(name for of, name in part if of == kind) for kind in _KINDS}
            yield PersonErased(erasure=erasure, person=person, **told)


async def list_named(store: EventStore, reader: EventReader, shop: str, erasure: str) -> Named:
    """What this erasure has named so far."""
    found = Named()
    commits = store.iterate_ref(shop, erasure_stream(erasure), batch=_BATCH)
    async for batch in in_batches(commits, _BATCH):
        for recorded in chain.from_iterable(
            await reader.read(batch, [PersonErased, ErasureCompleted])
        ):
            found.take(recorded, erasure)
    return found
