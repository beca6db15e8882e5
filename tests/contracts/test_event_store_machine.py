"""Whatever order writers, readers, crashes and lost answers come in: the log keeps its promises.

A state machine drives several stores on one log in memory, as several processes on one database.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from cplus.clock import utc_now
from cplus.events.audit.roots import verify_shop
from cplus.events.base import NewEvent
from cplus.events.catalogue.conversations import ConversationClosed
from cplus.events.log.commit import Draft
from cplus.events.log.memory import MemoryCommits
from cplus.events.log.outcomes import AlreadyRecorded, Appended, Conflict, Outcome, Unknown
from cplus.events.log.store import EventStore
from cplus.mongo import AutoReconnect
from tests.conftest import Figures

T = TypeVar("T")

SHOPS = ["acorn.myshopify.com", "birch.myshopify.com"]
STREAMS = ["conversation/a", "conversation/b"]
PROCESSES = 3

shops = st.sampled_from(SHOPS)
streams = st.sampled_from(STREAMS)
processes = st.integers(0, PROCESSES - 1)
claims = st.integers(0, 12).map(lambda number: f"webhook/x/{number}")


class FaultyCommits(MemoryCommits):
    """Loses connections: before the write, in the middle of it, or before its answer."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    async def insert(self, runs: Sequence[Sequence[bytes]]) -> list[bool | Exception]:
        fault = self.faults.pop() if self.faults else "none"
        if fault == "before":
            raise AutoReconnect("cut")
        if fault == "middle":
            # Of one run its first half; of several those at the end, as they go in no order.
            half = [run[: len(run) // 2] for run in runs]
            await super().insert(half if len(runs) == 1 else runs[len(runs) // 2 :])
            raise AutoReconnect("cut")
        answers = await super().insert(runs)
        if fault == "after":
            answers[0] = AutoReconnect("cut")
        return answers


class Log(RuleBasedStateMachine):
    """What was answered to whom, beside the log itself."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.log = FaultyCommits()
        self.stores = [EventStore(self.log) for _ in range(PROCESSES)]
        self.acknowledged: dict[tuple[str, str], str] = {}
        """The id of the commit that was answered for a claim of a shop."""
        self.seen: dict[str, list[str]] = {shop: [] for shop in SHOPS}
        """The ids that a reader has read, in order."""

    def teardown(self) -> None:
        self.loop.close()

    @rule(process=processes, shop=shops, given=st.lists(claims, min_size=1, max_size=5))
    def append(self, process: int, shop: str, given: list[str]) -> None:
        drafts = [Draft(shop, claim, "webhook", "shopify", reason="none") for claim in given]
        self.note(drafts, self.run(self.stores[process].append(drafts)))

    @rule(given=st.lists(st.tuples(processes, shops, claims), min_size=2, max_size=8))
    def race(self, given: list[tuple[int, str, str]]) -> None:
        drafts = [
            Draft(shop, claim, "webhook", "shopify", reason="none") for _, shop, claim in given
        ]

        async def all_at_once() -> list[list[Outcome]]:
            calls = [
                self.stores[process].append([draft])
                for (process, _, _), draft in zip(given, drafts, strict=True)
            ]
            return await asyncio.gather(*calls)

        self.note(drafts, [outcome for [outcome] in self.run(all_at_once())])

    @rule(
        process=processes,
        shop=shops,
        stream=streams,
        behind=st.integers(-1, 2),
        length=st.integers(1, 3),
    )
    def decide(self, process: int, shop: str, stream: str, behind: int, length: int) -> None:
        """Appends versions on what the stream is at, or on what it was at, or on nothing."""
        store = self.stores[process]
        at, _ = self.run(store.latest(shop, stream))
        expected = max(0, at - behind)
        drafts = [self.decision(shop, stream, expected + 1 + i) for i in range(length)]
        outcomes = self.run(store.append(drafts))
        self.note(drafts, outcomes)
        if any(isinstance(outcome, Unknown) for outcome in outcomes):
            return
        if expected == at:
            assert all(isinstance(outcome, Appended) for outcome in outcomes)
        else:
            actual = [outcome.actual for outcome in outcomes if isinstance(outcome, Conflict)]
            assert actual == [at] * length

    def decision(self, shop: str, stream: str, version: int) -> Draft:
        event = ConversationClosed(
            originator_id=stream, originator_version=version, timestamp=utc_now()
        )
        claim = f"command/{random.getrandbits(60)}"
        return Draft(shop, claim, "dashboard", "merchant", events=[NewEvent.decided(event)])

    @rule(process=processes)
    def restart(self, process: int) -> None:
        self.stores[process] = EventStore(self.log)

    @rule(process=processes, shop=shops, claim=claims, ticks=st.integers(0, 4))
    def die_while_writing(self, process: int, shop: str, claim: str, ticks: int) -> None:
        draft = Draft(shop, claim, "webhook", "shopify", reason="none")

        async def cut() -> None:
            call = asyncio.ensure_future(self.stores[process].append([draft]))
            for _ in range(ticks):
                await asyncio.sleep(0)
            call.cancel()
            await asyncio.wait([call])

        self.run(cut())
        self.append(process, shop, [claim])  # whoever asks again gets an answer

    @rule(faults=st.lists(st.sampled_from(["before", "middle", "after"]), max_size=3))
    def lose_connections(self, faults: list[str]) -> None:
        self.log.faults = faults

    @rule(process=processes, shop=shops, batch=st.integers(1, 4))
    def read_on(self, process: int, shop: str, batch: int) -> None:
        seen = self.seen[shop]

        async def rest() -> None:
            async for commit in self.stores[process].iterate(shop, len(seen), batch=batch):
                assert commit.position == len(seen) + 1
                seen.append(commit.id)

        self.run(rest())

    @invariant()
    def no_promise_is_broken(self) -> None:
        for shop in SHOPS:
            commits = self.run(self.stores[0].read(shop, 0))
            assert [commit.position for commit in commits] == list(range(1, len(commits) + 1))
            held = [claim for commit in commits for claim in commit.claims]
            assert len(held) == len(set(held))
            ids = {commit.claims[0]: commit.id for commit in commits}
            for (where, claim), id_ in self.acknowledged.items():
                assert where != shop or ids[claim] == id_
            assert [commit.id for commit in commits][: len(self.seen[shop])] == self.seen[shop]
            for stream in STREAMS:
                versions = [claim for claim in held if claim.startswith(f"{stream}@")]
                numbers = [int(claim.rpartition("@")[2]) for claim in versions]
                assert numbers == list(range(1, len(numbers) + 1))
            assert self.run(verify_shop(self.log, shop)) is None

    def note(self, drafts: list[Draft], outcomes: list[Outcome]) -> None:
        for draft, outcome in zip(drafts, outcomes, strict=True):
            if isinstance(outcome, Appended):
                answered = outcome.id
                assert answered == draft.id
            elif isinstance(outcome, AlreadyRecorded):
                answered = outcome.commit.id
            else:
                continue
            assert self.acknowledged.setdefault((draft.shop, draft.claim), answered) == answered

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)


QUICK = settings(
    max_examples=15,
    stateful_step_count=20,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)


def test_no_order_of_events_breaks_a_promise() -> None:
    run_state_machine_as_test(Log, settings=QUICK)


@pytest.mark.soak
def test_no_order_of_many_events_breaks_a_promise(figures: Figures) -> None:
    """Appends, redeliveries, races, decisions, reads, restarts, deaths and lost answers in any
    order, chosen anew in each run: after every step each promise of the log holds."""
    many = settings(QUICK, max_examples=150, stateful_step_count=50, derandomize=False)
    run_state_machine_as_test(Log, settings=many)
    figures(histories=many.max_examples, steps_at_most=many.stateful_step_count)
