"""`cplus audit verify` on a real log and real roots."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from cplus.bootstrap import Parts
from cplus.events.audit.root import Root
from cplus.events.audit.roots import anchor_day
from cplus.events.log.commit import Draft, prepare
from cplus.events.log.store import COMMITS, ensure_indexes
from cplus.settings import Settings
from tests.integration.command_line import started

SHOP, OTHER = "acorn.myshopify.com", "birch.myshopify.com"


@dataclass(frozen=True)
class Told:
    returncode: int | None
    stdout: str
    stderr: str


@dataclass(frozen=True)
class World:
    parts: Parts
    environment: dict[str, str]

    async def verify(self, *options: str) -> tuple[int | None, dict[str, Any]]:
        done = await self.run("--json", *options)
        assert not done.stderr, done.stderr
        return done.returncode, json.loads(done.stdout)

    async def run(self, *options: str) -> Told:
        process = await started("audit", "verify", *options, also=self.environment)
        out, err = await asyncio.wait_for(process.communicate(), 60)
        return Told(process.returncode, out.decode(), err.decode())


def draft(claim: str, shop: str = SHOP) -> Draft:
    return Draft(shop, claim, "webhook", "shopify", reason="none")


@pytest.fixture
async def world(mongo_uri: str, database_name: str, aws_endpoint: str) -> AsyncIterator[World]:
    bucket = f"{database_name.replace('_', '-')}-roots"
    settings = Settings(
        mongo_uri=SecretStr(mongo_uri), mongo_database=database_name, roots_bucket=bucket
    )
    parts = Parts(settings)
    await ensure_indexes(parts.mongo.database)
    s3 = await parts.aws.client("s3")
    await s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    await parts.store.append([draft(f"c{i}") for i in range(300)])
    await parts.store.append([draft(f"c{i}", OTHER) for i in range(5)])
    environment = {
        **os.environ,
        "CPLUS_MONGO_URI": mongo_uri,
        "CPLUS_MONGO_DATABASE": database_name,
        "CPLUS_ROOTS_BUCKET": bucket,
    }
    yield World(parts, environment)
    await parts.close()


async def test_a_log_as_it_was_written_is_told_as_such(world: World) -> None:
    await anchor_day(world.parts.store.log, world.parts.aws, bucket(world), yesterday(world))
    await world.parts.store.append([draft("later")])
    whole = {"ok": True, "findings": [], "wrong_roots": [], "days_without_root": []}
    assert await world.verify() == (0, {**whole, "shops": 2, "commits": 306, "roots": None})
    assert await world.verify("--roots") == (0, {**whole, "shops": 2, "commits": 306, "roots": 1})
    assert await world.verify("--shop", OTHER) == (
        0,
        {**whole, "shops": 1, "commits": 5, "roots": None},
    )


async def test_a_log_of_which_no_day_is_anchored_yet_is_not_called_tampered_with(
    world: World,
) -> None:
    told = await world.run("--roots")
    assert told.returncode == 0
    assert told.stdout.endswith("against the roots of 0 days: intact, and not anchored yet\n")
    await world.parts.mongo.database[COMMITS].delete_one({"shop": OTHER, "position": 3})
    assert (await world.run("--roots")).stdout.endswith(": TAMPERED WITH\n")


async def test_the_first_altered_commit_is_named_and_the_status_is_1(world: World) -> None:
    commits = world.parts.mongo.database[COMMITS]
    await commits.update_many(
        {"shop": SHOP, "position": {"$in": [120, 200]}}, {"$set": {"actor": "nobody"}}
    )
    await commits.delete_one({"shop": OTHER, "position": 3})
    status, said = await world.verify()
    assert status == 1
    assert [(f["shop"], f["kind"], f["position"]) for f in said["findings"]] == [
        (SHOP, "altered", 120),
        (OTHER, "removed", 3),
    ]
    told = await world.run("--shop", SHOP)
    assert told.returncode == 1
    assert f"{SHOP}: position 120 was altered" in told.stdout


async def test_a_rewritten_tail_is_found_by_the_roots_only(world: World) -> None:
    parts = world.parts
    await anchor_day(parts.store.log, parts.aws, bucket(world), yesterday(world))
    await parts.mongo.database[COMMITS].delete_many({"shop": OTHER, "position": {"$gte": 4}})
    head = await parts.store.head(OTHER)
    for claim in ("c3", "other"):
        raw, head = prepare(draft(claim, OTHER)).place(head, parts.clock())
        assert await parts.store.log.insert([[raw]]) == [True]
    assert (await world.verify())[0] == 0
    status, said = await world.verify("--roots")
    assert status == 1
    assert [(f["shop"], f["kind"], f["position"]) for f in said["findings"]] == [
        (OTHER, "altered", 5)
    ]
    await parts.mongo.database[COMMITS].delete_many({"shop": OTHER})
    status, said = await world.verify("--roots")
    assert [(f["shop"], f["kind"], f["position"]) for f in said["findings"]] == [
        (OTHER, "removed", 1)
    ]


async def test_a_forged_root_over_a_rewritten_tail_is_found(world: World) -> None:
    parts = world.parts
    day = yesterday(world)
    anchored = await anchor_day(parts.store.log, parts.aws, bucket(world), day)
    await parts.mongo.database[COMMITS].delete_many({"shop": OTHER, "position": 5})
    head = await parts.store.head(OTHER)
    raw, head = prepare(draft("other", OTHER)).place(head, parts.clock())
    assert await parts.store.log.insert([[raw]]) == [True]
    heads = {**anchored.heads, OTHER: (head.position, head.hash)}
    forged = Root.over(day, heads, anchored.previous)
    await parts.aws.put_object(bucket(world), forged.key, forged.to_json())
    assert await anchor_day(parts.store.log, parts.aws, bucket(world), day) == anchored
    status, said = await world.verify("--roots")
    assert status == 1
    assert said["wrong_roots"] == [f"{forged.key} was written 2 times: the first counts"]
    assert [(f["shop"], f["position"]) for f in said["findings"]] == [(OTHER, 5)]
    s3 = await parts.aws.client("s3")
    await s3.delete_object(Bucket=bucket(world), Key=forged.key)
    assert f"{forged.key} was deleted" in (await world.verify("--roots"))[1]["wrong_roots"]
    assert await anchor_day(parts.store.log, parts.aws, bucket(world), day) == anchored


async def test_what_is_there_is_never_written_over(world: World) -> None:
    aws, key = world.parts.aws, "roots/one"
    assert await aws.put_new_object(bucket(world), key, b"first")
    assert not await aws.put_new_object(bucket(world), key, b"second")
    assert await aws.get_object(bucket(world), key) == b"first"
    with pytest.raises(KeyError):
        await aws.get_object(bucket(world), "roots/none")


async def test_the_stack_of_a_directory_is_audited_with_its_roots(
    world: World, tmp_path: Path, aws_endpoint: str
) -> None:
    await anchor_day(world.parts.store.log, world.parts.aws, bucket(world), yesterday(world))
    stack = {
        "mongo": world.environment.pop("CPLUS_MONGO_URI"),
        "database": world.environment.pop("CPLUS_MONGO_DATABASE"),
        "aws": aws_endpoint,
        "buckets": {"roots": world.environment.pop("CPLUS_ROOTS_BUCKET")},
    }
    (tmp_path / "stack.json").write_text(json.dumps(stack))
    status, said = await world.verify("--roots", "--data", str(tmp_path))
    assert (status, said["commits"], said["roots"]) == (0, 305, 1)
    told = await world.run("--data", str(tmp_path / "none"))
    assert told.returncode == 1
    assert "No stack is running on" in told.stderr


async def test_what_cannot_be_audited_is_said_in_one_line(world: World) -> None:
    missing = await world.run("--shop", "nobody.myshopify.com")
    assert missing.returncode == 1
    assert "no commits of nobody.myshopify.com" in missing.stderr
    world.environment["CPLUS_ROOTS_BUCKET"] = ""
    assert "CPLUS_ROOTS_BUCKET" in (await world.run("--roots")).stderr


def yesterday(world: World) -> date:
    return world.parts.clock().date() - timedelta(1)


def bucket(world: World) -> str:
    return world.parts.settings.roots_bucket
