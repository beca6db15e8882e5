"""Leases on a real MongoDB: one holder at a time, and an end by the database's clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from cplus.events.aggregates.conversation.decisions import MAX_AHEAD
from cplus.leases import LEASES, Leases, ensure_indexes
from cplus.mongo import connect
from cplus.settings import Settings


@pytest.fixture
async def leases(mongo_uri: str, database_name: str) -> AsyncIterator[Leases]:
    mongo = connect(Settings(mongo_uri=SecretStr(mongo_uri), mongo_database=database_name))
    yield Leases(mongo.database)
    await mongo.close()


async def test_one_of_many_gets_the_lease(leases: Leases) -> None:
    taken = await asyncio.gather(*(leases.take("work", 60) for _ in range(10)))
    assert sum(lease is not None for lease in taken) == 1


async def test_a_released_lease_is_taken_with_the_notes_and_a_higher_fence(
    leases: Leases,
) -> None:
    first = await leases.take("work", 60)
    assert first is not None
    assert await leases.note(first, attempted=True)
    await leases.release(first)
    second = await leases.take("work", 60)
    assert second is not None
    assert second.fence > first.fence
    assert second.notes == {"attempted": True}


async def test_who_lost_the_lease_can_no_longer_note_or_release(leases: Leases) -> None:
    late = await leases.take("work", 0)
    assert late is not None
    holder = await leases.take("work", 60)
    assert holder is not None
    assert not await leases.note(late, attempted=True)
    await leases.release(late)
    assert await leases.take("work", 60) is None


async def test_what_was_noted_outlives_the_longest_wait_of_a_mail(
    leases: Leases, mongo_uri: str, database_name: str
) -> None:
    mongo = connect(Settings(mongo_uri=SecretStr(mongo_uri), mongo_database=database_name))
    rows = mongo.database[LEASES]
    await rows.drop_indexes()
    # As the release before left it.
    await rows.create_index("expires_at", expireAfterSeconds=30 * 24 * 3600, name="expiry")
    for _ in range(2):
        await ensure_indexes(mongo.database)
    kept = (await mongo.database[LEASES].index_information())["expiry"]["expireAfterSeconds"]
    await mongo.close()
    assert kept > MAX_AHEAD.total_seconds()
