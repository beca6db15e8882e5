"""A log whose personal fields are sealed: what is stored, who reads it, and what an erasure
leaves."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import bson
import pytest

from cplus.errors import KeyMissing, KeysUnavailable
from cplus.events.audit.roots import verify_shop
from cplus.events.base import Cause, NewEvent
from cplus.events.catalogue.customers import CustomerChanged
from cplus.events.log.commit import Draft
from cplus.events.log.memory import MemoryCommits
from cplus.events.log.outcomes import Appended, Unknown
from cplus.events.log.sealing import SEALED
from cplus.events.log.store import COMMITS, EventStore
from cplus.events.log.store import ensure_indexes as ensure_log_indexes
from cplus.events.reader import EventReader
from cplus.mongo import Mongo, PyMongoError
from cplus.privacy.keyring import ensure_indexes as ensure_key_indexes
from tests.integration.privacy.sealing_world import ADA, BEA, NOW, SHOP, Process

NUMBERS = itertools.count(1)


@pytest.fixture
async def sealing(mongo: Mongo) -> Process:
    await ensure_log_indexes(mongo.database)
    await ensure_key_indexes(mongo.keyring)
    return Process(mongo)


def told(*persons: str, body: bool = True) -> Draft:
    number = next(NUMBERS)
    events = [
        NewEvent(
            f"customer/{number}",
            CustomerChanged(
                shopify_customer_id=number, person=one, email=f"{one[7:]}{number}@shopper.example"
            ),
            NOW,
        )
        for one in persons
    ]
    cause = Cause("webhook", b"what came from shopper.example") if body else None
    return Draft(SHOP, f"webhook/{number}", "webhook", "shopify", events, cause)


async def stored(mongo: Mongo) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (
        await mongo.database[COMMITS].find({"shop": SHOP}, sort=[("position", 1)]).to_list(None)
    )
    return rows


async def test_words_about_persons_are_stored_sealed_and_read_clear(
    mongo: Mongo, sealing: Process
) -> None:
    drafts = [told(ADA, BEA), told(BEA), told()]
    outcomes = await sealing.store.append(drafts)
    assert [type(one) for one in outcomes] == [Appended] * 3
    rows = await stored(mongo)
    assert not any(b"shopper.example" in bson.encode(row) for row in rows)
    reading = Process(mongo)
    wanted = [new.event.email for draft in drafts for new in draft.events]  # type: ignore[attr-defined]
    assert await reading.emails() == wanted
    commits = await reading.store.read(SHOP, 0, cause=True)
    causes = await reading.reader.causes(commits)
    assert [cause and cause.body for cause in causes] == [b"what came from shopper.example"] * 3
    assert await verify_shop(sealing.store.log, SHOP, None, lambda _position: None) is None


async def test_commits_from_before_are_read_beside_sealed_ones(
    mongo: Mongo, sealing: Process
) -> None:
    clear = EventStore(mongo, lambda: NOW)
    drafts = [told(ADA), told(ADA)]
    await clear.append(drafts[:1])
    await sealing.store.append(drafts[1:])
    assert [row["events"][0]["sealed"]["scheme"] for row in await stored(mongo)] == ["none", SEALED]
    wanted = [new.event.email for draft in drafts for new in draft.events]  # type: ignore[attr-defined]
    assert await Process(mongo).emails() == wanted
    commits = await clear.read(SHOP, 0, cause=True)
    bodies = [cause and cause.body for cause in await Process(mongo).reader.causes(commits)]
    assert bodies == [b"what came from shopper.example"] * 2


async def test_who_opens_nothing_asks_for_no_key(mongo: Mongo, sealing: Process) -> None:
    await sealing.store.append([told(ADA)])
    commits = await sealing.store.read(SHOP, 0)
    without = EventReader()
    found, fault = await without.read_on(commits, {CustomerChanged.TYPE}, opens=())
    assert fault is None
    assert found[0][0].event.person == ADA  # type: ignore[attr-defined]
    with pytest.raises(KeysUnavailable, match="without a keyring"):
        await without.read(commits)


async def test_a_keyring_that_lost_a_key_stops_the_reader_in_front_of_it(
    mongo: Mongo, sealing: Process
) -> None:
    await sealing.store.append([told(ADA), told(BEA)])
    [key] = [one["events"][0]["sealed"]["key"] for one in (await stored(mongo))[1:]]
    await sealing.keyring.rows.delete_one({"_id": key})
    commits = await sealing.store.read(SHOP, 0)
    found, fault = await Process(mongo).reader.read_on(commits, None)
    assert len(found) == 1
    assert fault is not None
    assert isinstance(fault.error, KeyMissing)


async def test_an_erased_person_reads_as_erased_and_nobody_else(
    mongo: Mongo, sealing: Process
) -> None:
    both, one = told(ADA, BEA), told(BEA)
    await sealing.store.append([both, one])
    position = (await sealing.erase(ADA)).commits[0][0]
    assert (await sealing.erase(ADA)).commits[0][0] == position
    after = told(ADA, BEA)
    await sealing.store.append([after])
    reading = Process(mongo)
    emails = [new.event.email for draft in (both, one, after) for new in draft.events]  # type: ignore[attr-defined]
    assert await reading.emails() == [None, *emails[1:3], None, emails[4]]
    commits = await reading.store.read(SHOP, 0, cause=True)
    causes = [cause for cause in await reading.reader.causes(commits) if cause]
    assert [cause.erased for cause in causes] == [True, False, True]
    [_, _, _requested, erasure, _completed, last] = await stored(mongo)
    assert (erasure["position"], erasure["erasures"]) == (position, 1)
    assert (last["erasures"], last["events"][0]["sealed"]["fields"]) == (1, None)
    assert await verify_shop(sealing.store.log, SHOP, None, lambda _position: None) is None


async def test_a_draft_that_waited_for_an_erasure_is_sealed_anew(
    mongo: Mongo, sealing: Process
) -> None:
    # One call: what stands behind the erasure is written after it, under another count.
    await sealing.store.append([told(ADA)])
    await sealing.store.append([told(BEA)])
    await Process(mongo).keyring.condemn(SHOP, [ADA])
    erasure = Draft(SHOP, "erasure/r1", "erasure", "shopify", erases=True)
    outcomes = await sealing.store.append([told(ADA), told(BEA), erasure, told(ADA), told(BEA)])
    assert [one.position for one in outcomes if isinstance(one, Appended)] == [3, 4, 5, 6, 7]
    rows = await stored(mongo)
    assert [row["erasures"] for row in rows] == [0, 0, 0, 0, 1, 1, 1]
    slots = [one["sealed"]["fields"] for row in rows for one in row["events"]]
    assert [slot is None for slot in slots] == [False] * 4 + [True, False]


async def test_eight_writers_amid_an_erasure_seal_nothing_under_a_destroyed_key(
    mongo: Mongo, sealing: Process
) -> None:
    amid, erased = asyncio.Event(), asyncio.Event()
    writers = [Process(mongo) for _ in range(8)]

    async def write(one: Process) -> int:
        more = 3  # once the erasure is over
        count = 0
        while more:
            more -= erased.is_set()
            outcomes = await one.store.append([told(ADA), told(BEA), told(ADA, BEA)])
            assert all(isinstance(outcome, Appended) for outcome in outcomes)
            count += len(outcomes)
            if count > 20:
                amid.set()
        return count

    async def erasing() -> int:
        await amid.wait()
        position = (await sealing.erase(ADA)).commits[0][0]
        erased.set()
        return position

    position, *counts = await asyncio.gather(erasing(), *map(write, writers))
    rows = await stored(mongo)
    assert len(rows) == sum(counts) + 3  # that it was asked for, that it was done, and its end
    [dead] = await sealing.keyring.rows.find({"owner": f"{SHOP}/{ADA}"}).to_list(None)
    assert "key" not in dead
    for row in rows:
        for slot in (event["sealed"] for event in row["events"] if "sealed" in event):
            if slot["person"] == ADA:
                assert slot["key"] == dead["_id"]
                assert (slot["fields"] is None) == (row["position"] > position)
            else:
                assert slot["fields"] is not None
    reading = Process(mongo)
    commits = await reading.store.read(SHOP, 0, limit=len(rows))
    found = await reading.emails(commits)
    told_of = [one for row in rows for one in row["events"] if one["type"] == CustomerChanged.TYPE]
    names = [one["sealed"]["person"] for one in told_of]
    assert all((email is None) == (name == ADA) for email, name in zip(found, names, strict=True))
    assert await verify_shop(reading.store.log, SHOP, None, lambda _position: None) is None


async def test_a_keyring_that_does_not_answer_leaves_the_outcome_unknown(
    mongo: Mongo, sealing: Process
) -> None:
    class Gone:
        async def to_seal(self, shop: str, owners: Any, erasures: int) -> Any:
            raise PyMongoError("gone")

    store = EventStore(MemoryCommits(), keys=Gone())
    [outcome] = await store.append([told(ADA)])
    assert isinstance(outcome, Unknown)
    assert await store.heads() == {}
    [clear] = await store.append([Draft(SHOP, "c", "s", "a")])  # needs no key
    assert isinstance(clear, Appended)
