"""The keys of persons, under which the log seals what it holds about them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import structlog

from cplus.clock import Clock, utc_now
from cplus.combiner import Combiner
from cplus.events.log.sealing import KEY_BYTES, Key, day_of_unnamed
from cplus.ids import random_id
from cplus.mongo import BulkWriteError, Database, IndexModel, UpdateOne, duplicates, ids_of
from cplus.privacy.keyring.cache import Cache
from cplus.privacy.keyring.masters import Master
from cplus.privacy.keyring.wrapping_keys import KEYS, Row, WrappingKeys, shop_owner
from cplus.privacy.keyring.wraps import unwrap

log = structlog.get_logger()

UNNAMED_KEPT: Final = timedelta(days=31)
"""How long the key of a day lives, from the beginning of that day: causes in which nobody is known
can be opened for 30 days."""

ROOM: Final = 20_000
"""Keys that one process keeps, about 10 MB."""
SECONDS: Final = 60.0
"""How long a process opens with a key before it looks again whether it was destroyed."""

_ID: Final = 20  # letters of a key's id: 100 random bits
_AT_ONCE: Final = 500  # owners that one query answers
_BULK: Final = 5_000  # keys that one query reads
_KEY: Final = {"key": 1, "by": 1}
_NONE: Final[Mapping[str, Key]] = {}


class _Wanted(NamedTuple):
    shop: str
    owners: Sequence[str]
    erasures: int


class Keyring:
    """The keys of one deployment, in a database of their own.

    Each person of a shop has one key, under a random id. If two persons turn out to be one, the
    directory knows, and that person has the keys of both. Destroying a key leaves its row without
    the key: so what was destroyed can be told from what never existed, and nobody ever gets another
    key in its place.
    """

    def __init__(
        self,
        database: Database,
        masters: Mapping[str, Master],
        clock: Clock = utc_now,
        *,
        room: int = ROOM,
        seconds: float = SECONDS,
    ) -> None:
        self.rows = database[KEYS]
        self.wrapping = WrappingKeys(database, masters, clock)
        self._clock = clock
        self._opened = Cache[str, Key](room, seconds)
        # The key of an owner, and the number of erasures that the log had seen before it was read.
        self._owned = Cache[tuple[str, str], tuple[Key, int]](room)
        self._questions = Combiner(self._answer, room=_AT_ONCE, size=lambda one: len(one.owners))

    async def to_seal(self, shop: str, owners: Collection[str], erasures: int) -> Mapping[str, Key]:
        """The key of each owner; see `SealingKeys`."""
        found: dict[str, Key] = {}
        for owner in owners:
            known = self._owned.get((shop, owner))
            if known is not None and known[1] == erasures:
                found[owner] = known[0]
        missing = [owner for owner in dict.fromkeys(owners) if owner not in found]
        if missing:
            answer: Mapping[str, Key] = await self._questions.ask(_Wanted(shop, missing, erasures))
            for owner, key in answer.items():
                # Not one that is condemned: that may be taken back, and no number says so.
                if key.material is not None:
                    self._owned.put((shop, owner), (key, erasures))
            found.update(answer)
        return found

    async def to_open(self, ids: Collection[str]) -> Mapping[str, Key]:
        """The keys by id; see `OpeningKeys`. Reads many with one query."""
        found: dict[str, Key] = {}
        missing: list[str] = []
        for one in ids:
            key = self._opened.get(one)
            if key is None:
                missing.append(one)
            else:
                found[one] = key
        for start in range(0, len(missing), _BULK):
            part = missing[start : start + _BULK]
            cursor = self.rows.find({"_id": {"$in": part}}, {"key": 1, "by": 1})
            rows = await cursor.batch_size(len(part) + 1).to_list(None)
            for name, key in (await self.unwrapped(rows)).items():
                found[name] = key
                self._opened.put(name, key)
        return found

    async def condemn(self, shop: str, persons: Collection[str]) -> None:
        """No writer that has seen the erasure which the caller appends next seals anything for
        these persons. Repeatable."""
        await self._mark(shop, persons, {"$min": {"condemned_at": self._clock()}})

    async def destroy(self, shop: str, persons: Collection[str]) -> int:
        """Destroys the keys of these persons, whose erasure is in the log; returns how many they
        had. Leaves a tombstone for each, also for those who had no key. Repeatable."""
        now = self._clock()
        gone = {"$min": {"condemned_at": now, "destroyed_at": now}, "$unset": _KEY}
        await self._mark(shop, persons, gone)
        # This process need not wait until it looks again; others do.
        names = [f"{shop}/{person}" for person in persons]
        rows = (await self._of_owners(names, ())).values()
        for row in rows:
            self._opened.put(row["_id"], Key(row["_id"], None))
        return sum(not row.get("empty") for row in rows)

    async def condemn_shop(self, shop: str, erasure: str, erasures: int) -> None:
        """The same as `condemn`, for every owner of a key of the shop, until `absolve_shop`.

        `erasures` is how many the log had seen before the caller looked whether this one is among
        them. Who has seen no more still seals: that is appended before the erasure, or not at all.
        So nothing is lost if the erasure is taken back. Repeatable.
        """
        alive = {"owner": ids_of(shop), "destroyed_at": {"$exists": False}}
        new = {"condemned_by.erasure": {"$ne": erasure}}
        mark = {"erasure": erasure, "seen": erasures}
        await self.rows.update_many({**alive, **new}, {"$push": {"condemned_by": mark}})

    async def absolve_shop(self, shop: str, erasure: str) -> None:
        """Takes back what this erasure condemned, and nothing that another did: the shop is not
        erased. Repeatable."""
        mine = {"owner": ids_of(shop), "condemned_by.erasure": erasure}
        await self.rows.update_many(mine, {"$pull": {"condemned_by": {"erasure": erasure}}})

    async def destroy_shop(self, shop: str, erasure: str, until: datetime) -> int:
        """Destroys every key of the shop that this erasure condemned, whatever the clock of its
        maker said, or that was made up to that moment, at which the erasure was recorded; returns
        how many are destroyed by now. Repeatable, also after the app was installed again: newer
        keys stay."""
        now = self._clock()
        old = [{"created_at": {"$lte": until}}, {"condemned_by.erasure": erasure}]
        mine = {"owner": ids_of(shop), "$or": old, "key": {"$exists": True}}
        gone = {"$min": {"condemned_at": now, "destroyed_at": now}, "$unset": _KEY}
        await self.rows.update_many(mine, gone)
        self._opened.clear()  # this process need not wait until it looks again; others do
        dead = {"destroyed_at": {"$exists": True}, "empty": {"$ne": True}}
        return int(await self.rows.count_documents({"owner": ids_of(shop), **dead}))

    async def expire(self) -> int:
        """Destroys the keys whose time is over; returns how many."""
        now = self._clock()
        over = {"expires_at": {"$lte": now}, "destroyed_at": {"$exists": False}}
        gone = {"$set": {"condemned_at": now, "destroyed_at": now}, "$unset": _KEY}
        done = int((await self.rows.update_many(over, gone)).modified_count)
        log.info("keys_expired", keys=done)
        return done

    async def _mark(self, shop: str, persons: Collection[str], change: Mapping[str, Any]) -> None:
        empty = {"empty": True}  # there never was a key
        writes = [
            UpdateOne(
                {"owner": owner},
                {
                    **change,
                    "$setOnInsert": self._row(shop, owner) | {"_id": random_id(_ID)} | empty,
                },
                upsert=True,
            )
            for owner in sorted({f"{shop}/{person}" for person in persons})
        ]
        if writes:
            await self.rows.bulk_write(writes, ordered=False)
        for person in persons:
            self._owned.drop((shop, person))

    async def _answer(self, questions: Sequence[_Wanted]) -> list[Mapping[str, Key]]:
        names = {f"{one.shop}/{owner}": one.shop for one in questions for owner in one.owners}
        rows = await self._of_owners(names, ())
        missing = {name: shop for name, shop in names.items() if name not in rows}
        made: dict[str, Key] = {}
        if missing:
            made = await self._make(missing, rows)
        keys = await self.unwrapped(rows.values(), made)
        return [
            {o: _to_seal(rows[f"{one.shop}/{o}"], keys, one.erasures) for o in one.owners}
            for one in questions
        ]

    async def _of_owners(self, names: Collection[str], wrapping: Collection[str]) -> dict[str, Row]:
        """The rows of owners by their names, and those of wrapping keys by their ids."""
        wanted: dict[str, Any] = {"owner": {"$in": list(names)}}
        if wrapping:
            wanted = {"$or": [wanted, {"_id": {"$in": list(wrapping)}}]}
        # A batch as large as the question: one request, one reply.
        cursor = self.rows.find(wanted).batch_size(len(names) + len(wrapping) + 1)
        return {row.get("owner", row["_id"]): row for row in await cursor.to_list(None)}

    async def _make(self, missing: Mapping[str, str], rows: dict[str, Row]) -> dict[str, Key]:
        """Makes the keys of owners who have none, and adds all their rows; the keys by id.

        A key is read back before anything is sealed with it: another process may have been faster,
        and the driver can report a duplicate when a write is not safe yet.
        """
        keys = {name: Key(random_id(_ID), os.urandom(KEY_BYTES)) for name in missing}
        new: list[dict[str, Any]] = []
        for shop in sorted(set(missing.values())):
            names = [name for name, its in missing.items() if its == shop]
            wrapped = await self.wrapping.wrapped([keys[n] for n in names], shop_owner(shop))
            new += [
                self._row(shop, name) | {"owner": name} | row
                for name, row in zip(names, wrapped, strict=True)
            ]
        try:
            await self.rows.insert_many(new, ordered=False)
        except BulkWriteError as error:
            duplicates(error)
        wrapping = {row["by"] for row in new}
        found = await self._of_owners(missing, wrapping)
        parents = [found.pop(name) for name in wrapping & found.keys()]
        rows |= found
        made = {key.id: key for key in keys.values()}
        mine = [(made[row["_id"]], row["by"]) for row in found.values() if row["_id"] in made]
        await self.wrapping.settle_by(mine, parents)
        return made

    def _row(self, shop: str, owner: str) -> dict[str, Any]:
        row: dict[str, Any] = {"shop": shop, "created_at": self._clock()}
        if (day := day_of_unnamed(owner.removeprefix(f"{shop}/"))) is not None:
            row["expires_at"] = day + UNNAMED_KEPT
        return row

    async def unwrapped(
        self, rows: Iterable[Row], made: Mapping[str, Key] = _NONE
    ) -> dict[str, Key]:
        """The keys of rows by id; those that this process has just made need no unwrapping."""
        rows = list(rows)
        by = await self.wrapping.of({r["by"] for r in rows if "by" in r and r["_id"] not in made})
        found: dict[str, Key] = {}
        for row in rows:
            name = row["_id"]
            if "key" not in row:
                found[name] = Key(name, None)
            elif name in made:
                found[name] = made[name]
            else:
                found[name] = Key(name, unwrap(by[row["by"]], name, row["key"]))
        return found


def _to_seal(row: Row, keys: Mapping[str, Key], erasures: int) -> Key:
    """The key of a row, for who has seen so many erasures; without its material if nothing may be
    sealed with it any more."""
    by_shop = any(erasures > one["seen"] for one in row.get("condemned_by", ()))
    return Key(row["_id"], None) if "condemned_at" in row or by_shop else keys[row["_id"]]


async def ensure_indexes(keyring: Database) -> None:
    """Creates the indexes on keys: one key for each owner, what a key wraps, and what expires."""
    there = {"$exists": True}
    await keyring[KEYS].create_indexes(
        [
            IndexModel(
                [("owner", 1)],
                name="owners",
                unique=True,
                partialFilterExpression={"owner": there},
            ),
            IndexModel([("by", 1)], name="wrapped", partialFilterExpression={"by": there}),
            IndexModel(
                [("expires_at", 1)], name="expiry", partialFilterExpression={"expires_at": there}
            ),
        ]
    )
