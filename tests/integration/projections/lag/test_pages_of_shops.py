"""What walks over all shops promises: it holds a page of them, however many there are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest
from pydantic import SecretStr
from pymongo import monitoring

from cplus.clock import utc_now
from cplus.consumers.scheduled.sweep import measure_lag, sweep
from cplus.events.log.commit import Draft
from cplus.events.log.store import SHOPS_AT_ONCE, EventStore, ensure_indexes
from cplus.events.reader import EventReader
from cplus.ids import random_id
from cplus.mongo import Mongo, connect
from cplus.projections.groups import PROJECT_BILLING
from cplus.projections.lag.lag import lags, readers_of
from cplus.projections.lag.overview import overview
from cplus.projections.lag.sums import totals
from cplus.projections.models.shops import SHOPS
from cplus.projections.running.runner import Runner
from cplus.settings import Settings
from tests.integration.fold_world import soon

OF = 2 * SHOPS_AT_ONCE + 1


class Sizes(monitoring.CommandListener):
    """Notes how many hosts each command names, and how many documents each answer holds."""

    def __init__(self) -> None:
        self.named: list[int] = []
        self.answered: list[int] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """A command goes to the server."""
        self.named.append(len(set(_hosts(event.command))))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """The server has answered."""
        cursor: Any = event.reply.get("cursor") or {}
        self.answered.append(len(cursor.get("firstBatch") or cursor.get("nextBatch") or ()))

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Whoever sent it raises."""


def _hosts(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value.endswith(".myshopify.com"):
        yield value.rpartition("/")[2]
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _hosts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _hosts(one)


@pytest.fixture(scope="module")
async def sizes() -> Sizes:
    return Sizes()


@pytest.fixture(scope="module")
async def many(mongo_uri: str, sizes: Sizes) -> AsyncIterator[Mongo]:
    """A log of more shops than two pages hold, none of which anybody has read."""
    settings = Settings(mongo_uri=SecretStr(mongo_uri), mongo_database=f"test_{random_id(12)}")
    made = connect(settings, [sizes])
    await ensure_indexes(made.database)
    hosts = (f"s{number:05}.myshopify.com" for number in range(OF))
    await EventStore(made).append([Draft(shop, "c", "t", "t", reason="none") for shop in hosts])
    yield made
    await made.client.drop_database(settings.mongo_database)
    await made.close()


@pytest.fixture(autouse=True)
def bounded(many: Mongo, sizes: Sizes) -> Iterator[None]:
    """No command names more shops than a page holds, and no answer holds more documents than a page
    has checkpoints."""
    sizes.named.clear()
    sizes.answered.clear()
    yield
    assert max(sizes.named) <= SHOPS_AT_ONCE
    assert max(sizes.answered) <= SHOPS_AT_ONCE * len(PROJECT_BILLING)
    assert sizes.answered.count(SHOPS_AT_ONCE) >= 2, "the heads came in pages"


async def test_lag_is_told_page_by_page(many: Mongo) -> None:
    readers = await readers_of(many.database, [SHOPS])
    parts = [part async for part in lags(many, EventStore(many), readers, utc_now)]
    assert [len(part) for part in parts] == [SHOPS_AT_ONCE, SHOPS_AT_ONCE, 1]
    hosts = [one.shop for part in parts for one in part]
    assert hosts == sorted(set(hosts))


async def test_the_totals_count_all_shops_page_by_page(many: Mongo) -> None:
    assert (await totals(many, EventStore(many), [SHOPS])).recorded == OF


async def test_the_overview_counts_all_shops_page_by_page(many: Mongo) -> None:
    found = await overview(many, EventStore(many), [SHOPS], most=3)
    assert (found.shops, found.commits, len(found.lines)) == (OF, OF, 3)


async def test_the_sweep_walks_over_all_shops_page_by_page(many: Mongo) -> None:
    runner = Runner(many, EventStore(many), EventReader(), [])
    for scope in ("recent", "all"):
        swept = await sweep(scope, runner, deadline=soon())
        assert (swept.shops, swept.unfinished) == (OF, 0)


async def test_the_lag_of_all_shops_is_measured_page_by_page(many: Mongo) -> None:
    runner = Runner(many, EventStore(many), EventReader(), [SHOPS])
    [worst] = await measure_lag(runner, [], "ConversationsPlus/test")
    assert worst.projection == "shops"
