"""The keyring: keys are made once, found in bulk, rotated without touching what they seal, and
destroyed for good."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cplus.aws import Aws, Kms
from cplus.errors import KeysUnavailable
from cplus.events.log.sealing import Key, unnamed
from cplus.mongo import Mongo
from cplus.privacy.keyring import (
    APPLICATION,
    KEYS,
    KMS,
    LOCAL,
    Keyring,
    LocalMaster,
    Master,
    rotate,
    shop_owner,
)
from cplus.privacy.keyring import ensure_indexes as ensure_key_indexes
from cplus.privacy.keyring.rotating import GRACE

SHOP, OTHER = "acorn.myshopify.com", "birch.myshopify.com"
ADA, BEA = "person/ada", "person/bea"
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


class Counting(LocalMaster):
    """A master that counts what it is asked."""

    def __init__(self, secret: str = "a secret that is only for tests") -> None:
        super().__init__(secret)
        self.asked: list[str] = []

    async def wrap(self, name: str, material: bytes) -> bytes:
        self.asked.append("wrap")
        return await super().wrap(name, material)

    async def unwrap(self, name: str, wrapped: bytes) -> bytes:
        self.asked.append("unwrap")
        return await super().unwrap(name, wrapped)


class Time:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def keyring(mongo: Mongo) -> Keyring:
    await ensure_key_indexes(mongo.keyring)
    return new(mongo)


def new(mongo: Mongo, master: Master | None = None, **options: Any) -> Keyring:
    """The keyring of a process that has just started."""
    masters = {LOCAL: master or Counting()}
    return Keyring(mongo.keyring, masters, options.pop("clock", Time()), **options)


def materials(keys: Mapping[str, Key]) -> dict[str, bytes | None]:
    return {owner: key.material for owner, key in keys.items()}


async def rows(mongo: Mongo, **question: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await mongo.keyring[KEYS].find(question).to_list(None)
    return found


async def test_every_process_gets_the_same_key_for_a_person(mongo: Mongo, keyring: Keyring) -> None:
    made = await keyring.to_seal(SHOP, [ADA, BEA], 0)
    again = await new(mongo).to_seal(SHOP, [BEA, ADA], 0)
    assert materials(again) == materials(made)
    assert len({key.material for key in made.values()}) == 2
    elsewhere = await keyring.to_seal(OTHER, [ADA], 0)
    assert elsewhere[ADA].material != made[ADA].material
    opened = await new(mongo).to_open([key.id for key in made.values()])
    assert {one.material for one in opened.values()} == {one.material for one in made.values()}


async def test_processes_that_make_the_same_keys_at_once_agree(
    mongo: Mongo, keyring: Keyring
) -> None:
    people = [f"person/{number}" for number in range(40)]
    asked = [new(mongo).to_seal(SHOP, people[at:] + people[:at], 0) for at in range(8)]
    answers = await asyncio.gather(*asked)
    assert all(materials(one) == materials(answers[0]) for one in answers)
    assert len(await rows(mongo, shop=SHOP)) == 40
    assert len(await rows(mongo, _id={"$regex": "^(shop|application)/"})) == 2


async def test_the_master_is_asked_once_in_a_process_that_opens(
    mongo: Mongo, keyring: Keyring
) -> None:
    made = [await keyring.to_seal(shop, [ADA, BEA], 0) for shop in (SHOP, OTHER)]
    ids = [key.id for keys in made for key in keys.values()]
    counting = Counting()
    opening = new(mongo, counting)
    await asyncio.gather(*(opening.to_open([one]) for one in ids), opening.to_seal(SHOP, [ADA], 0))
    assert counting.asked == ["unwrap"]


async def test_the_keyring_holds_no_key_in_clear(mongo: Mongo, keyring: Keyring) -> None:
    made = await keyring.to_seal(SHOP, [ADA, BEA], 0)
    stored = [row["key"] for row in await rows(mongo)]
    assert len(stored) == 4
    for key in made.values():
        assert key.material is not None
        assert not any(key.material in one for one in stored)


async def test_a_wrapped_key_does_not_pass_for_another(mongo: Mongo, keyring: Keyring) -> None:
    made = await keyring.to_seal(SHOP, [ADA, BEA], 0)
    one, two = [await rows(mongo, _id=made[who].id) for who in (ADA, BEA)]
    await mongo.keyring[KEYS].update_one({"_id": one[0]["_id"]}, {"$set": {"key": two[0]["key"]}})
    with pytest.raises(KeysUnavailable, match="does not open"):
        await new(mongo).to_open([made[ADA].id])


async def test_another_secret_opens_nothing(mongo: Mongo, keyring: Keyring) -> None:
    made = await keyring.to_seal(SHOP, [ADA], 0)
    with pytest.raises(KeysUnavailable, match="application/1"):
        await new(mongo, Counting("another secret")).to_open([made[ADA].id])


async def test_without_a_master_the_reason_is_named(mongo: Mongo, keyring: Keyring) -> None:
    with pytest.raises(KeysUnavailable, match="CPLUS_KMS_KEY_ID"):
        await Keyring(mongo.keyring, {}).to_seal(SHOP, [ADA], 0)


async def test_a_destroyed_key_is_told_from_one_that_never_was(
    mongo: Mongo, keyring: Keyring
) -> None:
    made = await keyring.to_seal(SHOP, [ADA, BEA], 0)
    for _ in range(2):  # repeatable
        await keyring.condemn(SHOP, [ADA])
        await keyring.destroy(SHOP, [ADA, "person/without-a-key"])
    found = await new(mongo).to_open([made[ADA].id, made[BEA].id, "never"])
    assert found.keys() == {made[ADA].id, made[BEA].id}
    assert found[made[ADA].id].material is None
    assert found[made[BEA].id].material == made[BEA].material
    [row] = await rows(mongo, _id=made[ADA].id)
    assert "key" not in row
    assert row["destroyed_at"] == NOW
    dead = await new(mongo).to_seal(SHOP, [ADA, "person/without-a-key"], 1)
    assert materials(dead) == {ADA: None, "person/without-a-key": None}
    assert dead[ADA].id == made[ADA].id


async def test_a_condemned_key_opens_and_seals_nothing_more(mongo: Mongo, keyring: Keyring) -> None:
    made = await keyring.to_seal(SHOP, [ADA], 0)
    other = new(mongo)
    await other.to_seal(SHOP, [ADA], 0)
    await keyring.condemn(SHOP, [ADA])
    assert (await other.to_open([made[ADA].id]))[made[ADA].id].material == made[ADA].material
    # As long as no erasure is in the log, what was loaded before holds; behind it, no more.
    assert (await other.to_seal(SHOP, [ADA], 0))[ADA].material == made[ADA].material
    assert (await other.to_seal(SHOP, [ADA], 1))[ADA].material is None


async def test_a_process_opens_with_a_destroyed_key_for_a_limited_time(
    mongo: Mongo, keyring: Keyring
) -> None:
    made = await keyring.to_seal(SHOP, [ADA], 0)
    lasting, forgetting = new(mongo), new(mongo, seconds=-1.0)
    for one in (lasting, forgetting):
        await one.to_open([made[ADA].id])
    await keyring.destroy(SHOP, [ADA])
    assert (await lasting.to_open([made[ADA].id]))[made[ADA].id].material
    assert (await forgetting.to_open([made[ADA].id]))[made[ADA].id].material is None


async def test_the_key_of_a_day_is_destroyed_after_thirty_days(
    mongo: Mongo, keyring: Keyring
) -> None:
    time = Time()
    day = unnamed(NOW)
    made = await new(mongo, clock=time).to_seal(SHOP, [day, ADA], 0)
    time.now = NOW + timedelta(days=30)
    assert await new(mongo, clock=time).expire() == 0
    time.now = NOW + timedelta(days=31)
    assert await new(mongo, clock=time).expire() == 1
    found = await new(mongo).to_open([made[day].id, made[ADA].id])
    assert found[made[day].id].material is None
    assert found[made[ADA].id].material == made[ADA].material


@pytest.mark.parametrize("owner", [APPLICATION, shop_owner(SHOP)])
async def test_a_rotation_changes_what_wraps_and_no_key(
    mongo: Mongo, keyring: Keyring, owner: str
) -> None:
    made = await keyring.to_seal(SHOP, [f"person/{number}" for number in range(30)], 0)
    ids = [key.id for key in made.values()]
    time = Time()
    rotated = await rotate(new(mongo, clock=time), owner, time)
    assert (rotated.key, rotated.deleted, rotated.retired) == (f"{owner}/2", 0, 1)
    assert rotated.wrapped == (1 if owner == APPLICATION else 30)
    assert await rows(mongo, by=f"{owner}/1") == []
    for one in (keyring, new(mongo)):
        opened = await one.to_open(ids)
        assert {key.material for key in opened.values()} == {key.material for key in made.values()}
    time.now += GRACE + timedelta(seconds=1)
    rotated = await rotate(new(mongo, clock=time), owner, time)
    assert (rotated.key, rotated.deleted, rotated.retired) == (f"{owner}/3", 1, 1)
    assert len(await new(mongo).to_open(ids)) == 30


async def test_who_does_not_know_of_a_rotation_makes_keys_that_open(
    mongo: Mongo, keyring: Keyring
) -> None:
    behind = new(mongo)
    await behind.to_seal(SHOP, [ADA], 0)  # it remembers who wraps
    time = Time()
    for owner in (APPLICATION, shop_owner(SHOP)):
        await rotate(new(mongo, clock=time), owner, time)
        time.now += GRACE + timedelta(seconds=1)
        await rotate(new(mongo, clock=time), owner, time)  # the first one is deleted
    late = await behind.to_seal(SHOP, [BEA], 0)
    newer = await behind.to_seal(OTHER, [BEA], 0)
    opened = await new(mongo).to_open([late[BEA].id, newer[BEA].id])
    assert opened[late[BEA].id].material == late[BEA].material
    assert opened[newer[BEA].id].material == newer[BEA].material


async def test_a_rotation_amid_new_keys_loses_none(mongo: Mongo, keyring: Keyring) -> None:
    made: dict[str, bytes | None] = {}

    async def make(ring: Keyring, first: int) -> None:
        for number in range(first, first + 10):
            keys = await ring.to_seal(SHOP, [f"person/{number}", f"person/{number}b"], 0)
            made.update({key.id: key.material for key in keys.values()})

    async def turn() -> None:
        for _ in range(4):
            await rotate(new(mongo), shop_owner(SHOP))
            await rotate(new(mongo), APPLICATION)

    await asyncio.gather(turn(), *(make(new(mongo), first) for first in range(0, 40, 10)))
    opened = await new(mongo).to_open(list(made))
    assert {name: key.material for name, key in opened.items()} == made


async def test_kms_wraps_the_application_key(
    mongo: Mongo, keyring: Keyring, aws_endpoint: str
) -> None:
    aws = Aws()
    try:
        client = await aws.client("kms")
        key = (await client.create_key())["KeyMetadata"]["KeyId"]
        await client.create_alias(AliasName="alias/test-keyring", TargetKeyId=key)
        kms = {KMS: Kms(aws, "alias/test-keyring")}
        made = await Keyring(mongo.keyring, kms).to_seal(SHOP, [ADA], 0)
        opened = await Keyring(mongo.keyring, kms).to_open([made[ADA].id])
        assert opened[made[ADA].id].material == made[ADA].material
        with pytest.raises(KeysUnavailable, match="KMS refused to decrypt"):
            await Keyring(mongo.keyring, {KMS: Kms(aws, "alias/unknown")}).to_open([made[ADA].id])
    finally:
        await aws.close()


async def test_a_rotation_moves_the_application_key_to_kms(
    mongo: Mongo, keyring: Keyring, aws_endpoint: str
) -> None:
    made = await keyring.to_seal(SHOP, [ADA], 0)
    aws = Aws()
    try:
        client = await aws.client("kms")
        kms = Kms(aws, (await client.create_key())["KeyMetadata"]["KeyId"])
        both: Sequence[tuple[str, Master]] = [(KMS, kms), (LOCAL, Counting())]
        await rotate(Keyring(mongo.keyring, dict(both)), APPLICATION)
        opened = await Keyring(mongo.keyring, {KMS: kms}).to_open([made[ADA].id])
        assert opened[made[ADA].id].material == made[ADA].material
    finally:
        await aws.close()


async def test_what_a_shops_erasure_condemned_seals_until_the_erasure_is_in_the_log(
    keyring: Keyring, mongo: Mongo
) -> None:
    made = await keyring.to_seal(SHOP, [ADA], 3)
    other = (await keyring.to_seal(OTHER, [ADA], 3))[ADA]
    for _ in range(2):  # repeatable
        await keyring.condemn_shop(SHOP, "e1", 3)
    fresh = new(mongo)
    # Who has not seen the erasure appends before it: nothing is lost if there will be none.
    assert (await fresh.to_seal(SHOP, [ADA], 3))[ADA].material == made[ADA].material
    assert (await fresh.to_seal(SHOP, [ADA], 4))[ADA].material is None
    assert (await fresh.to_seal(OTHER, [ADA], 4))[ADA].material == other.material


async def test_a_shops_erasure_that_is_taken_back_undoes_no_other(
    keyring: Keyring, mongo: Mongo
) -> None:
    made = await keyring.to_seal(SHOP, [ADA, BEA], 0)
    await keyring.condemn(SHOP, [BEA])
    for erasure in ("e1", "e2"):
        await keyring.condemn_shop(SHOP, erasure, 0)
    warm = new(mongo)
    for absolved in ("e1", "e2"):
        assert materials(await warm.to_seal(SHOP, [ADA, BEA], 1)) == {ADA: None, BEA: None}
        for _ in range(2):  # repeatable
            await keyring.absolve_shop(SHOP, absolved)
    # A process that was told otherwise finds out at once, under the same number of erasures.
    expected = {ADA: made[ADA].material, BEA: None}
    assert materials(await warm.to_seal(SHOP, [ADA, BEA], 1)) == expected


async def test_a_shops_erasure_destroys_what_a_clock_ahead_made(
    keyring: Keyring, mongo: Mongo
) -> None:
    ahead = Time()
    ahead.now += timedelta(minutes=5)
    made = await new(mongo, clock=ahead).to_seal(SHOP, [ADA], 0)
    await keyring.condemn_shop(SHOP, "e1", 0)
    newer = await new(mongo, clock=ahead).to_seal(SHOP, [BEA], 1)
    for _ in range(2):  # repeatable
        assert await keyring.destroy_shop(SHOP, "e1", NOW) == 1
    found = await new(mongo).to_open([made[ADA].id, newer[BEA].id])
    assert found[made[ADA].id].material is None
    assert found[newer[BEA].id].material == newer[BEA].material
