"""Questions to the log of an operator or auditor, each answered from an index.

What they return may hold personal data: whoever shows it to an operator records the look first
(`cplus.commands.looking`).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush, heapreplace
from typing import Any, Final

from cplus.errors import CplusError
from cplus.events.base import AggregateEvent, Recorded
from cplus.events.log.commit import Commit
from cplus.events.log.store import EventStore
from cplus.events.names import is_conversation, message_ref
from cplus.events.reader import EventReader, in_batches

BATCH: Final = 200
"""Commits that are read and decoded at once: as much as is ever in memory of a long answer."""

_FEW: Final = 10
_NAMES: Final = "has the id, claim or message"
_ID: Final = "has the id (name the shop for a position, a claim or a message)"
_ASKED: Final = {"operators", "privacy"}
_HIGHEST: Final = 2**63 - 1  # the database knows no larger number
_DIGITS: Final = len(str(_HIGHEST))
_MILLISECOND: Final = timedelta(milliseconds=1)
_BEGINNING: Final = datetime.min.replace(tzinfo=UTC) + _MILLISECOND


class NoPosition(CplusError):
    """The log of {shop} has no position {position}: it ends at {head}."""


class NoCommit(CplusError):
    """No commit of {where} {name!r}."""


async def commit_at(store: EventStore, shop: str, position: int) -> Commit:
    """The commit at a position; raises NoPosition."""
    if 0 < position <= _HIGHEST and (found := await store.read(shop, position - 1, 1)):
        return found[0]
    raise NoPosition(shop=shop, position=position, head=(await store.head(shop)).position)


async def find_commit(store: EventStore, name: str, shop: str | None = None) -> Commit:
    """The commit with this id, or the one of the event with this id. In one shop also the one at
    this position, the holder of this claim, or the first about this message. Digits alone are a
    position if the shop's log has it: an id may be made of them too.

    Raises NoCommit, and NoPosition for digits.
    """
    missing: CplusError = NoCommit(
        name=name, where=f"{shop} {_NAMES}" if shop else f"any shop {_ID}"
    )
    if shop is not None and name.isdecimal() and len(name) <= _DIGITS:
        try:
            return await commit_at(store, shop, int(name))
        except NoPosition as error:
            missing = error
    found = await store.by_id(name.partition("/")[0])
    if found is not None and shop in (None, found.shop):
        return found
    if shop is not None:
        if claimed := await store.by_claim(shop, name):
            return claimed
        async for commit in store.iterate_ref(shop, message_ref(name), batch=1):
            return commit
    raise missing


async def of_shop(
    store: EventStore,
    shop: str,
    since: datetime | None = None,
    before: datetime | None = None,
    *,
    until: int | None = None,
) -> AsyncGenerator[Commit, None]:
    """The commits of a shop recorded from `since` until before `before`, up to position `until`, in
    order; all of it where they are None."""
    after = 0
    if since is not None and since > _BEGINNING:
        after = await store.position_at(shop, since - _MILLISECOND)
    async for commit in store.iterate(shop, after, until=until, batch=BATCH):
        if before is not None and commit.recorded_at >= before:
            return  # time never runs backwards within a shop
        if since is None or commit.recorded_at >= since:
            yield commit


async def recorded_between(
    store: EventStore,
    since: datetime,
    before: datetime,
    shops: Collection[str],
    limit: int,
) -> list[Commit]:
    """The first `limit` commits recorded from `since` until before `before`: of all shops by that
    time, which is approximate across shops, or of these shops, one after the other."""
    if not shops:
        return [commit async for commit in store.iterate_recorded(since, before, limit)]
    found: list[Commit] = []
    for shop in shops:
        async with aclosing(of_shop(store, shop, since, before)) as commits:
            async for commit in commits:
                if len(found) == limit:
                    return found
                found.append(commit)
    return found


async def about_person(
    store: EventStore, shop: str, persons: Iterable[str]
) -> AsyncIterator[Commit]:
    """Everything in the log about a person, by all of their ids (`person/…`), in order: what names
    them, and all of the conversations that they took part in, so also what was answered and what
    became of the mails."""
    ids = list(dict.fromkeys(persons))
    async for commit in _merged(store, shop, [*ids, *await talks_of(store, shop, ids)]):
        yield commit


async def talks_of(store: EventStore, shop: str, persons: Iterable[str]) -> list[str]:
    """The conversations (`conversation/…`) that a person with these ids took part in."""
    talks = dict[str, None]()
    for person in persons:
        async for commit in store.iterate_ref(shop, person, batch=BATCH):
            talks |= dict.fromkeys(filter(is_conversation, commit.refs))
    return list(talks)


async def is_known(store: EventStore, reader: EventReader, shop: str, person: str) -> bool:
    """Whether the log holds anything about a person besides what they asked of their data, and who
    exported or looked at it."""
    async for commit in store.iterate_ref(shop, person, batch=_FEW):
        if not reader.families_of(commit) <= _ASKED:
            return True
    return False


async def _merged(store: EventStore, shop: str, refs: Sequence[str]) -> AsyncIterator[Commit]:
    """The commits with any of the refs, each once, in the order of positions. Holds BATCH commits
    or, of more than half as many refs, two of each: one question for a ref that has just one."""
    size = max(2, BATCH // max(1, len(refs)))
    streams = [store.iterate_ref(shop, ref, batch=size) for ref in refs]
    first: list[tuple[int, int, Commit]] = []
    for number, stream in enumerate(streams):
        if (commit := await anext(stream, None)) is not None:
            heappush(first, (commit.position, number, commit))
    last = 0
    while first:
        position, number, commit = first[0]
        if (following := await anext(streams[number], None)) is None:
            heappop(first)
        else:
            heapreplace(first, (following.position, number, following))
        if position > last:
            last = position
            yield commit


async def as_json(
    reader: EventReader, commits: AsyncIterator[Commit], persons: Collection[str] = ()
) -> AsyncGenerator[dict[str, Any], None]:
    """Each commit with its events as values for JSON, BATCH in memory at once. Without its cause,
    and without what only the store needs; with `persons`, also without the events that name other
    people and none of these. Raises UnknownEvent."""
    async for batch in in_batches(commits, BATCH):
        for commit, events in zip(batch, await reader.read(batch), strict=True):
            yield told(commit, [one for one in events if _is_shown(one, persons)])


def _is_shown(recorded: Recorded, persons: Collection[str]) -> bool:
    named = recorded.event.persons()
    return not persons or not named or any(one in persons for one in named)


def told(commit: Commit, events: Sequence[Recorded]) -> dict[str, Any]:
    """A commit with its events as values for JSON."""
    return {
        "shop": commit.shop,
        "position": commit.position,
        "id": commit.id,
        "recorded_at": commit.recorded_at.isoformat(),
        "source": commit.source,
        "actor": commit.actor,
        "correlation_id": commit.correlation_id,
        "causation_id": commit.causation_id,
        "claims": list(commit.claims),
        "refs": list(commit.refs),
        "reason": commit.reason,
        "code": commit.code,
        "events": [event_as_json(one) for one in events],
    }


def event_as_json(recorded: Recorded) -> dict[str, Any]:
    """An event as values for JSON."""
    event = recorded.event
    envelope = event.ENVELOPE_FIELDS if isinstance(event, AggregateEvent) else frozenset[str]()
    return {
        "type": event.TYPE,
        "id": recorded.id,
        "stream": recorded.stream,
        "version": recorded.version,
        "occurred_at": recorded.occurred_at.isoformat(),
        "told_at": None if recorded.told_at is None else recorded.told_at.isoformat(),
        "data": event.model_dump(mode="json", exclude=set(envelope)),
    }
