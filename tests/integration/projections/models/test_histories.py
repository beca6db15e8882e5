"""Whatever happened, and however it was told and folded: the same rows, live, rebuilt, verified."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from cplus.consumers.folding.projecting import look_at
from cplus.events.base import AggregateEvent, Event, NewEvent
from cplus.events.catalogue.mail import MailBounced, MailDelivered, MailSent
from cplus.events.log.commit import Draft
from cplus.events.log.store import EventStore
from cplus.events.log.store import ensure_indexes as ensure_log_indexes
from cplus.events.reader import EventReader
from cplus.ids import random_id
from cplus.mongo import Mongo, connect
from cplus.projections.base import Projection
from cplus.projections.checks.verify import read_rows, verify_shop
from cplus.projections.counting import counts_of
from cplus.projections.generations.lineage_changes import begin, ensure_indexes
from cplus.projections.generations.rebuild import compare_generations, fill
from cplus.projections.groups import ALL
from cplus.projections.models.facts import MAIL_FACTS
from cplus.projections.queries import ConversationState, CustomerKind, Queries
from cplus.projections.running.runner import Runner
from cplus.settings import Settings
from tests.integration.fold_world import soon
from tests.unit.projections.models.told_events import (
    CLOSED,
    REOPENED,
    STARTED,
    account,
    at,
    facts_of_shopify,
    minutes,
    received,
    reply,
    thread,
)


@pytest.fixture(scope="module")
async def mongo(mongo_uri: str) -> AsyncIterator[Mongo]:
    name = f"test_{random_id(12)}"
    made = connect(Settings(mongo_uri=SecretStr(mongo_uri), mongo_database=name))
    await ensure_log_indexes(made.database)
    await ensure_indexes(made.database, ALL)
    # Once for all histories: to make a generation takes longer than to fold a history.
    for projection in ALL:
        await begin(made.database, projection)
    yield made
    await made.client.drop_database(name)
    await made.close()


fates: st.SearchStrategy[Event] = st.one_of(
    st.builds(MailSent, message_id=st.just("m2"), conversation_id=st.just("c1"),
              ses_message_id=st.sampled_from(["s1", "s2"])),
    st.builds(MailDelivered, message_id=st.just("m2"), conversation_id=st.just("c1")),
    st.builds(MailBounced, message_id=st.just("m2"), conversation_id=st.just("c1"),
              permanent=st.booleans(), reason=st.just("no such mailbox")),
)  # fmt: skip
talks = st.lists(st.sampled_from([CLOSED, REOPENED, received("m3"), reply("m2")]), max_size=4)


class Told(NamedTuple):
    """An event, and what its commit is called behind the name of the shop: so ties between facts
    of one moment, which go to the larger id, are settled alike in every shop."""

    mark: str
    new: NewEvent


def history(
    talk: list[tuple[type[AggregateEvent], dict[str, object]]],
    told: list[tuple[Event, int]],
    chance: random.Random,
) -> list[Told]:
    """A conversation and an account, each in its order, and facts at any place between."""
    decided = [
        NewEvent(one.stream, one.event, one.occurred_at, one.version)
        for one in thread(STARTED, received("m1"), *talk)
    ]
    events = list(decided)
    for one in account("2026-11", "2026-12"):  # each behind the one before
        behind = [i for i, new in enumerate(events, start=1) if new.stream == one.stream]
        new = NewEvent(one.stream, one.event, one.occurred_at, one.version)
        events.insert(chance.randint(max(behind, default=0), len(events)), new)
    for event, when in told:
        stream = "mail/m2" if isinstance(event, MailSent) else "facts/1"
        events.insert(chance.randint(0, len(events)), NewEvent(stream, event, at(when)))
    return [Told(f"{number:03d}", new) for number, new in enumerate(events)]


def otherwise(events: Sequence[Told], chance: random.Random) -> list[Told]:
    """The same, in another order: what has a version stays behind the one before it in its
    stream; facts come anywhere, and some twice."""
    facts = [one for one in events if one.new.version is None]
    twice = chance.sample(facts, chance.randint(0, len(facts)))
    mixed = [*events, *(Told(f"{one.mark}-again", one.new) for one in twice)]
    chance.shuffle(mixed)
    streams = {
        stream: iter([one for one in events if one.new.stream == stream])
        for stream in {one.new.stream for one in events}
    }
    return [next(streams[one.new.stream]) if one.new.version else one for one in mixed]


def a_shop() -> str:
    return f"h{random_id(12)}.myshopify.com"


async def tell(store: EventStore, shop: str, events: Sequence[Told]) -> None:
    """A commit for each event."""
    await store.append(
        [
            Draft(shop, f"test/{one.mark}", "t", "t", [one.new], id=f"{shop}/{one.mark}")
            for one in events
        ]
    )


async def fold_as_it_comes(mongo: Mongo, shop: str, events: Sequence[Told], batch: int) -> None:
    store = EventStore(mongo)
    runner = Runner(mongo, store, EventReader(), ALL, batch=batch)
    targets = [one for one in await runner.driven() if one.live]
    for start in range(0, len(events), batch):
        some = events[start : start + batch]
        await tell(store, shop, some)
        until = start + len(some)
        # Two at once, as when a nudge comes twice.
        both = [
            look_at(runner, targets, shop, until=until, deadline=soon()),
            look_at(runner, targets, shop, until=until, deadline=soon()),
        ]
        assert await asyncio.gather(*both) == [True, True]


async def rows_folded(mongo: Mongo, shop: str, events: Sequence[Told], batch: int) -> Any:
    """By projection, the rows that the runner makes of the events; with the number of an event in
    place of its id."""

    def bare(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: bare(field) for name, field in value.items()}
        if isinstance(value, list):
            return [bare(item) for item in value]
        if isinstance(value, str) and value.startswith(shop):
            return value.removeprefix(f"{shop}/")[:3]
        return value

    store = EventStore(mongo)
    await tell(store, shop, events)
    runner, found = Runner(mongo, store, EventReader(), ALL, batch=batch), {}
    for projection in ALL:
        progress = await runner.catch_up(projection, shop)
        assert (progress.position, progress.parked) == (len(events), None)
        checkpoint, rows = await read_rows(mongo, projection, shop)
        assert checkpoint.counts == counts_of(projection, rows)
        found[projection.name] = bare(rows)
    return found


async def prove(mongo: Mongo, projection: Projection, shop: str, batch: int) -> None:
    store = EventStore(mongo)
    target = await begin(mongo.database, projection)
    await fill(Runner(mongo, store, EventReader(), [projection], batch=batch), target, [shop])
    assert await compare_generations(mongo, projection, target, shop) == []
    for one in (projection, target):
        found = await verify_shop(mongo, store, EventReader(), one, shop)
        assert found.differences == []
        assert found.position == (await store.head(shop)).position
        assert found.at.counts == counts_of(one, (await read_rows(mongo, one, shop))[1])


async def counts_are_those_of_the_lists(mongo: Mongo, shop: str) -> None:
    queries = Queries(mongo)
    listed = {state: len((await queries.list_conversations(shop, state)).items)
              for state in get_args(ConversationState)}  # fmt: skip
    counts = await queries.conversation_counts(shop)
    assert (counts.conversations, counts.open) == (listed["all"], listed["open"])
    assert (counts.conversations - counts.open, counts.unanswered) == (
        listed["closed"],
        listed["unanswered"],
    )
    persons = {kind: len((await queries.customers(shop, kind)).items)
               for kind in get_args(CustomerKind)}  # fmt: skip
    people = await queries.person_counts(shop)
    assert (people.customers, people.leads) == (persons["customers"], persons["leads"])


chances = st.randoms(use_true_random=False)
told_facts = st.tuples(st.one_of(facts_of_shopify, fates), minutes)


def examples(count: int) -> settings:
    found = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return settings(max_examples=count, suppress_health_check=found)


@given(talks, st.lists(told_facts, max_size=8), chances, st.integers(1, 5), st.integers(2, 6))
@examples(8)
async def test_live_equals_rebuilt_equals_verified(
    mongo: Mongo,
    talk: list[tuple[type[AggregateEvent], dict[str, object]]],
    told: list[tuple[Event, int]],
    chance: random.Random,
    batch: int,
    other_batch: int,
) -> None:
    shop = a_shop()
    await fold_as_it_comes(mongo, shop, history(talk, told, chance), batch)
    await counts_are_those_of_the_lists(mongo, shop)
    for projection in ALL:
        await prove(mongo, projection, shop, other_batch)


@given(
    talks,
    st.lists(told_facts, min_size=10, max_size=30),  # so many that some are of one moment
    chances,
    st.integers(3, 9),
    st.integers(3, 9),
)
@examples(20)
async def test_facts_in_another_order_told_twice_and_batched_otherwise_make_the_same_rows(
    mongo: Mongo,
    talk: list[tuple[type[AggregateEvent], dict[str, object]]],
    told: list[tuple[Event, int]],
    chance: random.Random,
    batch: int,
    other_batch: int,
) -> None:
    events = history(talk, told, chance)
    rows = await rows_folded(mongo, a_shop(), events, batch)
    again = await rows_folded(mongo, a_shop(), otherwise(events, chance), other_batch)
    if any(type(event) in MAIL_FACTS for event, _ in told):
        # The inbox passes over what is told of a mail that it has not seen written.
        del rows["conversations"], again["conversations"]
    assert again == rows
