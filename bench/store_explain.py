"""What MongoDB examines for each question to the log, by its own explain.

The questions are asked for real; what the driver sent for them is then explained, so that no
copy of a query can grow old here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr
from pymongo import monitoring

from bench.measure import Figure
from bench.store_bench import Bench
from cplus.events.audit.roots import verify_shop
from cplus.events.log.mongo_insert import COMMITS
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Mongo, connect
from cplus.projections.models.shops import SHOPS
from cplus.settings import Settings
from cplus.subscriptions.reading import read_batch

AT_MOST = 2.0
"""Keys of the index for each document that is returned."""
# What a driver adds to a command, and explain does not take inside.
_ADDED = {"lsid", "$db", "$clusterTime", "$readPreference", "readConcern", "txnNumber"}

_SECOND = timedelta(seconds=1)
_EVER = datetime.max.replace(tzinfo=UTC)

Ask = Callable[[EventStore], Awaitable[Any]]


class Sent(monitoring.CommandListener):
    """Keeps the questions that the driver sends to the collection of commits."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        name = event.command_name
        if name in ("find", "aggregate", "count", "distinct") and event.command[name] == COMMITS:
            command = dict(event.command)
            self.commands.append({key: command[key] for key in command if key not in _ADDED})

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Nothing more is to be known of it."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """The question itself raises."""


@dataclass(frozen=True)
class Question:
    """A question to the log, and what it is measured by."""

    name: str
    ask: Ask
    per: int | None = None
    """By what its keys are counted where that is not what it returns: how many of them."""
    unit: str = "documents returned"


@dataclass
class Examined:
    """What the server looked at to answer one question."""

    keys: int = 0
    returned: int = 0
    indexes: set[str] = field(default_factory=set)
    scans: int = 0
    """Walks over the whole collection."""
    sorts: int = 0
    """Plans that sort in memory."""


@dataclass(frozen=True)
class Known:
    """What a log holds that can be asked for."""

    shop: str
    shops: Sequence[str]
    """All of them."""
    position: int
    """In the middle of the shop."""
    id: str
    """Of the commit there."""
    claims: Sequence[str]
    """Some, each of a commit of its own."""
    ref: str
    correlation: str
    stream: str
    moment: datetime
    """When a commit in the middle was recorded."""
    late: datetime
    """A second before the last commit of the shop."""
    recent: int
    """Commits of all shops recorded since then."""

    @classmethod
    async def of(cls, store: EventStore, shop: str, stream: str, correlation: str) -> Known:
        """Finds in the log what to ask it for."""
        heads = await store.heads()
        commits = await store.read(shop, heads[shop] // 2, 20)
        [last] = await store.read(shop, heads[shop] - 1)
        late = last.recorded_at - _SECOND
        return cls(
            shop=shop,
            shops=sorted(heads),
            position=heads[shop] // 2,
            id=commits[0].id,
            claims=[commit.claims[0] for commit in commits],
            ref=commits[0].refs[0],
            correlation=correlation,
            stream=stream,
            moment=commits[0].recorded_at,
            late=late,
            recent=len([one async for one in store.iterate_recorded(late, _EVER)]),
        )


async def _all(iterator: AsyncIterator[Any]) -> None:
    async for _ in iterator:
        pass


def questions(known: Known) -> list[Question]:
    """Every kind of read and audit question, each as whoever asks it does."""
    shop, at, claims, stream = known.shop, known.position, known.claims, known.stream
    passed = EventReader().passed(SHOPS.passes, SHOPS.handles)
    ref, moment, some = known.ref, known.moment, [*known.claims, "none"]
    per_claim = "claims asked"
    return [
        Question("head", lambda s: s.head(shop)),
        Question("heads of shops", lambda s: s.log.heads(known.shops[:10])),
        Question("all shops", lambda s: s.heads()),
        Question(
            "shops with commits since a time",
            lambda s: s.heads(known.late),
            known.recent,
            "commits recorded since",
        ),
        Question("after a position", lambda s: s.read(shop, at, 500)),
        Question("with causes", lambda s: s.log.after(shop, at, None, 50, cause=True)),
        Question("up to a position", lambda s: _all(s.iterate(shop, at, until=at + 90, batch=40))),
        Question("up to a moment", lambda s: s.position_at(shop, moment)),
        Question("a claim", lambda s: s.by_claim(shop, claims[0], cause=True)),
        Question("many claims", lambda s: s.by_claims(shop, claims)),
        Question("a claim nobody holds", lambda s: s.by_claim(shop, "none"), 1, per_claim),
        Question("claims taken", lambda s: s.log.taken(shop, some), len(some), per_claim),
        Question("newest of claims", lambda s: s.log.newest(shop, some), len(some), per_claim),
        Question("a stream", lambda s: s.stream(shop, stream)),
        Question("streams and a ref", lambda s: s.of_streams(shop, [stream, "none"], [ref])),
        Question("part of one", lambda s: _all(s.iterate_stream(shop, stream, after=3, until=9))),
        Question("newest of a ref", lambda s: s.by_ref(shop, ref)),
        Question("count of a ref", lambda s: s.count_ref(shop, ref, 500)),
        Question("positions of a ref", lambda s: s.positions_of_ref(shop, ref, 500)),
        Question("a ref in order", lambda s: _all(s.iterate_ref(shop, ref, batch=500))),
        Question("a correlation", lambda s: _all(s.iterate_correlation(shop, known.correlation))),
        Question("between two times", lambda s: _all(s.iterate_recorded(moment, moment + _SECOND))),
        Question("a commit by its id", lambda s: s.by_id(known.id)),
        Question("a page of a ref", lambda s: s.page_of_ref(shop, ref, after=at, limit=50)),
        Question(
            "the page before",
            lambda s: s.page_of_ref(shop, ref, after=at, limit=50, newest_first=True),
        ),
        Question("commits without events", lambda s: s.eventless("webhook", limit=50)),
        Question("those of a shop", lambda s: s.eventless("webhook", shop=shop, since=moment)),
        Question("the first commit of all", lambda s: s.began()),
        Question("the chain of a shop", lambda s: verify_shop(s.log, shop)),
        Question(
            "a projection's batch",
            lambda s: read_batch(s, passed, shop, at, limit=500, end=(at + 90, 0)),
            90,
            "commits passed",
        ),
    ]


async def examine(mongo: Mongo, sent: Sent, ask: Awaitable[Any]) -> Examined:
    """Asks, and lets the server explain everything that was sent to answer. `sent` has to
    listen to the client of `mongo`."""
    sent.commands.clear()
    await ask
    found = Examined()
    for command in list(sent.commands):
        said = await mongo.database.command(
            {"explain": {**command, "readConcern": {}}, "verbosity": "executionStats"}
        )
        _count(said, found)
    return found


def _count(said: Mapping[str, Any], found: Examined) -> None:
    for stats in _named(said, "executionStats"):
        found.keys += stats["totalKeysExamined"]
        found.returned += stats["nReturned"]
    for plan in _named(said, "winningPlan"):
        found.indexes |= set(_named(plan, "indexName"))
        stages = list(_named(plan, "stage"))
        found.indexes |= {"_id_"} if "IDHACK" in stages else set()
        found.scans += stages.count("COLLSCAN")
        found.sorts += stages.count("SORT")


def _named(said: Any, name: str) -> Iterator[Any]:
    """Every value under that name, however deep."""
    if isinstance(said, Mapping):
        for key, value in said.items():
            if key == name:
                yield value
            else:
                yield from _named(value, name)
    elif isinstance(said, list):
        for value in said:
            yield from _named(value, name)


def as_figure(question: Question, found: Examined, commits: int) -> Figure:
    """Keys examined, to what the question is measured by."""
    per = found.returned if question.per is None else question.per
    ratio = round(found.keys / max(per, 1), 3)
    return Figure(
        name=f"explain, {question.name}, {commits:,} commits",
        value=found.keys,
        unit=f"keys of {' and '.join(sorted(found.indexes)) or 'no index'}",
        ratio=ratio,
        baseline=f"{per:,} {question.unit}",
        goal=f"at most {AT_MOST:g}, and an index",
        met=ratio <= AT_MOST and bool(found.indexes) and not found.scans,
        rounds=1,
        spread=None,
    )


async def explain(
    bench: Bench, name: str, shop: str, stream: str, correlation: str
) -> list[Figure]:
    """Every question to the log in the database `name`."""
    sent = Sent()
    settings = Settings(mongo_uri=SecretStr(bench.uri), mongo_database=name)
    mongo = connect(settings, [sent])
    store = EventStore(mongo)
    try:
        known = await Known.of(store, shop, stream, correlation)
        return [
            as_figure(one, await examine(mongo, sent, one.ask(store)), bench.commits)
            for one in questions(known)
        ]
    finally:
        await mongo.close()
