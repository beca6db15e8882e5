"""Whatever happened, and however it was folded: live equals rebuilt equals verified."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from cplus.consumers.projecting import look_at
from cplus.events.base import AggregateEvent, Event, NewEvent
from cplus.events.catalogue import MailBounced, MailDelivered, MailSent
from cplus.events.commit import Draft
from cplus.events.store import EventStore
from cplus.events.store import ensure_indexes as ensure_log_indexes
from cplus.ids import random_id
from cplus.mongo import Mongo, connect
from cplus.projections.base import Projection
from cplus.projections.checkpoints import ensure_indexes
from cplus.projections.generations import begin
from cplus.projections.groups import ALL
from cplus.projections.rebuild import compare_generations, fill
from cplus.projections.runner import Runner
from cplus.projections.verify import verify_shop
from cplus.settings import Settings
from tests.integration.test_runner import soon
from tests.unit.test_folds import (
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


def history(
    talk: list[tuple[type[AggregateEvent], dict[str, object]]],
    told: list[tuple[Event, int]],
    chance: random.Random,
) -> list[NewEvent]:
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
    return events


async def fold_everything(mongo: Mongo, shop: str, events: list[NewEvent], batch: int) -> None:
    store = EventStore(mongo)
    runner = Runner(mongo, store, ALL, batch=batch)
    targets = [one for one in await runner.driven() if one.live]
    for start in range(0, len(events), batch):
        drafts = [
            Draft(shop=shop, claim=f"test/{start + number}", source="t", actor="t", events=[event])
            for number, event in enumerate(events[start : start + batch])
        ]
        await store.append(drafts)
        until = start + len(drafts)
        # Two at once, as when a nudge comes twice.
        both = [
            look_at(runner, targets, shop, until=until, deadline=soon()),
            look_at(runner, targets, shop, until=until, deadline=soon()),
        ]
        assert await asyncio.gather(*both) == [True, True]


async def prove(mongo: Mongo, projection: Projection, shop: str, batch: int) -> None:
    store = EventStore(mongo)
    target = await begin(mongo.database, projection)
    await fill(Runner(mongo, store, [projection], batch=batch), target, [shop])
    assert await compare_generations(mongo, projection, target, shop) == []
    for one in (projection, target):
        found = await verify_shop(mongo, store, one, shop)
        assert found.differences == []
        assert found.position == (await store.head(shop)).position


@given(
    talks,
    st.lists(st.tuples(st.one_of(facts_of_shopify, fates), minutes), max_size=8),
    st.randoms(use_true_random=False),
    st.integers(1, 5),
    st.integers(2, 6),
)
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_live_equals_rebuilt_equals_verified(
    mongo: Mongo,
    talk: list[tuple[type[AggregateEvent], dict[str, object]]],
    told: list[tuple[Event, int]],
    chance: random.Random,
    batch: int,
    other_batch: int,
) -> None:
    shop = f"h{random_id(12)}.myshopify.com"
    await fold_everything(mongo, shop, history(talk, told, chance), batch)
    for projection in ALL:
        await prove(mongo, projection, shop, other_batch)
