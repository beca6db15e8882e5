"""What the sweep promises: whatever nudge was lost, the read models come to the end of the log."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cplus.bootstrap import Parts
from cplus.clock import utc_now
from cplus.consumers.reactions.following import follow
from cplus.consumers.reactions.imports import IMPORTS
from cplus.consumers.reactions.reaction import HandOut, Reaction, Reactor
from cplus.consumers.reactions.replies import REPLIES
from cplus.consumers.scheduled.sweep import measure_lag, sweep
from cplus.deadline import Deadline
from cplus.events.base import NewEvent, Recorded
from cplus.events.catalogue.shops import AppInstalled
from cplus.events.log.commit import Commit, Draft
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Mongo
from cplus.projections.base import Projection
from cplus.projections.generations.lineage_changes import begin
from cplus.projections.groups import PROJECT_BILLING
from cplus.projections.lag.lag import lag
from cplus.projections.lag.overview import late_shops, overview
from cplus.projections.lag.sums import p99
from cplus.projections.models.shops import SHOPS
from cplus.projections.running.runner import Runner
from cplus.settings import Settings
from tests.integration.fold_world import fails, soon
from tests.samples import installed

ACORN, BIRCH, CEDAR = (f"{name}.myshopify.com" for name in ("acorn", "birch", "cedar"))
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def projections() -> tuple[Projection, ...]:
    return PROJECT_BILLING


async def install(mongo: Mongo, shop: str, when: datetime) -> None:
    event = NewEvent(f"shop/{shop}", installed(shop=shop), when)
    draft = Draft(
        shop=shop, claim=f"install/{when}", source="install", actor="merchant", events=[event]
    )
    await EventStore(mongo, lambda: when).append([draft])


async def behind(runner: Runner) -> set[str]:
    found = await lag(runner.mongo, runner.store, runner.projections)
    return {one.shop for one in found if one.behind}


@pytest.fixture
def runner(mongo: Mongo) -> Runner:
    return Runner(mongo, EventStore(mongo), EventReader(), PROJECT_BILLING)


async def test_a_lost_nudge_is_healed_by_the_sweep(mongo: Mongo, runner: Runner) -> None:
    await install(mongo, ACORN, utc_now())
    swept = await sweep("recent", runner, deadline=soon())
    assert (swept.shops, swept.behind, swept.healed) == (1, 1, 1)
    assert await behind(runner) == set()
    again = await sweep("recent", runner, deadline=soon())
    assert (again.shops, again.behind, again.failed) == (1, 0, 0)


async def test_the_sweep_of_each_minute_looks_at_recent_shops_and_that_of_each_hour_at_all(
    mongo: Mongo, runner: Runner
) -> None:
    await install(mongo, ACORN, LONG_AGO)
    await install(mongo, BIRCH, utc_now() - timedelta(minutes=9))
    await sweep("recent", runner, deadline=soon())
    assert await behind(runner) == {ACORN}
    swept = await sweep("all", runner, deadline=soon())
    assert (swept.shops, swept.behind, swept.healed) == (2, 1, 1)
    assert await behind(runner) == set()


async def test_a_sweep_begins_nothing_after_its_deadline(mongo: Mongo, runner: Runner) -> None:
    await install(mongo, ACORN, utc_now())
    swept = await sweep("all", runner, deadline=Deadline.within(-1))
    assert (swept.unfinished, swept.healed) == (1, 0)
    assert await behind(runner) == {ACORN}


HANDLED: list[tuple[str, str]] = []


def reaction(name: str, hand_out: HandOut | None = None) -> Reaction:
    """One that handles installs, and notes in which shops."""

    async def noted(commit: Commit, _recorded: Recorded, _use: Reactor) -> None:
        HANDLED.append((name, commit.shop))

    return Reaction(name, frozenset({AppInstalled}), hand_out or noted, steps=())


@pytest.fixture
def reactor(mongo: Mongo, runner: Runner) -> Reactor:
    """Without queues: the reactions here hand out to nobody."""
    HANDLED.clear()
    return Parts(Settings(), mongo=mongo, store=runner.store).reactor


async def test_the_sweep_follows_each_reaction_that_is_behind_and_asks_no_other(
    mongo: Mongo, runner: Runner, reactor: Reactor
) -> None:
    for shop in (ACORN, BIRCH, CEDAR):
        await install(mongo, shop, utc_now())
    tea, jam = reaction("react-tea"), reaction("react-jam")
    await follow(tea, ACORN, reactor)
    await follow(jam, BIRCH, reactor)
    HANDLED.clear()
    asked: list[str] = []
    noting = replace(reactor, at_step=asked.append)
    swept = await sweep("recent", runner, [tea, jam], noting, deadline=soon())
    assert sorted(HANDLED) == [
        *(("react-jam", shop) for shop in (ACORN, CEDAR)),
        *(("react-tea", shop) for shop in (BIRCH, CEDAR)),
    ]
    assert asked.count("read_checkpoint") == 4, "who is at the head is not asked"
    assert (swept.failed, swept.healed) == (0, 3)


async def test_a_reaction_that_raises_holds_up_no_other_shop_and_no_other_reaction(
    mongo: Mongo, runner: Runner, reactor: Reactor
) -> None:
    for shop in (ACORN, BIRCH, CEDAR):
        await install(mongo, shop, utc_now())

    async def fails(commit: Commit, _recorded: Recorded, _use: Reactor) -> None:
        if commit.shop == BIRCH:
            raise ConnectionError
        HANDLED.append(("react-fails", commit.shop))

    reactions = [reaction("react-fails", fails), reaction("react-tea")]
    swept = await sweep("recent", runner, reactions, reactor, deadline=soon())
    assert sorted(HANDLED) == [
        *(("react-fails", shop) for shop in (ACORN, CEDAR)),
        *(("react-tea", shop) for shop in (ACORN, BIRCH, CEDAR)),
    ]
    assert (swept.failed, swept.healed) == (0, 3), "it is tried again, which is no failure"
    assert await behind(runner) == set()

    def away(step: str) -> None:
        raise ConnectionError

    await install(mongo, BIRCH, utc_now() + timedelta(seconds=1))
    unreachable = replace(reactor, at_step=away)
    swept = await sweep("recent", runner, reactions, unreachable, deadline=soon())
    assert (swept.failed, swept.healed) == (1, 0)
    assert await behind(runner) == set()


async def test_a_shop_whose_reaction_did_not_come_to_the_end_in_time_counts_as_failed(
    mongo: Mongo, runner: Runner, reactor: Reactor
) -> None:
    for shop in (ACORN, BIRCH):
        await install(mongo, shop, utc_now())
    now = 0.0
    deadline = Deadline(60.0, lambda: now)

    async def slow(commit: Commit, _recorded: Recorded, _use: Reactor) -> None:
        nonlocal now
        now = 60.0

    reactions = [reaction("react-slow", slow), reaction("react-late")]
    swept = await sweep("recent", runner, reactions, reactor, deadline=deadline, side_by_side=1)
    assert HANDLED == []
    assert (swept.failed, swept.healed, swept.unfinished) == (1, 0, 1)


def measured(line: str) -> dict[str, Any]:
    """What CloudWatch takes from a line, by the name of the metric."""
    told = json.loads(line)
    [directive] = told["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "ConversationsPlus/test"
    assert directive["Dimensions"] == [["Projection"], []]
    return {metric["Name"]: told[metric["Name"]] for metric in directive["Metrics"]}


async def test_the_lag_of_each_projection_is_measured_once_however_many_shops_there_are(
    mongo: Mongo, runner: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    now = utc_now()
    for number in range(3):
        await install(mongo, f"shop{number}.myshopify.com", now - timedelta(seconds=number * 100))
    await runner.catch_up(SHOPS, "shop0.myshopify.com")
    reactions = [IMPORTS, REPLIES]
    await measure_lag(runner, reactions, "ConversationsPlus/test", lambda: now)
    lines = capsys.readouterr().out.splitlines()
    by_name = {json.loads(line)["Projection"]: measured(line) for line in lines}
    names = [one.name for one in PROJECT_BILLING]
    assert list(by_name) == [*names, "react-imports", "react-replies"]
    imports, replies = (by_name[one.name] for one in reactions)
    assert (imports["LagEvents"], imports["LagSeconds"]) == (1, 200)
    assert (replies["LagEvents"], replies["LagSeconds"]) == (0, 0), "no commit is for it"
    assert "myshopify" not in "".join(lines)
    shops = by_name["shops"]
    assert (shops["LagEvents"], shops["LagEventsP99"], shops["Parked"]) == (1, 1, 0)
    assert (shops["LagSeconds"], shops["LagSecondsP99"]) == (200, 200)
    assert all(abs(json.loads(line)["_aws"]["Timestamp"] / 1000 - now.timestamp()) < 1
               for line in lines)  # fmt: skip


async def test_a_log_without_shops_is_measured_too_so_that_silence_means_that_no_sweep_runs(
    runner: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    await measure_lag(runner, [], "ConversationsPlus/test")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(PROJECT_BILLING)
    assert {value for line in lines for value in measured(line).values()} == {0}


async def test_shops_are_late_where_a_reader_is_behind_or_has_not_begun(
    mongo: Mongo, runner: Runner
) -> None:
    for shop in (ACORN, BIRCH, CEDAR):
        await install(mongo, shop, utc_now())
        for projection in PROJECT_BILLING:
            if (shop, projection) != (BIRCH, SHOPS):
                await runner.catch_up(projection, shop)
    await install(mongo, CEDAR, utc_now())
    collections = [one.collection for one in PROJECT_BILLING]
    heads = await runner.store.heads()
    assert await late_shops(mongo, collections, heads) == {BIRCH, CEDAR}
    assert await late_shops(mongo, collections, {ACORN: 1, CEDAR: 1}) == set()
    assert await late_shops(mongo, [], heads) == set()


async def test_an_overview_counts_all_shops_and_shows_those_first_that_need_somebody(
    mongo: Mongo, runner: Runner
) -> None:
    for shop in (ACORN, BIRCH, CEDAR):
        await install(mongo, shop, utc_now())
        for projection in PROJECT_BILLING:
            await runner.catch_up(projection, shop)
    await install(mongo, CEDAR, utc_now())
    made = await begin(mongo.database, SHOPS)  # a generation that is being filled is behind
    faulty = replace(made, evolve=fails)
    progress = await Runner(mongo, runner.store, EventReader(), [faulty]).catch_up(faulty, BIRCH)
    assert (progress.position, progress.parked is not None) == (0, True)
    of = (mongo, runner.store, PROJECT_BILLING)
    found = await overview(*of, most=2)
    assert (found.shops, found.commits, found.behind, found.parked) == (3, 4, 1, 1)
    assert [line.shop for line in found.lines] == [BIRCH, CEDAR]
    assert [line.behind for line in found.lines] == [0, 1]
    found = await overview(*of, most=9)
    assert [line.shop for line in found.lines] == [BIRCH, CEDAR, ACORN]
    assert all(len(line.lags) == len(found.readers) for line in found.lines)
    found = await overview(*of, most=9, shops=[ACORN, "none.myshopify.com"])
    assert (found.shops, [line.shop for line in found.lines]) == (1, [ACORN])
    assert [one.shop for one in await lag(*of, shops=[ACORN])] == [ACORN] * len(found.readers)


def test_99_of_100_shops_are_behind_no_further_than_p99() -> None:
    assert p99([]) == 0
    assert p99([7]) == 7
    assert p99([*range(100), 9_999]) == 99
    assert p99(range(200)) == 197
    assert p99([7], of=100) == 0, "the rest are behind by nothing"
    assert p99([7, 5], of=100) == 5
    assert p99([], of=100) == 0
