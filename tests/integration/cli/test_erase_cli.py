"""`cplus erase person` on a real log, real keys and real buckets."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import SecretStr

from cplus.aws import Aws
from cplus.bootstrap import Parts, ensure_indexes
from cplus.events.base import ERASED
from cplus.events.catalogue.conversations import MessageReceived
from cplus.events.catalogue.operators import OperatorLooked
from cplus.events.catalogue.privacy import ErasureCompleted, ErasureRequested
from cplus.settings import Settings
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
        process = await started(
            "erase", "person", SHOP, person, "--operator", "jo", *options, also=self.environment
        )
        out, err = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode, out.decode(), err.decode()

    async def erased(self, person: str) -> dict[str, Any]:
        status, out, err = await self.run(person, "--yes", "--json")
        assert (status, err) == (0, "")
        told: dict[str, Any] = json.loads(out)
        return told

    async def events(self, *kinds: Any) -> list[Any]:
        """What the log has of these kinds, read by a process that has just started."""
        fresh = Parts(self.parts.settings, mongo=self.parts.mongo)
        found = await fresh.reader.read(await fresh.store.read(SHOP, 0), kinds or None)
        return [one for events in found for one in events]


@pytest.fixture
async def command(mongo_uri: str, database_name: str, aws: Aws) -> AsyncIterator[Command]:
    names = ("mail", "bodies", "roots")
    buckets: dict[str, Any] = {f"{name}_bucket": await new_bucket(aws, name) for name in names}
    settings = Settings(
        mongo_uri=SecretStr(mongo_uri),
        mongo_database=database_name,
        mongo_keyring_database=f"{database_name}_keyring",
        application_secret=SecretStr("a secret that is only for tests"),
        **buckets,
    )
    await ensure_indexes(settings)
    parts = Parts(settings, aws=aws)
    environment = {
        **os.environ,
        "CPLUS_MONGO_URI": mongo_uri,
        "CPLUS_MONGO_DATABASE": database_name,
        "CPLUS_MONGO_KEYRING_DATABASE": f"{database_name}_keyring",
        "CPLUS_APPLICATION_SECRET": "a secret that is only for tests",
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
