"""Erasing a person: everything goes, wherever the process crashes and whoever writes meanwhile."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cplus.errors import NotFound
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.audit.roots import verify_shop as verify_chain
from cplus.events.base import ERASED
from cplus.events.catalogue import Catalogue, all_events
from cplus.events.catalogue.conversations import MessageReceived
from cplus.events.catalogue.customers import PersonsJoined
from cplus.events.catalogue.privacy import ErasureCompleted, ErasureRequested, PersonErased
from cplus.events.log.commit import Draft
from cplus.events.log.memory import MemoryCommits
from cplus.events.log.outcomes import Appended
from cplus.events.log.store import COMMITS
from cplus.events.names import conversation_stream, erasure_stream
from cplus.events.reader import EventReader
from cplus.mongo import Mongo, connect
from cplus.privacy.erasing import NAMES_AT_ONCE, STEPS
from cplus.privacy.identities import Resolved
from cplus.privacy.keyring import KEYS
from cplus.privacy.persons import PersonDirectory
from cplus.projections.groups import ALL
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.models.messages import MESSAGES
from cplus.projections.running.runner import Runner
from cplus.settings import Settings
from cplus.workspace.drafts import Drafts
from tests.databases import emptied_for_a_test, of_a_file
from tests.integration.crashing import Died, Written, dies_at
from tests.integration.privacy.sealing_world import (
    ADA,
    BEA,
    NOW,
    OLD,
    SHOP,
    WORDS,
    Elsewhere,
    Process,
    fact,
    history,
    mail,
)

WRITTEN = 6
"""Mails of each person that each writer writes, the last one when the erasure is over."""
OBJECTS = {("mail", f"raw{number}") for number in (1, 2, 4, 5)} | {("bodies", "b3")}


@pytest.fixture(scope="module")
async def place(mongo_uri: str) -> AsyncIterator[Settings]:
    """A database for all tests of the file, which have shops of their own where that matters."""
    async with of_a_file(mongo_uri) as made:
        yield made


@pytest.fixture
async def mongo(place: Settings) -> AsyncIterator[Mongo]:
    async with emptied_for_a_test(place) as made:
        yield made


@pytest.fixture
async def process(mongo: Mongo) -> Process:
    made = Process(mongo)
    await made.store.append(history())
    return made


async def told(process: Process, erasure: str = "e1", shop: str = SHOP) -> list[Any]:
    """The events of an erasure, in order."""
    commits = process.store.iterate_ref(shop, erasure_stream(erasure))
    found = await process.reader.read([commit async for commit in commits])
    return [one for events in found for one in events]


def named(events: Iterable[Any]) -> dict[str, set[Any]]:
    """What the events of an erasure name, each once."""
    found: dict[str, list[Any]] = {}
    for one in events:
        if isinstance(one.event, PersonErased):
            names = (*one.event.conversations, *one.event.messages, *one.event.requests)
            found.setdefault(one.event.person, []).extend(names)
    assert all(len(names) == len(set(names)) for names in found.values())
    return {person: set(names) for person, names in found.items()}


OF_ADA = {ADA: {"c1", "c3", "m1", "r1", "m4", "m5", 9}, OLD: {"c2", "m2"}}


async def test_everything_about_a_person_is_erased_and_nothing_of_others(process: Process) -> None:
    await process.fold()
    assert await process.words() == list(WORDS)
    way = Elsewhere()
    await process.ask()
    done = await process.complete(elsewhere=way)
    assert (done.persons, way.entries) == ((ADA, OLD), [done])
    assert (done.keys, done.objects, way.deleted) == (2, len(OBJECTS), OBJECTS)
    events = await told(process)
    assert named(events) == OF_ADA
    assert {one.actor for one in events} == {"operator/x"}
    named_at = [one.position for one in events if isinstance(one.event, PersonErased)]
    assert [position for position, _ in done.commits] == named_at
    assert way.forgotten == 2 * [(SHOP, done.persons, NOW)]
    await process.fold()
    assert await process.words() == []
    assert await process.differences() == []
    fresh = Process(process.mongo)
    assert await fresh.words() == []
    of_bea = (await fresh.store.stream(SHOP, "conversation/c3"))[0]
    [received] = await fresh.reader.of(of_bea, MessageReceived)
    assert isinstance(received.event, MessageReceived)
    assert (received.event.person, received.event.text) == (BEA, "I like a table")
    assert await verify_chain(fresh.store.log, SHOP, None, lambda _position: None) is None


async def test_listing_opens_nothing(process: Process) -> None:
    await process.ask()
    used = list[Any]()

    async def to_open(ids: Any) -> Any:
        used.extend(ids)
        return {}

    blind = Process(process.mongo)
    blind.keyring.to_open = to_open  # type: ignore[method-assign]
    await blind.complete()
    assert used == []


@pytest.mark.parametrize("step", STEPS)
async def test_whoever_crashes_at_a_step_is_completed_by_the_next_call(
    process: Process, step: str
) -> None:
    for time_of_death in itertools.count(1):
        shop = f"{step.replace('_', '-')}{time_of_death}.myshopify.com"
        await process.store.append(history(shop))
        await process.ask(shop=shop)
        dying, way = Process(process.mongo), Elsewhere()
        try:
            await dying.complete(shop=shop, at_step=dies_at(step, time_of_death), elsewhere=way)
        except Died:
            died = True
        else:
            died = False
        if not died:
            assert time_of_death > 1, "nobody ever died there"
            break
        await Process(process.mongo).ask(shop=shop)
        done = await Process(process.mongo).complete(shop=shop, elsewhere=way)
        assert (done.keys, done.objects, way.deleted) == (2, len(OBJECTS), OBJECTS)
        events = await told(process, shop=shop)
        kinds = Counter(type(one.event) for one in events)
        assert (kinds[ErasureRequested], kinds[ErasureCompleted]) == (1, 1)
        assert named(events) == OF_ADA
        assert {one.persons for one in way.entries} == {done.persons}
        assert await Process(process.mongo).words(shop) == []


async def test_who_writes_once_an_erasure_has_begun_is_somebody_new_wherever_it_is_cut_off(
    process: Process,
) -> None:
    persons = PersonDirectory(process.mongo.keyring, "a secret", lambda: NOW)
    late, later = NOW - timedelta(hours=1), NOW + timedelta(seconds=1)
    for step in STEPS[2:]:
        shop = f"new-{step.replace('_', '-')}.myshopify.com"
        address = {"shop": shop, "address": "ada@example.com"}
        known = await persons.resolve(**address)  # type: ignore[arg-type]
        assert known is not None
        await process.ask(known.person, shop=shop)
        with pytest.raises(Died):
            await process.complete(shop=shop, directory=persons, at_step=dies_at(step, 1))
        new = await persons.resolve(**address, happened_at=later)  # type: ignore[arg-type]
        assert new is not None
        assert not {*new.ids} & {*known.ids}
        await process.complete(shop=shop, directory=persons)
        assert await persons.resolve(**address, happened_at=later) == new  # type: ignore[arg-type]
        assert await persons.resolve(**address, happened_at=late) == Resolved(  # type: ignore[arg-type]
            known.person, erased=True
        )


async def test_everything_that_is_stored_stands_behind_a_step(
    place: Settings, process: Process
) -> None:
    """So that to die at each step is to die between any two of it."""
    written = Written()
    heard = connect(place, [written])
    try:
        await process.ask()
        await Process(heard).complete(at_step=written.step)
    finally:
        await heard.close()
    assert written.by_step() == {
        "forget_drafts": {(f"delete {Drafts.NAME}",)},
        "forget": {()},
        "condemn": {(f"update {KEYS}",)},
        "append_erased": {(f"insert {COMMITS}",)},
        "destroy": {(f"update {KEYS}",)},
        "delete_objects": {(f"delete {Drafts.NAME}",)},
        "write_ledger": {()},
        "await_rows": {()},
        "append_completed": {(f"insert {COMMITS}",)},
    }


async def erase_amid(process: Process, readers: list[Process], writers: list[Process]) -> None:
    """Erases Ada while others write her mails, and fold them with keys that they keep in memory."""
    amid, erased = asyncio.Event(), asyncio.Event()
    numbers = itertools.count(100)

    async def write(one: Process) -> None:
        for number in range(WRITTEN):
            drafts = [mail(next(numbers), person) for person in (ADA, BEA, OLD)]
            assert all(isinstance(done, Appended) for done in await one.store.append(drafts))
            if number == 1:
                amid.set()
            if number == WRITTEN - 2:
                await erased.wait()

    async def read(one: Process) -> None:
        while not erased.is_set():
            await one.fold(MESSAGES)

    async def erasing() -> None:
        await amid.wait()
        await process.erase()
        erased.set()

    await asyncio.gather(erasing(), *map(write, writers), *map(read, readers))


async def test_eight_writers_amid_an_erasure_bring_back_nothing(process: Process) -> None:
    readers = [Process(process.mongo) for _ in range(2)]
    await erase_amid(process, readers, [Process(process.mongo) for _ in range(8)])
    events = [one for one in await told(process) if isinstance(one.event, PersonErased)]
    first = {one.event.person: one.position for one in reversed(events)}
    assert set(first) == {ADA, OLD}
    rows = await process.mongo.database[COMMITS].find({}).to_list(None)
    slots = [(row, event["sealed"]) for row in rows for event in row["events"] if "sealed" in event]
    for row, slot in slots:
        gone = row["position"] > first.get(slot["person"], len(rows))
        assert (slot["fields"] is None) == gone
    keys = await process.mongo.keyring[KEYS].find({"owner": {"$exists": True}}).to_list(None)
    assert {row["owner"].partition("/")[2] for row in keys if "key" not in row} == set(first)
    # What came late holds nothing; to erase again names that too.
    await process.complete()
    for reading in (*readers, Process(process.mongo)):
        await reading.fold()
        assert await reading.words_in_rows() == []
        assert await reading.differences() == []
    assert await Process(process.mongo).words() == []
    found = process.mongo.database[MESSAGES.collection]
    assert await found.count_documents({"text": "I like a table"}) == 1 + 8 * WRITTEN
    assert await found.count_documents({"text": ERASED}) == 4 + 2 * 8 * WRITTEN


async def test_two_calls_at_once_erase_once(process: Process) -> None:
    others = [Process(process.mongo) for _ in range(4)]
    await asyncio.gather(*(one.ask() for one in others))
    done = await asyncio.gather(*(one.complete() for one in others))
    assert len({replace(one, at=NOW) for one in done}) == 1
    events = await told(process)
    kinds = Counter(type(one.event) for one in events)
    assert (kinds[ErasureRequested], kinds[ErasureCompleted]) == (1, 1)
    assert named(events) == OF_ADA


async def test_a_person_with_thousands_of_messages_is_erased_in_several_commits(
    process: Process,
) -> None:
    shop, drafts = "large.myshopify.com", list[Draft]()
    for number in range(300):
        talk = Conversation.empty(conversation_stream(f"t{number}"))
        mails = [mail(number * 17 + one, ADA, talk, shop=shop) for one in range(17)]
        events = [event for one in mails for event in one.events]
        drafts.append(replace(mails[0], events=events))
    in_memory = Process(process.mongo, MemoryCommits())
    await in_memory.store.append(drafts)
    done = await in_memory.erase(shop=shop)
    assert len(done.commits) == -(-5_400 // NAMES_AT_ONCE)
    events = [one.event for one in await told(in_memory, shop=shop)]
    erased = [one for one in events if isinstance(one, PersonErased)]
    sizes = [len(one.conversations) + len(one.messages) for one in erased]
    assert (max(sizes), sum(sizes)) == (NAMES_AT_ONCE, 5_400)


async def test_erasing_again_changes_nothing(process: Process) -> None:
    first = await process.erase()
    before = (await process.store.head(SHOP)).position
    assert await process.erase() == first
    assert (await process.store.head(SHOP)).position == before
    # Another who asks: an erasure of its own, with nothing left to do.
    second = await process.erase(OLD, "e2")
    assert set(second.persons) == {ADA, OLD}
    await process.fold()
    assert await process.differences() == []


async def test_whom_a_later_run_erases_is_in_the_ledger_too(process: Process) -> None:
    way = Elsewhere()
    await process.ask()
    await process.complete(elsewhere=way)
    joined = PersonsJoined(person=ADA, absorbed="person/twin")
    await process.store.append([fact(91, ADA, joined)])
    done = await process.complete(elsewhere=way)
    assert "person/twin" in done.persons
    assert way.entries[1:] == [done]
    assert done.key != way.entries[0].key


async def test_what_was_not_asked_for_is_not_erased(process: Process) -> None:
    with pytest.raises(NotFound, match="no such erasure"):
        await process.complete("e9")


async def test_a_person_of_whom_the_log_holds_nothing_leaves_an_erasure_all_the_same(
    process: Process,
) -> None:
    done = await process.erase("person/nobody", "e3")
    assert (done.persons, done.objects) == (("person/nobody",), 0)
    assert named(await told(process, "e3")) == {"person/nobody": set()}


async def test_a_read_model_that_was_behind_or_parked_catches_up_with_erased_rows(
    process: Process,
) -> None:
    # An older release parks at what it does not know; others have folded some of the log, or all.
    known = [one for one in all_events() if one is not PersonsJoined]
    older = EventReader(Catalogue(known), process.keyring)
    runner = Runner(process.mongo, process.store, older, ALL, lambda: NOW)
    assert (await runner.catch_up(CUSTOMERS, SHOP)).parked is not None
    await process.fold(MESSAGES)
    await process.erase()
    await Process(process.mongo).fold()
    assert await process.words() == []
    assert await process.differences() == []
