"""An erasure is complete once no row shows who was erased, whatever keeps the rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from cplus.bootstrap import ensure_indexes
from cplus.events.catalogue import Catalogue, all_events
from cplus.events.catalogue.privacy import ErasureCompleted, PersonErased
from cplus.events.reader import EventReader
from cplus.mongo import Mongo
from cplus.privacy.erasing import ErasureOvertaken, RowsBehind, patient
from cplus.privacy.persons import IdentityTaken
from cplus.projections.generations.drop import drop
from cplus.projections.generations.lineage_changes import begin
from cplus.projections.groups import ALL
from cplus.projections.lag.behind import behind
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.models.orders import ORDERS
from cplus.projections.running.runner import Runner
from cplus.retries import Retries
from cplus.settings import Settings
from tests.integration.privacy.sealing_world import NOW, SHOP, Elsewhere, Process, history


@pytest.fixture
async def process(one_database: Settings, mongo: Mongo) -> Process:
    await ensure_indexes(one_database)
    made = Process(mongo)
    await made.store.append(history())
    await made.ask()
    return made


async def ended(process: Process) -> int:
    """How often the log says that the erasure is complete."""
    commits = await process.store.read(SHOP, 0, limit=1_000)
    return sum(map(len, await process.reader.read(commits, [ErasureCompleted])))


async def waits_for(process: Process, *collections: str, way: Elsewhere | None = None) -> None:
    """The erasure is not complete, because of these."""
    asked = partial(behind, process.mongo.database, ALL)
    with pytest.raises(RowsBehind) as raised:
        await process.complete(elsewhere=way, behind=asked)
    assert raised.value.values["collections"] == ", ".join(collections)
    assert await ended(process) == 0


async def test_it_is_complete_once_all_rows_show_it_and_a_parked_read_model_keeps_it_open(
    process: Process,
) -> None:
    await process.fold()
    assert await process.words_in_rows()
    way = Elsewhere()
    await waits_for(process, *sorted(one.collection for one in ALL), way=way)
    assert len(way.entries) == 1, "what is destroyed is written down at once"
    known = [one for one in all_events() if one is not PersonErased]
    older = EventReader(Catalogue(known), process.keyring)
    runner = Runner(process.mongo, process.store, older, ALL, lambda: NOW)
    assert (await runner.catch_up(CUSTOMERS, SHOP)).parked is not None
    await process.fold(*(one for one in ALL if one is not CUSTOMERS))
    await waits_for(process, CUSTOMERS.collection)
    await process.fold()
    assert await process.words_in_rows() == []
    await process.complete(behind=partial(behind, process.mongo.database, ALL))
    assert await ended(process) == 1


@pytest.mark.parametrize("version", [CUSTOMERS.version, CUSTOMERS.version - 1])
async def test_rows_that_are_filled_or_kept_beside_are_waited_for_until_they_are_dropped(
    process: Process, version: int
) -> None:
    beside = await begin(process.mongo.database, replace(CUSTOMERS, version=version))
    runner = Runner(process.mongo, process.store, process.reader, [beside], lambda: NOW)
    await waits_not(process)  # nothing is in it yet
    await runner.catch_up(beside, SHOP)
    head = (await process.store.head(SHOP)).position
    asked = partial(behind, process.mongo.database, ALL, SHOP)
    assert await asked(head + 1) == [beside.collection]
    assert await asked(head) == []
    await drop(process.mongo.database, CUSTOMERS.name)
    assert await asked(head + 1) == []


async def waits_not(process: Process) -> None:
    """No row of the shop is there."""
    assert await behind(process.mongo.database, ALL, SHOP, 1_000) == []


async def test_who_is_patient_asks_until_rows_are_there_and_no_longer() -> None:
    answers = [["orders.v1"], ["orders.v1"], []]

    async def ask(_shop: str, _position: int) -> Sequence[str]:
        return answers.pop(0) if answers else [ORDERS.collection]

    assert await patient(ask, 60.0)(SHOP, 1) == []
    assert answers == []
    assert await patient(ask, 0.0)(SHOP, 1) == [ORDERS.collection]


@dataclass
class Joining(Elsewhere):
    """A directory in which somebody is joined with somebody else again and again."""

    asked: list[Any] = field(default_factory=list)
    times: int = 1_000

    async def forget(self, shop: str, persons: Collection[str], at: datetime) -> None:
        self.asked.append(persons)
        if len(self.asked) <= self.times:
            raise IdentityTaken


async def test_an_erasure_that_others_overtake_is_tried_so_often_and_no_more(
    process: Process,
) -> None:
    retries, busy = Retries(tries=3, pause=0.0, longest=0.0), Joining()
    with pytest.raises(ErasureOvertaken, match="The erasure e1 in"):
        await process.complete(directory=busy, retries=retries)
    assert len(busy.asked) == 3
    assert await ended(process) == 0
    await process.complete(directory=Joining(times=2), retries=retries)
    assert await ended(process) == 1
