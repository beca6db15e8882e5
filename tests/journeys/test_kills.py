"""Kills change no final count: of each function of serverless.yml, and of MongoDB, at work.

The functions are taken from the file. A function that has no moment to be killed at here fails
the first test: whoever adds one says how it is brought to work.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from asyncio.subprocess import DEVNULL
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from cplus.aws import Aws
from cplus.bootstrap import Parts
from cplus.clock import utc_now
from cplus.events.names import erasure_claim
from cplus.local.aws import options
from cplus.local.demo import Drive, Sizes, Summary, make_plan
from cplus.local.intrinsics import load
from cplus.local.lambdas.pool import Kill
from cplus.local.stack import Stack
from cplus.privacy.erasing import ask
from tests.conftest import ROOT, Figures

FUNCTIONS: Final = tuple(load(ROOT / "serverless.yml")["functions"])

MOMENTS: Final[Mapping[str, float]] = {
    "edge": 0.002,
    "web": 0.02,
    "webhooks": 0.03,
    "inbound-email": 0.05,
    "email-events": 0.02,
    "project-conversations": 0.02,
    "project-customers": 0.02,
    "project-billing": 0.01,
    "react": 0.01,
    "customer-import": 0.2,
    "outbound-email": 0.05,
    "erase": 0.05,  # an erasure is asked for while the demo runs
    "rebuild": 0.005,  # the same
    "sweep": 0.01,  # no queue: the test fires its schedule
    "daily": 0.01,  # the same
}
"""Seconds after an invocation was handed over at which its process is killed."""

SCHEDULED: Final = {"sweep", "daily"}

SIZES: Final = Sizes(shops=3, customers=24, conversations=15, seed=11)
_BUSY: Final = 60.0  # seconds that the functions may take to be at work
_ERASED: Final = 240.0  # seconds until an erasure whose function was killed is done
_REBUILT: Final = 150.0  # seconds until a rebuild whose function was killed is at its end


@dataclass(frozen=True)
class Outcome:
    """How a run ended, what was killed in it, and how often MongoDB was started again."""

    summary: Summary
    kills: Sequence[Kill]
    mongod_restarts: int


async def _driven(
    data: Path, killed: Collection[str], *, mongod: bool, times: int = 1, after: float | None = None
) -> Outcome:
    """Drives the demo through a stack of its own and kills meanwhile."""
    async with Stack(data) as stack:
        plan = make_plan(SIZES)
        drive = Drive(stack, plan)
        for name in killed:
            moment = MOMENTS[name] if after is None else after
            stack.runner.kill_when_busy(name, after=moment, times=times)
        try:
            await drive.begin()
            killing = [asyncio.create_task(_fire_schedules(stack, killed, times))]
            if mongod:
                killing.append(asyncio.create_task(_kill_mongod(stack)))
            if "rebuild" in killed:
                killing.append(asyncio.create_task(_rebuild(stack, times)))
            if "erase" in killed:
                killing.append(asyncio.create_task(_erase(stack, plan.hosts[0])))
            summary = await drive.run()
            await asyncio.gather(*killing)
            if "rebuild" in killed:
                assert await _cplus(stack, "verify") == 0
        finally:
            await drive.close()
        child = stack.mongod.child
        return Outcome(summary, tuple(stack.runner.kills), child.restarts if child else 0)


async def _fire_schedules(stack: Stack, killed: Collection[str], times: int) -> None:
    for name in SCHEDULED & set(killed):
        for _ in range(times):
            await stack.runner.fire_schedules(name)


async def _erase(stack: Stack, shop: str) -> None:
    """Asks that somebody be erased of whom the shop knows nothing, and waits until it is done."""
    parts = Parts(stack.settings, aws=Aws(**options(stack.aws.endpoint)))
    try:
        who = "person/nobody"
        use, at = parts.recorder, utc_now()
        await ask(use, shop, who, erasure="e1", source="cli", actor="operator/jo", at=at)
        deadline = time.monotonic() + _ERASED
        while not await parts.store.by_claim(shop, erasure_claim("e1", "completed")):
            assert time.monotonic() < deadline, "the erasure was not completed"
            await asyncio.sleep(0.1)
    finally:
        await parts.close()
        await parts.aws.close()


async def _rebuild(stack: Stack, times: int) -> None:
    """Has a read model folded anew on Lambda, until the function was killed so often meanwhile.

    Where MongoDB was away too long for the command, the same command goes on: that is its promise.
    """
    deadline = time.monotonic() + _REBUILT
    while True:
        done = await _cplus(stack, "rebuild", "--on-lambda") == 0
        killed = sum(kill.function == "rebuild" for kill in stack.runner.kills)
        if done and killed >= times:
            return
        assert time.monotonic() < deadline, f"rebuilt: {done}, killed {killed} times"


async def _cplus(stack: Stack, command: str, *options: str) -> int:
    """The status of a command on the conversations of the stack."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cplus.cli", command, "conversations", *options),
        *("--data", str(stack.data), "--json"),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        stdout=DEVNULL,
    )
    return await process.wait()


async def _kill_mongod(stack: Stack) -> None:
    """Kills MongoDB while several functions hold work."""
    deadline = time.monotonic() + _BUSY
    while sum(bool(status.busy) for status in stack.runner.status().values()) < 3:
        assert time.monotonic() < deadline, "the functions were never busy together"
        await asyncio.sleep(0.01)
    stack.kill("mongod")


def _held_work(kills: Sequence[Kill]) -> set[str]:
    """The functions that were killed with records in hand, or with a request or a schedule."""
    return {kill.function for kill in kills if kill.held}


def test_every_function_of_the_file_has_a_moment_to_be_killed_at() -> None:
    assert set(MOMENTS) == set(FUNCTIONS)


async def test_no_count_changes_when_each_function_and_mongodb_are_killed_at_work(
    tmp_path: Path,
) -> None:
    outcome = await _driven(tmp_path, FUNCTIONS, mongod=True)
    assert not outcome.summary.differences
    assert _held_work(outcome.kills) == set(FUNCTIONS)
    assert outcome.mongod_restarts == 1


@pytest.mark.soak
@pytest.mark.parametrize("after", [0.0, 0.05])
@pytest.mark.parametrize("function", FUNCTIONS)
async def test_no_count_changes_when_one_function_is_killed_again_and_again(
    tmp_path: Path, figures: Figures, function: str, after: float
) -> None:
    """Each function is killed with -9 while it holds work, three times in a run, at its start and
    a moment later; the demo's counts come out as planned."""
    moment = min(after, MOMENTS[function]) if after else 0.0
    outcome = await _driven(tmp_path, [function], mongod=False, times=3, after=moment)
    assert not outcome.summary.differences
    assert [kill.function for kill in outcome.kills] == [function] * 3
    figures(kills=len(outcome.kills))


@pytest.mark.soak
async def test_no_count_changes_when_mongodb_is_killed_at_work(
    tmp_path: Path, figures: Figures
) -> None:
    """MongoDB is killed with -9 while every function works; the demo's counts come out as
    planned."""
    outcome = await _driven(tmp_path, [], mongod=True)
    assert not outcome.summary.differences
    assert outcome.mongod_restarts == 1
    figures(kills=outcome.mongod_restarts)
