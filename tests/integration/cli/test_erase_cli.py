"""`cplus erase` on a real log, real keys and real buckets."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from cplus.aws import Aws
from cplus.bootstrap import Parts
from cplus.events.aggregates.shop import Shop
from cplus.events.base import ERASED, NewEvent
from cplus.events.catalogue.conversations import MessageReceived
from cplus.events.catalogue.operators import OperatorLooked
from cplus.events.catalogue.privacy import ErasureCompleted, ErasureRequested
from cplus.events.catalogue.shops import AppUninstalled
from cplus.events.log.commit import Draft
from cplus.events.names import shop_stream
from cplus.events.repository import decided
from cplus.privacy.erasing.reapplying import INSTALLED_SINCE, NO_LOG, Reapplied, reapply
from cplus.privacy.ledger import Erased
from cplus.projections.models.erasures import ERASURES
from cplus.projections.models.shops import SHOPS
from cplus.projections.running.runner import Runner
from cplus.settings import Settings
from tests.databases import emptied, of_a_file
from tests.integration.command_line import started
from tests.integration.intake import new_bucket
from tests.integration.privacy.sealing_world import ADA, OLD, SHOP, history, mail, words_in

ADDRESS = "lovelace@shopper.example"


@dataclass(frozen=True)
class Command:
    """The command, on the parts of a log."""

    parts: Parts
    environment: dict[str, str]

    async def run(self, person: str, *options: str) -> tuple[int | None, str, str]:
        return await self.erase("person", SHOP, person, "--operator", "jo", *options)

    async def erase(self, *arguments: str) -> tuple[int | None, str, str]:
        """`cplus erase …`: its status, and what it said."""
        process = await started("erase", *arguments, also=self.environment)
        out, err = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode, out.decode(), err.decode()

    async def erased(self, person: str) -> dict[str, Any]:
        status, out, err = await self.run(person, "--yes", "--json")
        assert (status, err) == (0, "")
        told: dict[str, Any] = json.loads(out)
        return told

    async def fold(self) -> None:
        """Brings the read models that the commands ask to the end of the log."""
        runner = Runner(self.parts.mongo, self.parts.store, self.parts.reader, [ERASURES, SHOPS])
        for one in (ERASURES, SHOPS):
            await runner.catch_up(one, SHOP)

    async def events(self, *kinds: Any) -> list[Any]:
        """What the log has of these kinds, read by a process that has just started."""
        fresh = Parts(self.parts.settings, mongo=self.parts.mongo)
        found = await fresh.reader.read(await fresh.store.read(SHOP, 0), kinds or None)
        return [one for events in found for one in events]


@pytest.fixture(scope="module")
async def place(mongo_uri: str) -> AsyncIterator[Settings]:
    """A database with its indexes, for all tests of the file; each begins with it emptied."""
    async with of_a_file(
        mongo_uri,
        application_secret=SecretStr("a secret that is only for tests"),
        shopify_client_id="client",
        shopify_client_secret=SecretStr("a secret of this app"),
    ) as made:
        yield made


@pytest.fixture
async def command(mongo_uri: str, place: Settings, aws: Aws) -> AsyncIterator[Command]:
    names = ("mail", "bodies", "roots")
    buckets: dict[str, Any] = {f"{name}_bucket": await new_bucket(aws, name) for name in names}
    parts = Parts(place.model_copy(update=buckets), aws=aws)
    for database in (parts.mongo.database, parts.mongo.keyring):
        await emptied(database)
    environment = {
        **os.environ,
        "CPLUS_MONGO_URI": mongo_uri,
        "CPLUS_MONGO_DATABASE": place.mongo_database,
        "CPLUS_MONGO_KEYRING_DATABASE": place.mongo_keyring_database,
        "CPLUS_APPLICATION_SECRET": "a secret that is only for tests",
        "CPLUS_SHOPIFY_CLIENT_ID": "client",
        "CPLUS_SHOPIFY_CLIENT_SECRET": "a secret of this app",
        **{f"CPLUS_{name.upper()}": bucket for name, bucket in buckets.items()},
    }
    yield Command(parts, environment)
    await parts.close()


async def test_a_person_is_erased_once_under_all_ids_and_who_asked_is_recorded(
    command: Command,
) -> None:
    bucket = {"mail": command.parts.settings.mail_bucket}
    bucket["bodies"] = command.parts.settings.bodies_bucket
    await command.parts.store.append(history(buckets=bucket))
    told = await command.erased(OLD)
    assert (set(told["persons"]), told["keys"], told["objects"]) == ({ADA, OLD}, 2, 5)
    events = await command.events()
    assert words_in(str(events)) == []
    [asked] = [one for one in events if isinstance(one.event, ErasureRequested)]
    [looked] = [one for one in events if isinstance(one.event, OperatorLooked)]
    assert (asked.actor, looked.actor, looked.event.about) == ("operator/jo", "operator/jo", OLD)
    assert asked.number > looked.number
    assert {**await command.erased(ADA), "persons": told["persons"]} == told
    assert len(await command.events(ErasureRequested, ErasureCompleted)) == 2


async def test_nobody_is_erased_without_confirmation_and_a_stranger_is_an_error(
    command: Command,
) -> None:
    await command.parts.store.append([mail(1)])
    status, out, err = await command.run(ADA)
    assert (status, out) == (1, "")
    assert err.startswith(f"{SHOP}: {ADA} with 1 conversation and 1 message\nThis cannot be undone")
    assert await command.events(ErasureRequested) == []
    for stranger in ("person/nobody", ADDRESS):
        status, out, err = await command.run(stranger, "--yes")
        assert (status, out, err) == (1, "", "Error: This shop has no such person.\n")


async def test_who_writes_again_is_somebody_new_of_whom_nothing_is_erased(
    command: Command,
) -> None:
    first = await command.parts.persons.resolve(SHOP, address=ADDRESS)
    assert first is not None
    own = command.parts.settings.mail_bucket
    await command.parts.store.append([mail(1, first.person, bucket=own)])
    told = await command.erased(ADDRESS)
    assert told["persons"] == [first.person]
    assert await command.parts.persons.find(SHOP, ADDRESS) == []
    again = await command.parts.persons.resolve(SHOP, address=ADDRESS)
    assert again is not None
    assert again.person != first.person
    await command.parts.store.append([mail(2, again.person, bucket=own)])
    assert await command.erased(first.person) == told
    texts = {one.event.person: one.event.text for one in await command.events(MessageReceived)}
    assert texts == {first.person: ERASED, again.person: "I like a lampshade"}


Backup = list[tuple[Any, list[dict[str, Any]]]]


async def backup(command: Command) -> Backup:
    """All that both databases hold."""
    mongo = command.parts.mongo
    return [
        (database[name], await database[name].find().to_list(None))
        for database in (mongo.database, mongo.keyring)
        for name in await database.list_collection_names()
    ]


async def restore(taken: Backup) -> None:
    for collection, rows in taken:
        await collection.delete_many({})
        if rows:
            await collection.insert_many(rows)


async def test_what_was_erased_is_erased_again_on_a_backup_from_before(command: Command) -> None:
    buckets = {"mail": command.parts.settings.mail_bucket}
    buckets["bodies"] = command.parts.settings.bodies_bucket
    await command.parts.store.append(history(buckets=buckets))
    taken = await backup(command)
    told = await command.erased(ADA)
    await restore(taken)
    await command.fold()  # rows of before, which nobody brings on while it runs
    assert words_in(str(await command.events()))  # the backup has the keys of before
    status, out, err = await command.erase("reapply", "--operator", "jo", "--json")
    assert (status, err) == (0, "")
    [again] = json.loads(out)["erasures"]
    assert (again["erasure"], set(again["persons"])) == (told["erasure"], {ADA, OLD})
    assert words_in(str(await command.events())) == []
    [asked] = [one for one in await command.events() if isinstance(one.event, ErasureRequested)]
    assert (asked.source, asked.actor) == ("ledger", "operator/jo")
    # On a database that lost nothing, it changes nothing.
    head = (await command.parts.store.head(SHOP)).position
    assert (await command.erase("reapply", "--operator", "jo"))[0] == 0
    assert (await command.parts.store.head(SHOP)).position == head


async def test_a_shop_is_erased_once_it_has_removed_the_app_and_again_on_a_backup(
    command: Command,
) -> None:
    store, at = command.parts.store, datetime(2026, 11, 1, tzinfo=UTC)
    shop = Shop.empty(shop_stream(SHOP))
    shop.install(scopes=(), shop_name="Acorn", now=at, void_at=None)
    installed = Draft(SHOP, "test/1", "test", "system", decided(shop), refs=[shop_stream(SHOP)])
    await store.append([installed, mail(1, bucket=command.parts.settings.mail_bucket)])
    await command.fold()
    told = f"Error: {SHOP} has the app installed: the merchant removes it first.\n"
    asked = ("shop", SHOP, "--operator", "jo", "--yes", "--json")
    assert await command.erase(*asked) == (1, "", told)
    removed = NewEvent(shop_stream(SHOP), AppUninstalled(), at + timedelta(days=1))
    await store.append([Draft(SHOP, "test/2", "test", "shopify", [removed])])
    await command.fold()
    taken = await backup(command)
    status, out, err = await command.erase(*asked)
    assert (status, err) == (0, "")
    assert words_in(str(await command.events())) == []
    await restore(taken)
    assert words_in(str(await command.events()))
    status, said, _ = await command.erase("reapply", "--operator", "jo", "--json")
    [again] = json.loads(said)["erasures"]
    assert again == {**json.loads(out), "persons": []}
    assert words_in(str(await command.events())) == []


async def test_a_shop_that_was_installed_after_it_was_erased_is_not_erased_again(
    command: Command,
) -> None:
    """The log of the backup knows nothing of the erasure."""
    parts, now = command.parts, datetime.now(UTC)
    shop = Shop.empty(shop_stream(SHOP))
    shop.install(scopes=(), shop_name="Acorn", now=now - timedelta(days=1), void_at=None)
    installed = Draft(SHOP, "test/1", "test", "system", decided(shop), refs=[shop_stream(SHOP)])
    await parts.store.append([installed, mail(1, bucket=parts.settings.mail_bucket)])
    entry = Erased(SHOP, "e1", (), now - timedelta(days=2), ((9, "ab" * 32),), 1, 1)
    use, shops = parts.erasing, parts.erasing_shops

    async def again(entry: Erased) -> list[Reapplied]:
        return [one async for one in reapply([entry], actor="system", use=use, shops=shops)]

    amid = replace(entry, at=now, erased_at=entry.at)  # installed while it was being erased
    for one in (entry, amid):
        assert await again(one) == [Reapplied(one, INSTALLED_SINCE)]
    assert words_in(str(await command.events()))
    later = replace(entry, at=now)  # the same shop, which was there when it was erased
    assert await again(later) == [Reapplied(later, None)]
    assert words_in(str(await command.events())) == []
    assert await again(entry) == [Reapplied(entry, None)]  # done, whatever was installed
    elsewhere = replace(entry, shop="birch.myshopify.com")
    assert await again(elsewhere) == [Reapplied(elsewhere, NO_LOG)]


async def test_a_forged_entry_erases_nobody(command: Command) -> None:
    parts = command.parts
    await parts.store.append([mail(1, bucket=parts.settings.mail_bucket)])
    key = f"erasures/2026-11-29/{SHOP}/e1.json"
    forged = {"shop": SHOP, "erasure": "e1", "persons": "", "at": "2026-11-29T12:00:00+00:00"}
    said = json.dumps({**forged, "commits": [], "keys": 0, "objects": 0}).encode()
    await parts.aws.put_object(parts.settings.roots_bucket, key, said)
    status, out, err = await command.erase("reapply", "--operator", "jo")
    told = f"REFUSED: {key} is no entry of the ledger\n0 erasures reapplied\n"
    assert (status, out, err) == (1, told, "")
    assert words_in(str(await command.events()))


async def test_the_certificate_of_an_erasure_is_printed_once_it_is_complete(
    command: Command,
) -> None:
    own = command.parts.settings.mail_bucket
    await command.parts.store.append([mail(1, bucket=own)])
    await command.fold()
    erasing = asyncio.create_task(command.erased(ADA))
    while not erasing.done():  # it waits for these rows
        await command.fold()
    told = await erasing
    status, out, err = await command.erase("certificate", SHOP, told["erasure"])
    assert (status, err) == (0, "")
    certificate = json.loads(out)
    assert (certificate["root"], len(certificate["commits"])) == (None, 1)
    assert json.loads(certificate["entry"])["persons"] == [ADA]
    status, out, err = await command.erase("certificate", SHOP, "another")
    assert (status, out) == (1, "")
