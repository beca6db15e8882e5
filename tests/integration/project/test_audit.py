"""The page on how to audit is true: its commands answer as it says, and each look is recorded."""

from __future__ import annotations

import asyncio
import json
import os
import re
from itertools import chain

import pytest
from pydantic import SecretStr

from cplus.events.catalogue.operators import OperatorLooked
from cplus.events.names import LOOKED_REF, conversation_stream
from cplus.mongo import Mongo
from cplus.privacy.persons import PersonDirectory
from cplus.settings import Settings
from tests.conftest import ROOT
from tests.integration.audit_world import ADDRESS, ANN, OTHER, SHOP, TALK, WORDS, AuditWorld
from tests.integration.command_line import started

PAGE = (ROOT / "docs" / "how-to" / "audit.md").read_text("utf-8")
SECRET = "an application secret of this test"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.fixture
def settings(mongo_uri: str, own: str) -> Settings:
    return Settings(
        mongo_uri=SecretStr(mongo_uri),
        mongo_database=own,
        mongo_keyring_database=f"{own}_keyring",
    )


@pytest.fixture
async def world(mongo: Mongo) -> AuditWorld:
    return await AuditWorld(mongo).fill()


class Commands:
    """The command line on the world's database."""

    def __init__(self, mongo: Mongo, uri: str) -> None:
        named = {"CPLUS_MONGO_URI": uri, "CPLUS_MONGO_DATABASE": mongo.database.name}
        named["CPLUS_MONGO_KEYRING_DATABASE"] = mongo.keyring.name
        named["CPLUS_APPLICATION_SECRET"] = SECRET
        self._also = {**os.environ, **named}

    async def run(self, line: str, status: int = 0) -> str:
        """What the command prints, as an error if its status is another than 0."""
        process = await started(*line.split()[1:], also=self._also)
        out, err = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == status, f"{line}\n{err.decode()}"
        assert status == 0 or not out, "nothing is shown"
        return (err if status else out).decode()


async def test_the_commands_of_the_page_answer_as_it_says(
    world: AuditWorld, mongo: Mongo, mongo_uri: str
) -> None:
    commands = Commands(mongo, mongo_uri)
    lines = [text.splitlines() for kind, text in BLOCK.findall(PAGE) if kind == "sh"]
    said = {line: await commands.run(line) for line in chain.from_iterable(lines)}
    by_name = {name: [out for line, out in said.items() if f" {name} " in line] for name in (
        "between", "show", "trace", "conversation", "person", "export", "verify", "audit at",
    )}  # fmt: skip
    [all_of_it, some] = by_name["between"]
    assert len(all_of_it.splitlines()) == 8
    assert OTHER in all_of_it
    assert len(some.splitlines()) == 2
    for name in ("ada", WORDS, ANN):
        assert name not in all_of_it, "it names nobody"
    assert '"We do."' in by_name["show"][0]
    [tree] = [text for kind, text in BLOCK.findall(PAGE) if not kind and "  <-" in text]
    assert by_name["trace"][0] == tree
    assert by_name["trace"][1] == tree.replace("  <-", "").replace(
        "reply_written", "reply_written  <-"
    )
    talk = by_name["conversation"][0].splitlines()
    assert talk[-1].endswith("shopper started the conversation by email")
    assert any(line.endswith("merchant/ada closed the conversation") for line in talk)
    assert WORDS not in "".join(talk)
    person = [json.loads(line) for line in by_name["person"][0].splitlines()]
    assert [one["position"] for one in person][:6] == [2, 3, 4, 5, 6, 7]
    assert WORDS in json.dumps(person)
    whole, span = ([json.loads(line) for line in out.splitlines()] for out in by_name["export"])
    assert [one["position"] for one in whole[:7]] == [1, 2, 3, 4, 5, 6, 7]
    assert [one["position"] for one in span] == [3, 4]
    assert "intact" in by_name["verify"][0]
    row, changed, events = by_name["audit at"]
    assert "open: true" in row
    assert changed.splitlines() == [
        'closed_at: null -> "2026-11-23T12:05:00+00:00"',
        "open: true -> false",
        "version: 3 -> 4",
    ]
    assert re.findall(r"^\d.*: (.*)$", events, re.MULTILINE) == [
        "conversation.reply_written",
        "conversation.closed",
    ]
    await _each_look_is_recorded(world)


async def _each_look_is_recorded(world: AuditWorld) -> None:
    commits = [one async for one in world.store.iterate_ref(SHOP, LOOKED_REF)]
    looks = [one for events in await world.reader.read(commits, [OperatorLooked]) for one in events]
    of_talk = [conversation_stream(TALK) in one.refs for one in commits]
    assert of_talk == [*8 * [True], False, False], "History names who looked, but for an export"
    assert {(one.actor, one.source) for one in looks} == {("operator/jo", "cli")}
    asked = [(one.event.question, one.event.about) for one in looks]  # type: ignore[attr-defined]
    assert asked == [
        ("log show", "position/3"),
        ("log trace", "position/5"),
        ("log trace", "position/3"),
        ("log conversation", f"conversation/{TALK}"),
        *3 * [("audit at", f"conversation/{TALK}")],
        ("log person", ANN),
        ("log export", "recorded//"),
        ("log export", "recorded/2026-11-23T12:02:00+00:00/2026-11-23T12:04:00+00:00"),
    ]


async def test_what_is_not_there_is_said_in_a_line_and_is_no_look(
    world: AuditWorld, mongo: Mongo, mongo_uri: str
) -> None:
    commands = Commands(mongo, mongo_uri)
    for line, words in {
        "show nowhere.myshopify.com 1 --operator jo": "holds no commits of nowhere",
        f"trace none --shop {SHOP} --operator jo": "has the id, claim or message 'none'",
        f"person {OTHER} {ANN} --operator jo": "no such person",
        f"at 7 {SHOP} --row conversations none --operator jo": "no such row by then",
    }.items():
        group = "audit" if line.startswith("at ") else "log"
        told = await commands.run(f"cplus {group} {line}", status=1)
        assert words in told
        assert len(told.strip().splitlines()) == 1
    told = await commands.run(f"cplus log person {SHOP} nobody@example.com", status=2)
    assert "--operator NAME" in told
    told = await commands.run("cplus log between 2026-11-23 noon", status=2)
    assert "'noon' is not a time such as" in told
    assert await world.store.heads() == {SHOP: 7, OTHER: 1}


async def test_a_person_is_found_by_an_address_that_no_record_of_the_look_holds(
    world: AuditWorld, mongo: Mongo, mongo_uri: str
) -> None:
    directory = PersonDirectory(mongo.keyring, SECRET, new_id=lambda: ANN.partition("/")[2])
    await directory.resolve(SHOP, address=ADDRESS)
    said = await Commands(mongo, mongo_uri).run(f"cplus log person {SHOP} {ADDRESS} --operator jo")
    assert [json.loads(line)["position"] for line in said.splitlines()][:6] == [2, 3, 4, 5, 6, 7]
    [look] = await world.store.by_ref(SHOP, LOOKED_REF)
    assert ANN in look.refs
    assert ADDRESS not in str(look)
