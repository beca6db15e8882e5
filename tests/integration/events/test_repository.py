"""Decisions on aggregates, taken again when somebody else was quicker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from cplus.errors import DecisionOvertaken, InvalidInput
from cplus.events.aggregates.conversation import Conversation
from cplus.events.log.commit import Commit
from cplus.events.log.outcomes import AlreadyRecorded, Appended
from cplus.events.log.store import EventStore, ensure_indexes
from cplus.events.repository import TRIES, Decider, Repository
from cplus.mongo import connect
from cplus.settings import Settings

SHOP = "acorn.myshopify.com"
STREAM = "conversation/c1"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
async def store(mongo_uri: str, database_name: str) -> AsyncIterator[EventStore]:
    mongo = connect(Settings(mongo_uri=SecretStr(mongo_uri), mongo_database=database_name))
    await ensure_indexes(mongo.database)
    yield EventStore(mongo)
    await mongo.close()


@pytest.fixture
async def repository(store: EventStore) -> Repository:
    made = Repository(store)

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
    return made


async def decide(
    repository: Repository, decision: object, claim: str
) -> Appended | AlreadyRecorded | None:
    return await repository.decide(
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


async def test_answers_written_at_once_all_get_a_place(repository: Repository) -> None:
    await asyncio.gather(*(decide(repository, answer(f"r{i}"), f"reply/{i}") for i in range(TRIES)))
    conversation = await repository.load(Conversation, SHOP, STREAM)
    assert conversation.version == 2 + TRIES
    assert len(conversation.written) == TRIES


async def test_a_double_click_is_one_answer(repository: Repository, store: EventStore) -> None:
    outcomes = await asyncio.gather(
        *(decide(repository, answer("r1"), "reply/key") for _ in range(4))
    )
    assert sum(isinstance(o, Appended) for o in outcomes) == 1
    assert len(await store.stream(SHOP, STREAM)) == 2


async def test_of_two_that_decide_at_once_one_wins_and_the_other_decides_on_what_is_there(
    repository: Repository,
) -> None:
    both_loaded = asyncio.Barrier(2)
    seen: list[list[int]] = [[], []]

    class Meeting(Repository):
        async def load_with_last(
            self, kind: Decider, shop: str, stream: str
        ) -> tuple[Any, Commit | None]:
            loaded = await repository.load_with_last(kind, shop, stream)
            if loaded[0].version == 2:
                await both_loaded.wait()
            return loaded

    def close(number: int) -> object:
        def decision(conversation: Conversation) -> None:
            seen[number].append(conversation.version)
            conversation.close(NOW)

        return decision

    meeting = Meeting(repository._store)
    outcomes = await asyncio.gather(
        *(decide(meeting, close(number), f"command/{number}") for number in range(2))
    )
    assert sorted(seen) == [[2], [2, 3]]
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [Appended]


async def test_who_decides_again_finds_that_a_twin_recorded_the_same_cause(
    repository: Repository, store: EventStore
) -> None:
    class Twin(Repository):
        async def load_with_last(
            self, kind: Decider, shop: str, stream: str
        ) -> tuple[Any, Commit | None]:
            loaded = await repository.load_with_last(kind, shop, stream)
            await decide(repository, answer("r1"), "reply/key")
            return loaded

    outcome = await decide(Twin(store), answer("r1"), "reply/key")
    assert isinstance(outcome, AlreadyRecorded)
    assert (await store.head(SHOP)).position == 2


async def test_a_decision_that_changes_nothing_records_nothing(
    repository: Repository, store: EventStore
) -> None:
    assert await decide(repository, lambda c: c.reopen(NOW), "command/1") is None
    assert (await store.head(SHOP)).position == 1


async def test_a_refused_command_records_nothing(repository: Repository, store: EventStore) -> None:
    with pytest.raises(InvalidInput):
        await decide(
            repository,
            lambda c: c.reply(message_id="r", text=" ", author="merchant", now=NOW),
            "reply/1",
        )
    assert (await store.head(SHOP)).position == 1


async def test_a_decision_that_always_loses_gives_up_and_says_so(
    repository: Repository, store: EventStore
) -> None:
    tries = 0

    class Overtaken(Repository):
        async def load_with_last(
            self, kind: Decider, shop: str, stream: str
        ) -> tuple[Any, Commit | None]:
            nonlocal tries
            loaded = await repository.load_with_last(kind, shop, stream)
            tries += 1
            await decide(repository, answer(f"quicker{tries}"), f"quicker/{tries}")
            return loaded

    with pytest.raises(DecisionOvertaken, match=f"{STREAM}.*{TRIES} times"):
        await decide(Overtaken(store), answer("slow"), "reply/slow")
    assert tries == TRIES
