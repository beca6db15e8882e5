"""Erasing a shop that removed the app: nothing is left, and who installs it again begins anew."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from cplus.events.aggregates.shop import Shop
from cplus.events.base import NewEvent
from cplus.events.catalogue.customers import CustomerChanged
from cplus.events.catalogue.privacy import ShopErased, ShopErasureRequested
from cplus.events.log.commit import Draft
from cplus.events.log.store import EventStore
from cplus.events.names import INSTALLED_REF, SHOP_ERASED_REF, erasure_stream, shop_stream
from cplus.events.repository import decided
from cplus.mongo import Mongo
from cplus.privacy.erasing.shops import STEPS, ErasingShops, Place, asked_for_shop, erase_shop
from cplus.privacy.keyring import KEYS, LOCAL, Keyring, LocalMaster
from cplus.privacy.persons import PERSONS, PersonDirectory
from cplus.settings import Settings
from tests.databases import emptied_for_a_test, of_a_file
from tests.integration.crashing import Died, dies_at
from tests.integration.privacy.sealing_world import (
    ADA,
    BEA,
    NOW,
    SHOP,
    Elsewhere,
    Process,
    fact,
    history,
    mail,
)

OTHER = "birch.myshopify.com"
MASTERS = {LOCAL: LocalMaster("a secret that is only for tests")}
BEFORE, LATER = NOW - timedelta(days=3), NOW + timedelta(hours=1)


@pytest.fixture(scope="module")
async def place(mongo_uri: str) -> AsyncIterator[Settings]:
    """A database for all tests of the file."""
    async with of_a_file(mongo_uri) as made:
        yield made


@pytest.fixture
async def mongo(place: Settings) -> AsyncIterator[Mongo]:
    async with emptied_for_a_test(place) as made:
        yield made


@dataclass
class World:
    """A shop with something of every kind in its log, and another one; and what erases it."""

    process: Process
    persons: PersonDirectory
    elsewhere: Elsewhere = field(default_factory=Elsewhere)
    tokens: datetime | None = None
    """When the access tokens were stored that there are."""
    ended: list[tuple[str, datetime]] = field(default_factory=list)
    noted: tuple[int, int] = (0, 0)
    now: datetime = NOW

    async def erase(self, erasure: str = "e1", at_step: Any = lambda _step: None) -> bool:
        """Carries the erasure out, as a process that has just started."""
        process = Process(self.process.mongo)
        asked = await asked_for_shop(process.recorder, SHOP, erasure)
        assert asked is not None
        use = ErasingShops(
            recorder=process.recorder,
            keyring=process.keyring,
            directory=self.persons,
            objects=self.elsewhere,
            ledger=self.elsewhere,
            saved_at=self._saved_at,
            forget_tokens=self._forget_tokens,
            end_sessions=self._end_sessions,
            clock=lambda: self.now,
            at_step=at_step,
        )
        return await erase_shop(SHOP, erasure, asked, use=use, place=Place(*self.noted, self._note))

    async def _saved_at(self, _shop: str) -> datetime | None:
        return self.tokens

    async def _forget_tokens(self, _shop: str, until: datetime) -> None:
        self.tokens = None if self.tokens and self.tokens <= until else self.tokens

    async def _end_sessions(self, shop: str, until: datetime) -> None:
        self.ended.append((shop, until))

    async def _note(self, after: int, deleted: int) -> None:
        self.noted = after, deleted

    async def ask(self, erasure: str = "e1") -> None:
        """Shopify asks for it."""
        event = ShopErasureRequested(erasure=erasure, due_at=NOW)
        stream = erasure_stream(erasure)
        new = NewEvent(stream, event, NOW)
        draft = Draft(SHOP, f"webhook/{erasure}", "webhook", "shopify", [new], refs=[stream])
        await self.process.store.append([draft])

    async def install(self, at: datetime) -> list[str]:
        """The merchant installs the app; answers what was decided."""
        stream = shop_stream(SHOP)
        shop: Shop = await self.process.recorder.load(Shop, SHOP, stream)
        shop.install(scopes=["x"], shop_name="Acorn", void_at=BEFORE, now=at)
        events = decided(shop)
        claim = f"install/{at.isoformat()}"
        refs = [stream, INSTALLED_REF]
        await self.process.store.append([Draft(SHOP, claim, "install", "m", events, refs=refs)])
        return [new.event.TYPE for new in events]

    async def known(self) -> list[str]:
        """The shops of those whom the directory knows."""
        rows = await self.process.mongo.keyring[PERSONS].find({}).to_list(None)
        return sorted(row["shop"] for row in rows)

    async def living(self, shop: str = SHOP) -> int:
        """Keys of the shop that are not destroyed, nor condemned."""
        keys = self.process.mongo.keyring[KEYS]
        owner = {"$gte": f"{shop}/", "$lt": f"{shop}0"}
        none = {"$exists": False}
        alive = {"owner": owner, "key": {"$exists": True}, "condemned_at": none}
        alive["condemned_by.0"] = none
        return int(await keys.count_documents(alive))

    async def erasures(self) -> int:
        """How often the log says that the shop was erased."""
        return len(await self.process.store.by_ref(SHOP, SHOP_ERASED_REF))


@pytest.fixture
async def world(mongo: Mongo) -> World:
    process = Process(mongo)
    persons = PersonDirectory(mongo.keyring, "a secret", lambda: BEFORE)
    made = World(process, persons)
    await made.install(BEFORE)
    await process.store.append([*history(), mail(3, BEA, shop=OTHER)])
    for shop in (SHOP, OTHER):
        await persons.resolve(shop, shopify_id=7, address="lovelace@shopper.example", at=BEFORE)
        await process.fold(shop=shop)
    return made


async def erased(world: World) -> None:
    """Nothing of the shop is left, and everything of the other one."""
    process = Process(world.process.mongo)
    await process.fold()
    assert await process.words() == []
    assert await process.differences() == []
    assert set(await world.known()) == {OTHER}
    assert await world.living() == 0
    rows = await world.process.mongo.database["conversations.v1"].distinct("shop")
    assert SHOP not in rows
    assert "I like a table" in str(await process.reader.read(await process.store.read(OTHER, 0)))
    assert await world.living(OTHER) == 1


async def test_a_shop_is_erased_and_no_other(world: World) -> None:
    world.tokens = BEFORE
    await world.ask()
    assert await world.erase() is True
    await erased(world)
    left: datetime | None = world.tokens
    assert (left is None, world.ended) == (True, [(SHOP, NOW)])
    assert {key for _, key in world.elsewhere.deleted} == {
        *("raw1", "raw2", "raw3", "raw4", "raw5", "b3")
    }
    [entry] = world.elsewhere.entries
    [commit] = await world.process.store.by_ref(SHOP, SHOP_ERASED_REF)
    assert commit.types == [ShopErased.TYPE]
    assert (entry.persons, entry.objects, entry.commits[0][0]) == ((), 6, commit.position)
    assert entry.keys >= 3
    # Once more, by a message that comes again: nothing changes.
    assert await world.erase() is True
    await erased(world)
    assert (await world.erasures(), world.elsewhere.entries[-1]) == (1, entry)


@pytest.mark.parametrize("step", STEPS)
async def test_to_die_at_any_step_is_completed_by_the_next_call(world: World, step: str) -> None:
    await world.ask()
    for time_of_death in itertools.count(1):
        try:
            await world.erase(at_step=dies_at(step, time_of_death))
        except Died:
            continue
        break
    assert await world.erase() is True
    await erased(world)
    assert await world.erasures() == 1


@pytest.mark.parametrize("by", ["tokens", "log"])
async def test_a_shop_that_installed_the_app_again_is_not_erased(world: World, by: str) -> None:
    await world.ask()
    if by == "tokens":
        world.tokens = LATER
    else:
        await world.install(LATER)
    before = await world.living()
    assert await world.erase() is False
    assert await world.erase() is False, "a message that comes again"
    assert (await world.living(), await world.erasures(), world.ended) == (before, 0, [])
    assert set(await world.known()) == {SHOP, OTHER}
    reasons = [one.reason for one in await world.process.store.read(SHOP, 0) if one.reason]
    assert reasons == ["the app was installed again since the erasure was asked for"]


async def test_who_installs_the_app_in_the_last_moment_keeps_everything(world: World) -> None:
    """Between the look at it and the append: then the keys were condemned already."""
    await world.ask()
    process = world.process
    before = await world.living()

    class Late(World):
        async def _saved_at(self, _shop: str) -> datetime | None:
            await self.install(LATER)
            return None

    late = Late(process, world.persons)
    assert await late.erase() is False
    assert (await world.living(), await world.erasures()) == (before, 0)


@pytest.mark.parametrize("step", ["destroy", "forget", "end_sessions"])
async def test_a_shop_that_installs_the_app_while_it_is_erased_begins_anew(
    world: World, step: str
) -> None:
    before = await world.persons.resolve(SHOP, shopify_id=7)
    await world.ask()
    with pytest.raises(Died):
        await world.erase(at_step=dies_at(step, 1))
    assert await world.install(LATER) == ["app.installed"]
    later = PersonDirectory(world.process.mongo.keyring, "a secret", lambda: LATER)
    new = await later.resolve(SHOP, shopify_id=9, address="cleo@shopper.example", at=LATER)
    assert new is not None
    if step != "forget":  # whom the shop had before is somebody new too
        again = await later.resolve(SHOP, shopify_id=7)
        assert again is not None
        assert before is not None
        assert again.person != before.person
    keyring = Keyring(world.process.mongo.keyring, MASTERS, lambda: LATER)
    store = EventStore(world.process.mongo, lambda: LATER, keys=keyring)
    told = CustomerChanged(shopify_customer_id=9, person=new.person, email="cleo@shopper.example")
    await store.append([fact(99, "customer/9", told)])
    world.tokens = LATER
    assert await world.erase() is True
    after = Process(world.process.mongo)
    await after.fold()
    assert await after.words() == []
    assert await after.differences() == []
    assert (await after.emails())[-1] == "cleo@shopper.example"
    assert world.tokens == LATER
    again = await later.resolve(SHOP, shopify_id=9)
    assert again is not None
    assert (again.person, again.person == ADA) == (new.person, False)


@pytest.mark.parametrize("step", ["note_persons", "append_erased"])
async def test_an_erasure_that_is_taken_back_after_a_crash_loses_nothing(
    world: World, step: str
) -> None:
    """Also not what comes in before the next run takes it back, or after, in a warm process."""
    await world.ask()
    with pytest.raises(Died):
        await world.erase(at_step=dies_at(step, 1))
    await world.install(LATER)
    warm = Process(world.process.mongo)
    for number in (98, 99):
        told = CustomerChanged(shopify_customer_id=7, person=ADA, email=f"{number}@shopper.example")
        await warm.store.append([fact(number, "customer/7", told)])
        assert await world.erase() is False
    emails = await Process(world.process.mongo).emails()
    assert emails[-2:] == ["98@shopper.example", "99@shopper.example"]
    assert None not in emails


async def test_the_ledger_says_when_it_was_written_and_what_the_log_named(world: World) -> None:
    """Though the first call was cut off between deleting objects and noting that."""
    await world.ask()

    class CutOff(World):
        async def _note(self, _after: int, _deleted: int) -> None:
            raise Died

    with pytest.raises(Died):
        await CutOff(world.process, world.persons, world.elsewhere).erase()
    assert len(world.elsewhere.deleted) == 6
    world.now = NOW + timedelta(days=3)
    assert await world.erase() is True
    [entry] = world.elsewhere.entries
    assert (entry.objects, entry.at, entry.erased_at) == (6, world.now, NOW)
