"""Rotates wrapping keys: the keys that they wrap stay, and so does every commit."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, NamedTuple

from cplus.clock import Clock, utc_now
from cplus.mongo import ids_of
from cplus.privacy.keyring.keyring import Keyring
from cplus.privacy.keyring.wrapping_keys import Row, number_of

GRACE: Final = timedelta(hours=1)
"""How long a retired wrapping key stays, in case that somebody who did not know yet has just used
it."""

_AT_ONCE: Final = 1_000  # keys that are wrapped again at once


class Rotated(NamedTuple):
    """What a rotation did."""

    key: str
    """The id of the wrapping key that wraps new keys from now on."""
    wrapped: int
    """How many keys were wrapped again."""
    deleted: int
    """How many retired wrapping keys were deleted."""
    retired: int
    """How many are left, which the next rotation deletes."""


async def rotate(keyring: Keyring, owner: str, clock: Clock = utc_now) -> Rotated:
    """Makes a new wrapping key of the owner, `application` or `shop/<host>`, which then wraps all
    that the older ones wrap. Repeatable: a rotation that was cut off is completed by the next."""
    rows = await keyring.rows.find({"_id": ids_of(owner)}).to_list(None)
    number = max(map(number_of, rows), default=0) + 1
    while (made := await keyring.wrapping.make(owner, number)) is None:
        number += 1
    # First there is a new one, then the others are retired, and only then is looked what they
    # wrap: who wraps a new key reads afterwards whether its wrapping key was retired.
    older = sorted((row for row in rows if row["_id"] != made.id), key=number_of)
    now = clock()
    names = [row["_id"] for row in older]
    await keyring.rows.update_many({"_id": {"$in": names}}, {"$min": {"retired_at": now}})
    keyring.wrapping.forget(owner)
    wrapped = deleted = 0
    for row in older:
        wrapped += await _wrap_again(keyring, row)
        if "retired_at" in row and row["retired_at"] <= now - GRACE:
            deleted += (await keyring.rows.delete_one({"_id": row["_id"]})).deleted_count
    return Rotated(made.id, wrapped, deleted, len(older) - deleted)


async def _wrap_again(keyring: Keyring, row: Row) -> int:
    done = 0
    while True:
        cursor = keyring.rows.find({"by": row["_id"]}).limit(_AT_ONCE)
        rows = await cursor.to_list(None)
        if not rows:
            return done
        keys = await keyring.unwrapped(rows)
        done += await keyring.wrapping.wrap_again([(key, row["_id"]) for key in keys.values()])
