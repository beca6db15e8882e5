"""What is recorded is nudged; a decision is taken again if another writer was quicker."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from cplus.errors import DecisionOvertaken, InvalidInput
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.base import NewEvent
from cplus.events.catalogue import CATALOGUE, Catalogue, all_events
from cplus.events.catalogue.orders import OrderDeleted
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import AlreadyRecorded, Appended, Outcome
from cplus.events.log.store import EventStore, ensure_indexes
from cplus.events.reader import EventReader
from cplus.events.recording import TRIES, Recorder
from cplus.mongo import Mongo
from cplus.settings import Settings
from tests.databases import connected
from tests.nudges import Nudges

SHOP = "acorn.myshopify.com"
BIRCH = "birch.myshopify.com"
STREAM = "conversation/c1"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
async def mongo(mongo_uri: str, database_name: str) -> Mongo:
    made = connected(Settings(mongo_uri=SecretStr(mongo_uri), mongo_database=database_name))
    await ensure_indexes(made.database)
    return made


@pytest.fixture
def nudges() -> Nudges:
    return Nudges()


@pytest.fixture
async def recorder(mongo: Mongo, nudges: Nudges) -> Recorder:
    made = Recorder(EventStore(mongo), EventReader(), nudges)

    def begin(c: Conversation) -> None:
        c.start(person="person/p", channel="email", subject="Hello", now=NOW)
        c.receive(
            now=NOW,
            message_id="m1",
            person="person/p",
            from_name=None,
            from_address="ada@shopper.example",
            subject="Hello",
            text="Hi",
            rfc_message_id=None,
        )

    await decide(made, begin, "mail/1")
    nudges.told.clear()
    return made


async def decide(
    recorder: Recorder, decision: object, claim: str
) -> Appended | AlreadyRecorded | None:
    return await recorder.decide(
        Conversation,
        SHOP,
        STREAM,
        decision,  # type: ignore[arg-type]
        claim=claim,
        source="dashboard",
        actor="merchant",
    )


def answer(message_id: str) -> object:
    return lambda c: c.reply(message_id=message_id, text="Yes", author="merchant", now=NOW)


def draft(number: int, shop: str = SHOP) -> Draft:
    return Draft(shop, f"test/{number}", "test", "test")


async def test_answers_written_at_once_all_get_a_place(recorder: Recorder) -> None:
    await asyncio.gather(*(decide(recorder, answer(f"r{i}"), f"reply/{i}") for i in range(TRIES)))
    conversation = await recorder.load(Conversation, SHOP, STREAM)
    assert conversation.version == 2 + TRIES
    assert len(conversation.written) == TRIES


async def test_a_double_click_is_one_answer(recorder: Recorder) -> None:
    outcomes = await asyncio.gather(
        *(decide(recorder, answer("r1"), "reply/key") for _ in range(4))
    )
    assert sum(isinstance(o, Appended) for o in outcomes) == 1
    assert len(await recorder.store.stream(SHOP, STREAM)) == 2


async def test_of_two_that_decide_at_once_one_wins_and_the_other_decides_on_what_is_there(
    mongo: Mongo, recorder: Recorder, nudges: Nudges
) -> None:
    both_decided = asyncio.Barrier(2)
    met: set[str] = set()
    seen: list[list[int]] = [[], []]

    class Meeting(EventStore):
        async def append(self, drafts: Sequence[Draft]) -> list[Outcome]:
            if drafts[0].claim not in met:
                met.add(drafts[0].claim)
                await both_decided.wait()
            return await super().append(drafts)

    def close(number: int) -> object:
        def decision(conversation: Conversation) -> None:
            seen[number].append(conversation.version)
            conversation.close(NOW)

        return decision

    meeting = Recorder(Meeting(mongo), EventReader(), nudges)
    outcomes = await asyncio.gather(
        *(decide(meeting, close(number), f"command/{number}") for number in range(2))
    )
    assert sorted(seen) == [[2], [2, 3]]
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [Appended]


async def test_who_decides_again_finds_that_a_twin_recorded_the_same_cause(
    mongo: Mongo, recorder: Recorder, nudges: Nudges
) -> None:
    class Twin(EventStore):
        async def append(self, drafts: Sequence[Draft]) -> list[Outcome]:
            await decide(recorder, answer("r1"), "reply/key")
            return await super().append(drafts)

    outcome = await decide(Recorder(Twin(mongo), EventReader(), nudges), answer("r1"), "reply/key")
    assert isinstance(outcome, AlreadyRecorded)
    assert (await recorder.store.head(SHOP)).position == 2


async def test_a_decision_that_changes_nothing_records_and_nudges_nothing(
    recorder: Recorder, nudges: Nudges
) -> None:
    assert await decide(recorder, lambda c: c.reopen(NOW), "command/1") is None
    assert (await recorder.store.head(SHOP)).position == 1
    assert nudges.heads == []


async def test_a_refused_command_records_nothing(recorder: Recorder) -> None:
    with pytest.raises(InvalidInput):
        await decide(
            recorder,
            lambda c: c.reply(message_id="r", text=" ", author="merchant", now=NOW),
            "reply/1",
        )
    assert (await recorder.store.head(SHOP)).position == 1


async def test_a_decision_that_always_loses_gives_up_and_says_so(
    mongo: Mongo, recorder: Recorder, nudges: Nudges
) -> None:
    tries = 0

    class Overtaken(EventStore):
        async def append(self, drafts: Sequence[Draft]) -> list[Outcome]:
            nonlocal tries
            tries += 1
            await decide(recorder, answer(f"quicker{tries}"), f"quicker/{tries}")
            return await super().append(drafts)

    slow = Recorder(Overtaken(mongo), EventReader(), nudges)
    with pytest.raises(DecisionOvertaken, match=f"{STREAM}.*{TRIES} times"):
        await decide(slow, answer("slow"), "reply/slow")
    assert tries == TRIES


async def test_what_is_decided_is_nudged_also_if_it_was_recorded_before(
    recorder: Recorder, nudges: Nudges
) -> None:
    for _ in range(2):
        await decide(recorder, answer("r1"), "reply/key")
    assert nudges.heads == [{SHOP: 2}, {SHOP: 2}]


async def test_a_batch_is_nudged_once_with_the_last_position_of_each_shop(
    recorder: Recorder, nudges: Nudges
) -> None:
    await recorder.append([draft(1), draft(2), draft(3, BIRCH), draft(1)])
    assert nudges.heads == [{SHOP: 3, BIRCH: 1}]


async def test_what_is_recorded_together_is_nudged_once_at_the_end(
    recorder: Recorder, nudges: Nudges
) -> None:
    async with recorder.together() as one:
        await one.append([draft(1)])
        await decide(one, answer("r1"), "reply/key")
        await one.append([draft(2, BIRCH)])
        await one.append([draft(1)])  # was recorded before, further back
        assert nudges.heads == []
    assert nudges.heads == [{SHOP: 3, BIRCH: 1}]


async def test_what_was_recorded_together_is_nudged_also_if_the_rest_fails(
    recorder: Recorder, nudges: Nudges
) -> None:
    async def half() -> None:
        async with recorder.together() as one:
            await one.append([draft(1)])
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await half()
    assert nudges.heads == [{SHOP: 2}]


async def test_where_nothing_was_recorded_together_nobody_is_nudged(
    recorder: Recorder, nudges: Nudges
) -> None:
    async with recorder.together():
        pass
    assert nudges.heads == []


def fact(number: int) -> Draft:
    event = NewEvent("order/1", OrderDeleted(shopify_order_id=1), NOW)
    return replace(draft(number), events=[event])


async def test_a_nudge_tells_the_families_of_what_was_recorded_now_or_before(
    recorder: Recorder, nudges: Nudges
) -> None:
    await recorder.append([fact(1), draft(2), draft(3, BIRCH)])
    await recorder.append([fact(1)])
    async with recorder.together() as one:
        await one.append([fact(4)])
        await decide(one, answer("r1"), "reply/key")
    assert nudges.families == [
        {SHOP: ["orders"], BIRCH: []},
        {SHOP: ["orders"]},
        {SHOP: ["conversations", "orders"]},
    ]


async def test_what_newer_code_recorded_may_be_of_any_family(
    recorder: Recorder, mongo: Mongo, nudges: Nudges
) -> None:
    await recorder.append([fact(1)])
    nudges.told.clear()
    older = EventReader(Catalogue(set(all_events()) - {OrderDeleted}))
    await Recorder(EventStore(mongo), older, nudges).append([fact(1)])
    assert nudges.families == [{SHOP: sorted(CATALOGUE.families())}]
