"""Every question to the log is answered from an index, by what MongoDB's own explain says."""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from bench.store_explain import Known, Question, Sent, as_figure, examine, questions
from cplus.events.base import NewEvent
from cplus.events.catalogue.conversations import ConversationClosed
from cplus.events.log.commit import Draft
from cplus.events.log.commits import Commits
from cplus.events.log.mongo_commits import MongoCommits
from cplus.events.log.store import EventStore, ensure_indexes
from cplus.mongo import Mongo, connect
from cplus.settings import Settings
from tests.conftest import ROOT

SHOP = "acorn.myshopify.com"
START = datetime(2026, 11, 1, 12, tzinfo=UTC)
SHOPS = 5
COMMITS = 200  # of each shop
GROUP = 20  # recorded at one hour
STREAM = "conversation/c0"


@pytest.fixture(scope="module")
def sent() -> Sent:
    return Sent()


@pytest.fixture(scope="module")
async def filled(mongo_uri: str, sent: Sent) -> AsyncIterator[Mongo]:
    name = "test_questions"
    mongo = connect(Settings(mongo_uri=SecretStr(mongo_uri), mongo_database=name), [sent])
    await mongo.client.drop_database(name)
    await ensure_indexes(mongo.database)
    hours = iter(range(10**6))
    store = EventStore(mongo, clock=lambda: START + timedelta(hours=next(hours)))
    for shop in range(SHOPS):
        for first in range(0, COMMITS, GROUP):
            await store.append([_commit(shop, first + number) for number in range(GROUP)])
        await store.append([_untranslated(shop, number) for number in range(GROUP)])
    yield mongo
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


def _untranslated(shop: int, number: int) -> Draft:
    host = f"{'acorn' if not shop else f's{shop}'}.myshopify.com"
    claim = f"webhook/orders/create/{number}"
    return Draft(shop=host, claim=claim, source="webhook", actor="shopify", reason="no JSON")


Asked = tuple[EventStore, list[Question]]


@pytest.fixture(scope="module")
async def asked(filled: Mongo) -> Asked:
    store = EventStore(filled)
    return store, questions(await Known.of(store, SHOP, STREAM, "k3"))


async def test_every_question_is_answered_from_an_index_with_few_keys(
    filled: Mongo, sent: Sent, asked: Asked
) -> None:
    store, listed = asked
    for question in listed:
        found = await examine(filled, sent, question.ask(store))
        figure = as_figure(question, found, SHOPS * COMMITS)
        assert sent.commands, question.name
        assert figure.met, (figure, found)
        # Of a claim's few holders the last is found by sorting them; nothing else sorts.
        assert found.sorts == (question.name == "newest of claims"), question.name


async def test_no_question_to_the_log_is_left_out(filled: Mongo, asked: Asked) -> None:
    names = {name for name, _ in inspect.getmembers(Commits, inspect.isfunction) if name[0] != "_"}
    heard: set[str] = set()

    class Heard(MongoCommits):
        def __getattribute__(self, name: str) -> Any:
            heard.add(name)
            return super().__getattribute__(name)

    store = EventStore(Heard(filled))
    for question in asked[1]:
        await question.ask(store)
    # Beside the write: a change stream reads MongoDB's own log.
    assert names - heard - {"insert"} == {"changes"}


def test_nobody_else_asks_the_collection_of_commits() -> None:
    asks = re.compile(r'\[COMMITS\]|\["commits"\]')
    found = {
        path.relative_to(ROOT / "cplus").as_posix()
        for path in (ROOT / "cplus").rglob("*.py")
        if asks.search(path.read_text("utf-8"))
    }
    # Beside the log itself: the demo, which counts from outside.
    demo = {"local/demo/observe.py", "local/demo/summary.py"}
    assert found == {"events/log/mongo_commits.py", *demo}


async def test_a_question_without_an_index_would_be_seen(
    filled: Mongo, sent: Sent, asked: Asked
) -> None:
    async def by_source(_: EventStore) -> None:
        assert await filled.database["commits"].find({"source": "dashboard"}).to_list(5)

    found = await examine(filled, sent, by_source(asked[0]))
    assert found.scans == 1
    assert not as_figure(Question("by source", by_source), found, SHOPS * COMMITS).met


async def test_the_last_number_of_a_stream_is_found_with_few_keys(
    filled: Mongo, sent: Sent, asked: Asked
) -> None:
    store, _ = asked
    for stream, last in ((STREAM, COMMITS // 4), ("conversation/none", 0)):
        assert (await store.latest(SHOP, stream))[0] == last
        found = await examine(filled, sent, store.latest(SHOP, stream))
        assert found.indexes == {"claims"}
        assert found.keys <= 120
