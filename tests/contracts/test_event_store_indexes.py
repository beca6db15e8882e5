"""Every question to the log is answered from an index, by what MongoDB's own profile says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from cplus.events import Draft, EventStore, NewEvent
from cplus.events.catalogue import ConversationClosed
from cplus.events.store import ensure_indexes
from cplus.mongo import Mongo, connect
from cplus.settings import Settings

SHOP = "acorn.myshopify.com"
START = datetime(2026, 11, 1, 12, tzinfo=UTC)
SHOPS = 5
COMMITS = 200  # of each shop
GROUP = 20  # recorded at one hour
STREAM = "conversation/c0"


@pytest.fixture(scope="module")
async def filled(mongo_uri: str) -> AsyncIterator[tuple[Mongo, EventStore]]:
    name = "test_questions"
    settings = Settings(mongo_uri=SecretStr(mongo_uri), mongo_database=name)
    mongo = connect(settings)
    await mongo.client.drop_database(name)
    await ensure_indexes(mongo.database)
    hours = iter(range(10**6))
    store = EventStore(mongo, clock=lambda: START + timedelta(hours=next(hours)))
    for shop in range(SHOPS):
        for first in range(0, COMMITS, GROUP):
            await store.append([_commit(shop, first + number) for number in range(GROUP)])
    yield mongo, store
    await mongo.client.drop_database(name)
    await mongo.close()


def _commit(shop: int, number: int) -> Draft:
    stream = f"conversation/c{number % 4}"
    event = ConversationClosed(
        originator_id=stream, originator_version=number // 4 + 1, timestamp=START
    )
    return Draft(
        shop=f"{'acorn' if not shop else f's{shop}'}.myshopify.com",
        claim=f"command/{number}",
        source="dashboard",
        actor="merchant",
        events=[NewEvent.decided(event)],
        refs=[f"person/{number % 10}"],
        correlation_id=f"k{number % 20}",
    )


async def _all(iterator: AsyncIterator[Any]) -> None:
    assert [one async for one in iterator]


Question = Callable[[EventStore], Awaitable[Any]]
QUESTIONS: dict[str, Question] = {
    "head": lambda s: s.head(SHOP),
    "heads of many shops": lambda s: s.log.heads([SHOP, "s1.myshopify.com", "s2.myshopify.com"]),
    "all shops": lambda s: s.heads(),
    "a batch after a position": lambda s: s.read(SHOP, 50, 20),
    "the whole shop": lambda s: _all(s.iterate(SHOP, batch=60)),
    "a shop as of a position": lambda s: _all(s.iterate(SHOP, until=70)),
    "a shop as of a moment": lambda s: s.position_at(SHOP, START + timedelta(hours=7)),
    "by claim": lambda s: s.by_claim(SHOP, "command/7", cause=True),
    "by many claims": lambda s: s.by_claims(SHOP, [f"command/{n}" for n in range(0, 80, 2)]),
    "by a claim that is not there": lambda s: s.by_claim(SHOP, "command/none"),
    "a stream": lambda s: _all(s.iterate_stream(SHOP, STREAM, batch=20)),
    "a stream from a version": lambda s: _all(s.iterate_stream(SHOP, STREAM, after=9, until=12)),
    "by ref": lambda s: s.by_ref(SHOP, "person/3"),
    "every commit of a ref": lambda s: _all(s.iterate_ref(SHOP, "person/3", batch=7)),
    "by correlation": lambda s: _all(s.iterate_correlation(SHOP, "k3", batch=7)),
    "between two times": lambda s: _all(
        s.iterate_recorded(START + timedelta(hours=5), START + timedelta(hours=25))
    ),
    "raw": lambda s: _all(s.log.raw(SHOP)),
}
# What examines more keys than it returns, and how many at most.
OTHERWISE = {
    "all shops": 2 * SHOPS,  # the index is skipped through: a key for each shop and one between
}


async def _profiled(mongo: Mongo, question: Awaitable[Any]) -> list[dict[str, Any]]:
    database = mongo.database
    await database.command("profile", 0)
    await database.drop_collection("system.profile")
    await database.command("profile", 2)
    try:
        await question
    finally:
        await database.command("profile", 0)
    rows: list[dict[str, Any]] = (
        await database["system.profile"].find({"ns": f"{database.name}.commits"}).to_list(None)
    )
    return rows


@pytest.mark.parametrize("name", QUESTIONS)
async def test_a_question_is_answered_from_an_index(
    name: str, filled: tuple[Mongo, EventStore]
) -> None:
    mongo, store = filled
    rows = await _profiled(mongo, QUESTIONS[name](store))
    assert rows
    for row in rows:
        assert "COLLSCAN" not in row["planSummary"], row["planSummary"]
        assert not row.get("hasSortStage"), row["planSummary"]
    keys = sum(row["keysExamined"] for row in rows)
    returned = sum(row["nreturned"] for row in rows)
    # One key more for each question: that behind the last.
    assert keys <= OTHERWISE.get(name, 2 * returned + len(rows)), (keys, returned)


async def test_the_last_number_of_a_stream_is_found_with_few_keys(
    filled: tuple[Mongo, EventStore],
) -> None:
    mongo, store = filled
    for stream, last in ((STREAM, COMMITS // 4), ("conversation/none", 0)):
        rows = await _profiled(mongo, store.latest(SHOP, stream))
        assert (await store.latest(SHOP, stream))[0] == last
        assert all("claims: 1" in row["planSummary"] for row in rows)
        assert sum(row["keysExamined"] for row in rows) <= 120
        assert sum(row["docsExamined"] for row in rows) <= 60
