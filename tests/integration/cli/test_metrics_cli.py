"""What `cplus metrics` says, and that the same figures are made anew from the log."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from cplus.cli import main
from cplus.events.base import NewEvent
from cplus.events.log.commit import Draft
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Mongo
from cplus.projections.base import Projection
from cplus.projections.groups import ALL
from cplus.projections.models.metrics import METRICS
from cplus.projections.running.runner import Runner
from tests.integration.command_line import started, told
from tests.unit.projections.models.told_events import (
    CLOSED,
    DAY,
    FATES,
    NOW,
    STARTED,
    moved,
    received,
    reply,
    thread,
)

ACORN, BIRCH = "acorn.myshopify.com", "birch.myshopify.com"
TODAY, TOMORROW = str(NOW.date()), str(NOW.date() + timedelta(days=1))


@pytest.fixture
def projections() -> tuple[Projection, ...]:
    return ALL


@pytest.fixture
async def data(mongo: Mongo, mongo_uri: str, database_name: str, tmp_path: Path) -> Path:
    """The directory of a stack: a conversation in two shops, in one of them closed a day later."""
    (tmp_path / "stack.json").write_text(
        json.dumps({"mongo": mongo_uri, "database": database_name})
    )
    store = EventStore(mongo)
    said = thread(STARTED, received("m1"), reply("m2"), CLOSED)
    histories = {ACORN: [*said[:3], *FATES[:3], moved(said[3], DAY)], BIRCH: said[:2]}
    for shop, history in histories.items():
        for number, one in enumerate(history):
            event = NewEvent(one.stream, one.event, one.occurred_at, one.version)
            claim = f"test/{number}"
            await store.append(
                [Draft(shop=shop, claim=claim, source="t", actor="t", events=[event])]
            )
        await Runner(mongo, store, EventReader(), ALL).catch_up(METRICS, shop)
    return tmp_path


async def test_what_happened_is_told_for_each_shop_and_day(data: Path) -> None:
    said = await told("metrics", "--from", TODAY, "--to", TOMORROW, "--data", str(data))
    assert (said["from"], said["to"]) == (TODAY, TOMORROW)
    acorn, birch = said["shops"]
    assert (acorn["shop"], birch["shop"]) == (ACORN, BIRCH)
    assert (acorn["messages_in"], acorn["messages_out"], acorn["closed"]) == (1, 1, 1)
    assert (acorn["sent"], acorn["delivered"], acorn["people"]) == (1, 1, 1)
    assert (acorn["mean_seconds"], acorn["p90_seconds"]) == (60, 60)
    assert [(day["day"], day["closed"]) for day in acorn["days"]] == [(TODAY, 0), (TOMORROW, 1)]
    assert (birch["conversations"], birch["p50_seconds"]) == (1, None)
    one = await told("metrics", "--shop", BIRCH, "--from", TOMORROW, "--to", TOMORROW,
                     "--data", str(data))  # fmt: skip
    assert [(shop["shop"], shop["conversations"]) for shop in one["shops"]] == [(BIRCH, 0)]


async def test_people_are_told_in_lines_of_one_width(data: Path) -> None:
    process = await started("metrics", "--shop", ACORN, "--from", TODAY, "--to", TOMORROW,
                            "--data", str(data))  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    lines = out.decode().splitlines()
    assert [line.split()[0] for line in lines] == [TODAY, TODAY, TOMORROW, ACORN]
    assert len({len(line) for line in lines}) == 1


def test_a_range_that_is_none_is_refused() -> None:
    said = CliRunner().invoke(main, ["metrics", "--from", TOMORROW, "--to", TODAY])
    assert said.exit_code == 2
    assert "the first day is after the last" in said.output


async def test_figures_that_were_damaged_are_made_anew_from_the_log(
    mongo: Mongo, data: Path
) -> None:
    ask = ("metrics", "--from", TODAY, "--to", TOMORROW, "--data", str(data))
    before = await told(*ask)
    row = {"_id": f"{ACORN}/day/{TODAY}"}
    await mongo.database[METRICS.collection].update_one(row, {"$set": {"messages_in": 77}})
    said = await told("rebuild", "metrics", "--data", str(data))
    assert (said["live"], said["differences"]) == (f"{METRICS.collection}.g2", 1)
    assert await told(*ask) == before
