"""Drafts of staff: what is kept of them, for whom it opens, and when they are gone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from cplus.errors import InvalidInput, NotFound, RowBroken
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.base import NewEvent
from cplus.events.catalogue.customers import CustomerChanged
from cplus.events.log.commit import Draft as NewCommit
from cplus.events.log.row_sealing import RowField, open_in_row, seal_in_row
from cplus.events.log.sealing import Key
from cplus.events.names import conversation_stream
from cplus.mongo import Mongo
from cplus.settings import Settings
from cplus.workspace.drafts import KEPT, MAX_BYTES, MOST, UNDO, Conflict, Drafts, Over, Place, Saved
from tests.databases import emptied_for_a_test, of_a_file
from tests.integration.crashing import Died, dies_at
from tests.integration.privacy.sealing_world import ADA, BEA, NOW, SHOP, Process, answer, mail

REPLY, NOTE, NEW = Place("reply", "c1"), Place("note", "c1"), Place("new", "k3")
MARY, KEY = "mary", "k1"


@pytest.fixture(scope="module")
async def place(mongo_uri: str) -> AsyncIterator[Settings]:
    async with of_a_file(mongo_uri) as made:
        yield made


@dataclass
class World:
    """A shop, and who is known there by which address."""

    process: Process
    now: Any = NOW
    known: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.drafts = Drafts(
            self.process.mongo.database, self.process.store, self.process.keyring, self._find,
            lambda: self.now,
        )  # fmt: skip

    async def _find(self, _shop: str, address: str) -> list[str]:
        return self.known.get(address.strip(), [])

    async def save(
        self, text: str, version: int = 0, at: Place = REPLY, key: str = KEY,
        person: str | None = ADA, member: str = MARY, **more: str,
    ) -> Saved | Conflict | Over:  # fmt: skip
        """A member saves what they typed."""
        fields = {"text": text, **more}
        return await self.drafts.save(
            SHOP, member, at, key=key, version=version, person=person, fields=fields
        )

    async def text(self, at: Place = REPLY, member: str = MARY, shop: str = SHOP) -> str | None:
        """What they find again."""
        found = await self.drafts.of(shop, member, at)
        return found.fields["text"] if found else None

    async def rows(self) -> list[Mapping[str, Any]]:
        """What is stored."""
        return list(await self.process.mongo.database[Drafts.NAME].find({}).to_list(None))


@pytest.fixture
async def world(place: Settings) -> AsyncIterator[World]:
    async with emptied_for_a_test(place) as mongo:
        yield World(await _shop(mongo))


async def _shop(mongo: Mongo) -> Process:
    made = Process(mongo)
    known = CustomerChanged(shopify_customer_id=7, person=ADA, email="lovelace@shopper.example")
    new = [NewEvent("customer/7", known, NOW)]
    await made.store.append([NewCommit(SHOP, "w1", "webhook", "shopify", new, refs=[ADA]), mail(1)])
    return made


async def test_a_draft_is_found_again_by_who_wrote_it_and_nobody_else(world: World) -> None:
    assert await world.save("I like a lampshade", cc="bea@shopper.example") == Saved(1, NOW)
    world.now += timedelta(minutes=1)
    assert await world.save("Two lampshades", 1) == Saved(2, world.now)
    found = await world.drafts.of(SHOP, MARY, REPLY)
    assert found is not None
    assert (found.key, found.version, found.saved_at) == (KEY, 2, world.now)
    assert found.fields == {"text": "Two lampshades"}
    assert await world.text(member="john") is None
    assert await world.text(NOTE) is None
    assert await world.text(shop="birch.myshopify.com") is None
    assert "lampshade" not in str(await world.rows()).lower(), "at rest it is sealed"
    world.now += timedelta(minutes=1)
    await world.save("For the team", at=NOTE, key="k2")
    assert [one.place for one in await world.drafts.all(SHOP, MARY)] == [NOTE, REPLY]
    assert sorted(await world.drafts.places(SHOP, MARY)) == [NOTE, REPLY]
    assert await world.drafts.all(SHOP, "mar") == []
    world.now += KEPT
    assert await world.drafts.all(SHOP, MARY) == []


async def test_what_was_saved_elsewhere_is_never_overwritten_unseen(world: World) -> None:
    await world.save("One")
    await world.save("Two", 1)
    refused = await world.save("Mine", 1)
    assert isinstance(refused, Conflict)
    assert (refused.draft.fields, refused.draft.version) == ({"text": "Two"}, 2)
    assert isinstance(await world.save("Mine", 0), Conflict), "nor by a page that knew of none"
    assert await world.text() == "Two"
    assert await world.save("Two", 1) == Saved(2, NOW), "an answer that was lost is given again"
    assert await world.save("Mine", 2) == Saved(3, NOW), "seen, it gives way"


async def test_what_was_sent_is_a_draft_no_more_wherever_the_process_dies(world: World) -> None:
    await world.save("Here is the lampshade", key="1")
    stream = conversation_stream(REPLY.of)
    talk: Conversation = await world.process.recorder.load(Conversation, SHOP, stream)
    # The process dies between the two: nobody calls `sent`.
    await world.process.store.append([answer(1, talk)])
    assert await world.text() is None
    assert await world.rows() == [], "the row is removed by whoever looks"
    assert await world.save("Here is", key="1") == Over(sent=True), "a late save brings none back"
    assert await world.rows() == []
    await world.save("And another", key="2")
    await world.drafts.sent(SHOP, MARY, REPLY, "1")
    assert await world.text() == "And another", "what was begun since stays"


async def test_a_discarded_draft_comes_back_unless_another_was_begun(world: World) -> None:
    await world.save("One")
    assert await world.drafts.discard(SHOP, MARY, REPLY)
    assert not await world.drafts.discard(SHOP, MARY, REPLY)
    assert (await world.text(), await world.drafts.places(SHOP, MARY)) == (None, [])
    assert await world.save("One, and more", 1) == Over(sent=False), "a late save brings none back"
    assert await world.drafts.restore(SHOP, MARY, REPLY)
    assert await world.text() == "One"
    await world.drafts.discard(SHOP, MARY, REPLY)
    assert isinstance(await world.save("Anew"), Saved)
    assert not await world.drafts.restore(SHOP, MARY, REPLY)
    assert await world.text() == "Anew"
    await world.drafts.discard(SHOP, MARY, REPLY)
    world.now += UNDO
    assert not await world.drafts.restore(SHOP, MARY, REPLY)


async def test_drafts_are_few_and_short(world: World) -> None:
    with pytest.raises(InvalidInput):
        await world.save("x" * (MAX_BYTES + 1))
    for number in range(MOST):
        assert isinstance(await world.save("x", at=Place("new", f"k{number}"), person=None), Saved)
    with pytest.raises(InvalidInput):
        await world.save("x", at=Place("new", "more"))
    assert isinstance(await world.save("y", at=Place("new", "k3"), version=1), Saved)
    assert isinstance(await world.save("z", at=Place("new", "k3")), Conflict)
    assert isinstance(await world.save("x", member="john"), Saved), "others have as many"
    await world.drafts.discard(SHOP, MARY, Place("new", "k4"))
    assert isinstance(await world.save("x", at=Place("new", "more")), Saved)


@pytest.mark.parametrize("step", ["forget_drafts", "condemn", "destroy", "delete_objects", None])
async def test_an_erased_person_leaves_no_draft_that_opens(world: World, step: str | None) -> None:
    """`step`: one is saved there, by a process that knows nothing of the erasure."""
    of_bea = Place("reply", "c9")
    await world.save("Dear Lovelace")
    await world.save("Lovelace was here", at=NOTE)
    await world.save("Dear Bea", at=of_bea, person=BEA)
    new = {"at": NEW, "person": None}
    copied = "cleo@shopper.example Ada L. <lovelace@shopper.example>"
    await world.save("Dear Lovelace", to="x@shopper.example", cc=copied, **new)  # type: ignore[arg-type]
    other = Place("new", "k4")
    await world.save("Dear Cleo", at=other, person=None, to="cleo@shopper.example")
    # She wrote in since: whom the address is of is known by now, and the draft still says nobody.
    world.known["lovelace@shopper.example"] = [ADA]
    if step:
        late = World(Process(world.process.mongo))
        await late.process.keyring.to_seal(SHOP, [ADA], 0)  # it has her key

        async def saves() -> None:
            await late.save("Dear Lovelace, late", member="john")

        await world.process.ask()
        await _erased_amid(world, step, saves)
    else:
        await world.process.ask()
        await world.process.complete(elsewhere=None, drafts=world.drafts)
    seen = World(Process(world.process.mongo))
    assert await seen.text(of_bea) == "Dear Bea"
    assert await seen.text(other) == "Dear Cleo"
    for at, member in ((REPLY, MARY), (REPLY, "john"), (NOTE, MARY), (NEW, MARY)):
        assert await seen.text(at, member) is None
    assert len(await seen.rows()) == 2
    with pytest.raises(NotFound):
        await seen.save("Dear Lovelace")


async def _erased_amid(world: World, step: str, saves: Any) -> None:
    """Erases Ada, and somebody saves a draft just before that step."""
    with pytest.raises(Died):
        await world.process.complete(at_step=dies_at(step, 1), drafts=world.drafts)
    try:
        await saves()
    except NotFound:
        assert step != "forget_drafts", "nothing was begun yet"
    await world.process.complete(drafts=world.drafts)


async def test_a_draft_to_whom_nobody_knows_opens_for_a_month(world: World) -> None:
    await world.save("Dear Cleo", at=NEW, person=None, to="cleo@shopper.example")
    await world.drafts.forget_about(SHOP, [BEA], [])
    assert await world.text(NEW) == "Dear Cleo"
    [row] = await world.rows()
    [key] = await world.process.keyring.rows.find({"_id": row["by"]}).to_list(None)
    assert key["expires_at"] >= NOW + KEPT


async def test_a_sealed_value_opens_in_its_own_place_alone(world: World) -> None:
    key, other = Key("k", bytes(32)), Key("k2", bytes(31) + b"1")
    at = RowField("drafts", "a/b/c", "words")
    sealed = seal_in_row(key, at, {"text": "x"})
    assert sealed is not None
    assert open_in_row(key, at, sealed) == {"text": "x"}
    assert seal_in_row(Key("k", None), at, {}) is None
    assert open_in_row(Key("k", None), at, sealed) is None
    for where in (at._replace(row="a/b/d"), at._replace(name="x"), at._replace(collection="y")):
        with pytest.raises(RowBroken):
            open_in_row(key, where, sealed)
    with pytest.raises(RowBroken):
        open_in_row(other, at, sealed)
    await world.save("Dear Lovelace")
    await world.save("Dear Bea", at=Place("reply", "c9"), person=BEA)
    [first, second] = await world.rows()
    rows = world.process.mongo.database[Drafts.NAME]
    moved = {"words": first["words"], "by": first["by"]}
    await rows.update_one({"_id": second["_id"]}, {"$set": moved})
    assert await world.text(Place("reply", "c9")) is None, "moved to another row it is nothing"
