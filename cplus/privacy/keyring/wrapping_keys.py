"""The keys that wrap others: one of each shop, and the one of the application.

Rows are `{_id, key, by, created_at}`: the wrapped key, and the id of the key that wrapped it. The
id of a wrapping key is `application/<n>` or `shop/<host>/<n>`. Of several numbers, the last one
that is not retired wraps new keys; the others are deleted once they wrap nothing.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from cplus.clock import Clock
from cplus.errors import KeysUnavailable
from cplus.events.log.sealing import KEY_BYTES, Key
from cplus.mongo import Database, DuplicateKeyError, UpdateOne, ids_of
from cplus.privacy.keyring.cache import Cache
from cplus.privacy.keyring.masters import Master
from cplus.privacy.keyring.wraps import unwrap, wrap

KEYS: Final = "keys"
"""The collection of all keys."""
APPLICATION: Final = "application"
"""Whose key wraps the keys of shops."""

Row = Mapping[str, Any]

_ROOM: Final = 5_000  # wrapping keys in memory


def shop_owner(shop: str) -> str:
    """Whose key wraps the keys of the shop's persons."""
    return f"shop/{shop}"


def owner_of(name: str) -> str:
    """Whose wrapping key it is, by its id."""
    return name.rpartition("/")[0]


def number_of(row: Row) -> int:
    """The number of a wrapping key."""
    return int(row["_id"].rpartition("/")[2])


class WrappingKeys:
    """Reads the wrapping keys when they are first needed, and makes those that are missing."""

    def __init__(self, database: Database, masters: Mapping[str, Master], clock: Clock) -> None:
        self._rows = database[KEYS]
        self.masters = masters
        self._clock = clock
        self._kept = Cache[str, Key](_ROOM)
        self._current = Cache[str, Key](_ROOM)
        # One at a time, so that KMS is asked once however many wait for the application key.
        self._asking = asyncio.Lock()

    async def of(self, names: Collection[str]) -> dict[str, Key]:
        """Wrapping keys by id; raises KeysUnavailable."""
        found = {name: key for name in names if (key := self._kept.get(name)) is not None}
        missing = sorted(set(names) - found.keys())
        if missing:
            cursor = self._rows.find({"_id": {"$in": missing}})
            found |= await self._unwrapped(await cursor.batch_size(len(missing) + 1).to_list(None))
        if lost := set(names) - found.keys():
            raise KeysUnavailable(reason=f"the keyring lacks {min(lost)}")
        return found

    async def current(self, owner: str) -> Key:
        """The key that wraps new ones, made if there is none; raises KeysUnavailable.

        It may have been retired since this process saw it: whoever wraps a new key with it calls
        `settle` after writing that.
        """
        found = self._current.get(owner)
        while found is None:
            rows = await self._rows.find({"_id": ids_of(owner)}).to_list(None)
            usable = [row for row in rows if "retired_at" not in row]
            if usable:
                last = max(usable, key=number_of)
                found = (await self._unwrapped([last]))[last["_id"]]
            else:
                found = await self.make(owner, max(map(number_of, rows), default=0) + 1)
        self._current.put(owner, found)
        return found

    async def make(self, owner: str, number: int) -> Key | None:
        """A new wrapping key; None if another process has just made that one."""
        key = Key(f"{owner}/{number}", os.urandom(KEY_BYTES))
        if owner == APPLICATION:
            stored = await self._wrapped_by_master(key)
        else:
            stored = await self.wrapped([key], APPLICATION)
        try:
            await self._rows.insert_one({**stored[0], "created_at": self._clock()})
        except DuplicateKeyError:
            return None
        if owner != APPLICATION:
            await self.settle([(key, stored[0]["by"])])
        self._kept.put(key.id, key)
        return key

    async def wrapped(self, keys: Sequence[Key], owner: str) -> list[dict[str, Any]]:
        """The rows of keys, as the owner's current key wraps them."""
        by = await self.current(owner)
        return [
            {"_id": key.id, "key": wrap(by, key.id, key.material), "by": by.id}
            for key in keys
            if key.material is not None
        ]

    async def settle(self, made: Sequence[tuple[Key, str]]) -> None:
        """Wraps new keys again whose wrapping key was retired before they were written.

        Who retires a wrapping key then wraps again all that it wrapped, so a key that was written
        before is seen there; one that is written later is not.
        """
        names = sorted({by for _, by in made})
        rows = await self._rows.find({"_id": {"$in": names}}, {"retired_at": 1}).to_list(None)
        await self.settle_by(made, rows)

    async def settle_by(self, made: Sequence[tuple[Key, str]], rows: Sequence[Row]) -> None:
        """The same, with the rows of the wrapping keys as they were read after the new keys were
        written."""
        good = {row["_id"] for row in rows if "retired_at" not in row}
        late = [(key, by) for key, by in made if by not in good]
        for owner in {owner_of(by) for _, by in late}:
            self.forget(owner)
        if late:
            await self.wrap_again(late)

    async def wrap_again(self, keys: Sequence[tuple[Key, str]]) -> int:
        """Wraps keys by the current key of the same owner, in place of the one that is named;
        returns how many."""
        writes = []
        for owner in {owner_of(by) for _, by in keys}:
            mine = {key.id: (key, by) for key, by in keys if owner_of(by) == owner}
            for row in await self.wrapped([key for key, _ in mine.values()], owner):
                before = {"_id": row["_id"], "by": mine[row["_id"]][1]}
                writes.append(UpdateOne(before, {"$set": {"key": row["key"], "by": row["by"]}}))
        if not writes:
            return 0
        return int((await self._rows.bulk_write(writes, ordered=False)).matched_count)

    def forget(self, owner: str) -> None:
        """Looks up anew which key wraps new ones."""
        self._current.drop(owner)

    async def _unwrapped(self, rows: Sequence[Row]) -> dict[str, Key]:
        """The keys of these rows of wrapping keys."""
        found: dict[str, Key] = {}
        of_shops = [row for row in rows if owner_of(row["_id"]) != APPLICATION]
        by = await self.of({row["by"] for row in of_shops})
        for row in rows:
            name = row["_id"]
            if owner_of(name) == APPLICATION:
                found[name] = await self._unwrapped_by_master(row)
            else:
                found[name] = Key(name, unwrap(by[row["by"]], name, row["key"]))
                self._kept.put(name, found[name])
        return found

    async def _wrapped_by_master(self, key: Key) -> list[dict[str, Any]]:
        if not self.masters or key.material is None:
            raise KeysUnavailable(reason=_NO_MASTER)
        name, master = next(iter(self.masters.items()))
        return [{"_id": key.id, "key": await master.wrap(key.id, key.material), "by": name}]

    async def _unwrapped_by_master(self, row: Row) -> Key:
        name = row["_id"]
        async with self._asking:
            found = self._kept.get(name)
            if found is None:
                master = self.masters.get(row["by"])
                if master is None:
                    raise KeysUnavailable(reason=_NO_MASTER)
                found = Key(name, await master.unwrap(name, row["key"]))
                self._kept.put(name, found)
        return found


_NO_MASTER: Final = (
    "neither CPLUS_KMS_KEY_ID nor CPLUS_APPLICATION_SECRET is set to what wraps the application key"
)
