"""Certificates of erasures, checked by the script that needs nothing of this system."""

from __future__ import annotations

import base64
import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import bson
import pytest

from cplus.events.audit.roots import anchor_day
from cplus.events.base import NewEvent
from cplus.events.catalogue.privacy import ErasureCompleted, PersonErased, ShopErased
from cplus.events.log.commit import Draft
from cplus.events.log.memory import MemoryCommits
from cplus.events.log.outcomes import Appended
from cplus.events.log.store import EventStore
from cplus.events.names import erasure_claim, erasure_stream
from cplus.privacy.certificates import Certificates
from cplus.privacy.ledger import Erased, Ledger
from tests.conftest import ROOT
from tests.unit.bucket import Bucket

SHOP, ADA, BEA = "acorn.myshopify.com", "person/ada", "person/bea"
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
SCRIPT = ROOT / "docs" / "check_certificate.py"


class World:
    """A log with one erasure, its ledger and its roots."""

    def __init__(self) -> None:
        self.bucket, self.log = Bucket(), MemoryCommits()
        self.store = EventStore(self.log)
        self.ledger = Ledger(self.bucket, "roots")
        self.certificates = Certificates(self.ledger, self.log, self.bucket, "roots")

    async def erase(self, erasure: str = "e1", *persons: str) -> Erased:
        commits = []
        for person in persons or (ADA,):
            event = PersonErased(erasure=erasure, person=person, messages=("m1",))
            draft = Draft(
                SHOP,
                f"erasure/{erasure}/{person}",
                "erasure",
                "system",
                [NewEvent(person, event, NOW)],
                refs=[erasure_stream(erasure)],
            )
            [outcome] = await self.store.append([draft])
            assert isinstance(outcome, Appended)
            head = await self.store.head(SHOP)
            commits.append((outcome.position, head.hash.hex()))
        entry = Erased(SHOP, erasure, persons or (ADA,), NOW, tuple(commits), keys=1, objects=3)
        await self.ledger.write(entry)
        return entry

    async def complete(self, erasure: str = "e1") -> None:
        stream = erasure_stream(erasure)
        end = ErasureCompleted(erasure=erasure, person=ADA, keys=1, objects=3)
        claim, news = erasure_claim(erasure, "completed"), [NewEvent(stream, end, NOW)]
        await self.store.append([Draft(SHOP, claim, "erasure", "system", news, refs=[stream])])

    async def certificate(self, erasure: str = "e1") -> dict[str, Any]:
        await self.complete(erasure)
        found = await self.certificates.of(SHOP, erasure)
        assert found is not None
        told: dict[str, Any] = json.loads(found.to_json())
        return told


@pytest.fixture
async def world() -> World:
    made = World()
    await made.store.append([Draft(SHOP, "first", "webhook", "shopify", reason="none")])
    return made


def checked(tmp_path: Path, certificate: dict[str, Any], *root: str) -> tuple[int, str]:
    """What the script says, run as its reader would: without the packages of this system."""
    path = tmp_path / "certificate.json"
    path.write_text(json.dumps(certificate))
    command = [sys.executable, "-I", "-S", str(SCRIPT), str(path), *root]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.stderr
    return done.returncode, done.stdout


async def test_a_certificate_is_proved_by_the_root_of_its_day(world: World, tmp_path: Path) -> None:
    await world.erase("e0")
    await world.erase("e1", ADA, BEA)
    assert (await world.certificate())["root"] is None
    waiting = checked(tmp_path, await world.certificate())
    assert waiting == (1, "WRONG: its day has no root yet: ask for it again tomorrow\n")
    root = await anchor_day(world.log, world.bucket, "roots", date(2026, 11, 30))
    certificate = await world.certificate()
    status, said = checked(tmp_path, certificate, root.value.hex())
    assert (status, "person/ada" in said, root.value.hex() in said) == (0, True, True)
    status, said = checked(tmp_path, certificate, "00" * 32)
    assert (status, "another one than the root that you have" in said) == (1, True)


async def test_an_erasure_of_after_the_root_of_its_day_is_proved_by_the_next(world: World) -> None:
    await anchor_day(world.log, world.bucket, "roots", date(2026, 11, 30))
    await world.erase()
    assert (await world.certificate())["root"] is None
    await anchor_day(world.log, world.bucket, "roots", date(2026, 12, 1))
    assert (await world.certificate())["root"]["day"] == "2026-12-01"


def _entry(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    def changed(certificate: dict[str, Any]) -> None:
        entry = json.loads(certificate["entry"])
        change(entry)
        certificate["entry"] = json.dumps(entry, indent=1)

    return changed


def _commit(old: bytes, new: bytes) -> Callable[[dict[str, Any]], None]:
    def changed(certificate: dict[str, Any]) -> None:
        raw = base64.b64decode(certificate["commits"][0])
        certificate["commits"] = [base64.b64encode(raw.replace(old, new)).decode()]

    return changed


@pytest.mark.parametrize(
    ("forge", "wrong"),
    [
        (_entry(lambda entry: entry.update(keys=9)), "does not lead to the root"),
        (_entry(lambda entry: entry.update(persons=["person/eve"])), "do not say that person/eve"),
        (_entry(lambda entry: entry.update(persons=[ADA, BEA])), "do not say that person/ada"),
        (_entry(lambda entry: entry.update(persons=["person/ad"])), "do not say that person/ad"),
        (_entry(lambda entry: entry.update(persons=[])), "do not say that"),
        (_entry(lambda entry: entry.update(erasure="e")), "do not say that person/ada"),
        (_entry(lambda entry: entry.update(kind="shop")), "do not say that acorn"),
        (_entry(lambda entry: entry.update(shop="birch.myshopify.com")), "is of another shop"),
        (_entry(lambda entry: entry["commits"][0].update(position=1)), "of another position"),
        (_entry(lambda entry: entry.update(commits=[])), "does not have the commits"),
        (lambda one: one.update(commits=[]), "does not have the commits"),
        (lambda one: one.update(key="erasures/2026-11-29/x.json"), "does not lead to the root"),
        (lambda one: one["root"]["path"].pop(), "does not lead to the root"),
        (_commit(b"shop", b"shoq"), "does not have the hash of what it holds"),
        (_commit(b"hash", b"hush"), "does not have the hash of what it holds"),
    ],
)
async def test_a_forged_certificate_is_found_out(
    world: World, tmp_path: Path, forge: Callable[[dict[str, Any]], None], wrong: str
) -> None:
    await world.erase()
    await anchor_day(world.log, world.bucket, "roots", date(2026, 11, 30))
    certificate = await world.certificate()
    assert checked(tmp_path, certificate)[0] == 0
    forge(certificate)
    status, said = checked(tmp_path, certificate)
    assert (status, wrong in said) == (1, True), said


def test_documents_are_read_as_the_database_writes_them() -> None:
    """And what is none, cut anywhere, is an error of that kind."""
    read = runpy.run_path(str(SCRIPT))["read"]
    told = {"a": "Ö", "n": 7, "big": 2**40, "list": [{"x": -1}, None, True, 1.5], "at": NOW}
    raw = bson.encode({**told, "bytes": b"hash", "id": bson.ObjectId()})
    found = read(raw)
    assert (found["a"], found["n"], found["big"], found["bytes"][5:]) == ("Ö", 7, 2**40, b"hash")
    assert found["list"]["0"] == {"x": -1}
    for end in range(len(raw)):
        with pytest.raises(ValueError, match="is no commit"):
            read(raw[:end])
    twice = bson.encode({"shop": "a"})[4:-1] * 2
    with pytest.raises(ValueError, match="is no commit"):
        read((len(twice) + 5).to_bytes(4, "little") + twice + b"\0")


async def test_a_commit_of_another_erasure_proves_nothing(world: World, tmp_path: Path) -> None:
    await world.erase("e0", BEA)
    other = await world.certificate("e0")
    await world.erase("e1", ADA)
    await anchor_day(world.log, world.bucket, "roots", date(2026, 11, 30))
    certificate = {**await world.certificate(), "commits": other["commits"]}
    status, said = checked(tmp_path, certificate)
    assert (status, "another commit" in said) == (1, True)


async def test_an_erasure_with_several_entries_has_the_certificate_of_the_whole(
    world: World, tmp_path: Path
) -> None:
    first = await world.erase()
    more = await world.erase("e1", BEA)
    del world.bucket.objects[more.key]
    whole = replace(first, persons=(ADA, BEA), commits=(*first.commits, *more.commits))
    await world.ledger.write(whole)
    await anchor_day(world.log, world.bucket, "roots", date(2026, 11, 30))
    certificate = await world.certificate()
    assert (certificate["key"], len(certificate["commits"])) == (whole.key, 2)
    assert checked(tmp_path, certificate)[0] == 0


async def test_the_erasure_of_a_shop_has_a_certificate(world: World, tmp_path: Path) -> None:
    event = ShopErased(
        originator_id=f"shop/{SHOP}", originator_version=1, timestamp=NOW, erasure="e1"
    )
    new = NewEvent.decided(event)
    await world.store.append(
        [Draft(SHOP, "erasure/e1/shop", "erasure", "system", [new], refs=[erasure_stream("e1")])]
    )
    head = await world.store.head(SHOP)
    await world.ledger.write(Erased(SHOP, "e1", (), NOW, ((head.position, head.hash.hex()),), 3, 4))
    root = await anchor_day(world.log, world.bucket, "roots", date(2026, 11, 30))
    status, said = checked(tmp_path, await world.certificate(), root.value.hex())
    assert (status, f"{SHOP} of {SHOP} was erased: 3 keys" in said) == (0, True)


async def test_there_is_none_while_rows_may_show_the_person(world: World) -> None:
    await world.erase("e3")
    assert await world.certificates.of(SHOP, "e3") is None
    await world.complete("e3")
    assert await world.certificates.of(SHOP, "e3") is not None


async def test_what_the_ledger_does_not_have_has_no_certificate(world: World) -> None:
    await world.erase()
    assert await world.certificates.of(SHOP, "e2") is None
