"""Every id of a person, by what the directory and the log know."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cplus.events.base import NewEvent
from cplus.events.catalogue.customers import PersonsJoined
from cplus.events.catalogue.merges import PersonsMerged, PersonsUnmerged
from cplus.events.log.commit import Draft
from cplus.events.log.memory import MemoryCommits
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Mongo
from cplus.privacy.all_ids import AllIds
from cplus.privacy.persons import PersonDirectory

SHOP, OTHER = "acorn.myshopify.com", "birch.myshopify.com"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
ANN, BOB, CY, DEE = "person/ann", "person/bob", "person/cy", "person/dee"


class World:
    """A log, the directory, and what asks both."""

    def __init__(self, mongo: Mongo) -> None:
        self.store = EventStore(MemoryCommits())
        self.persons = PersonDirectory(mongo.keyring, "a secret")
        self.all_ids = AllIds(self.store, EventReader(), mongo.keyring)

    async def record(self, person: str, absorbed: str, *refs: str, shop: str = SHOP) -> None:
        """The log has it that they are one."""
        event = PersonsJoined(person=person, absorbed=absorbed)
        draft = Draft(
            shop=shop,
            claim=f"join/{person}/{absorbed}",
            source="t",
            actor="t",
            events=[NewEvent(person, event, NOW)],
            refs=[person, *refs],
        )
        await self.store.append([draft])

    async def known(self, shopify_id: int, shop: str = SHOP) -> str:
        """A customer whom the directory knows."""
        found = await self.persons.resolve(shop, shopify_id=shopify_id)
        assert found is not None
        return found.person


@pytest.fixture
def world(mongo: Mongo) -> World:
    return World(mongo)


async def test_who_was_joined_in_any_number_of_steps_is_found_in_the_log(world: World) -> None:
    await world.record(BOB, CY)
    await world.record(ANN, BOB)
    await world.record(DEE, "person/eve", ANN)
    await world.record(CY, DEE, shop=OTHER)
    assert await world.all_ids(SHOP, [ANN]) == [ANN, BOB, CY]
    assert await world.all_ids(SHOP, [DEE]) == [DEE, "person/eve"]


async def test_by_an_id_that_was_absorbed_all_others_are_found_too(world: World) -> None:
    small, middle, large = sorted([await world.known(number) for number in (1, 2, 3)])
    # Commits from before name whom they absorbed in the event alone.
    await world.record(small, large)
    assert await world.all_ids(SHOP, [large]) == [large]
    await world.persons.join(SHOP, small, large)
    assert await world.all_ids(SHOP, [large]) == [large, small]
    # Now it is a ref. And the process ended before it told the directory.
    await world.record(small, middle, middle)
    for one in (small, middle, large):
        assert sorted(await world.all_ids(SHOP, [one])) == [small, middle, large]


async def test_each_finds_what_only_the_other_can_go_on_with(world: World) -> None:
    one, other = sorted([await world.known(number) for number in (1, 2)])
    await world.persons.join(SHOP, one, other)
    await world.record(ANN, other, other)
    await world.record(ANN, BOB)
    assert await world.all_ids(SHOP, [one]) == [one, other, ANN, BOB]


async def test_the_ids_of_who_was_erased_are_found_as_before(world: World) -> None:
    one, other = sorted([await world.known(number) for number in (1, 2)])
    await world.persons.join(SHOP, one, other)
    await world.persons.forget(SHOP, [one, other], NOW)
    assert await world.all_ids(SHOP, [other]) == [other, one]
    again = await world.persons.resolve(SHOP, shopify_id=1, ordered=True)
    assert again is not None
    assert await world.all_ids(SHOP, [again.person]) == [again.person]
    assert await world.all_ids(OTHER, [one]) == [one]


async def test_whom_a_merchant_merged_is_one_until_that_is_taken_back(world: World) -> None:
    await world.record(ANN, BOB, BOB)
    kinds: list[type[PersonsMerged | PersonsUnmerged]]
    kinds = [PersonsMerged, PersonsUnmerged, PersonsMerged]
    for version, kind in enumerate(kinds, 1):
        event = kind(
            originator_id="merge/bob+cy",
            originator_version=version,
            timestamp=NOW,
            person=BOB,
            absorbed=CY,
        )
        new = NewEvent.decided(event)
        draft = Draft(SHOP, f"m{version}", "t", "t", [new], refs=["merge/bob+cy", BOB, CY])
        await world.store.append([draft])
        one = kind is PersonsMerged
        assert sorted(await world.all_ids(SHOP, [CY])) == ([ANN, BOB, CY] if one else [CY])
        assert sorted(await world.all_ids(SHOP, [ANN])) == ([ANN, BOB, CY] if one else [ANN, BOB])
