"""Rows of the directory by the persons whose they are, and tombstones in their place."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from cplus.mongo import Collection as Rows
from cplus.mongo import ReplaceOne, UpdateOne
from cplus.privacy.identities import Row
from cplus.privacy.tombstones import is_account, is_tombstone, tombstone

_WATCHED: Final = ("person", "holder", "address", "at", "told_at", "ended")
"""What makes a row another one, if another process changes it."""


def watched(row: Row) -> dict[str, Any]:
    """Matches the row as long as it means what it meant when it was read."""
    return {"_id": row["_id"]} | {name: row.get(name) for name in _WATCHED}


async def rows_of(rows: Rows, shop: str, persons: Collection[str]) -> list[Row]:
    """The rows of a shop that are of one of these persons, or of somebody whom they were joined
    into; tombstones too."""
    one_of = {"$in": sorted(persons)}
    # The shop in each: beside the `$or`, the server would walk over all of its rows.
    wanted = {"$or": [{"shop": shop, name: one_of} for name in ("person", "former")]}
    return list(await rows.find(wanted).to_list(None))


async def bury(rows: Rows, found: Sequence[Row], at: datetime) -> None:
    """Puts tombstones in place of these rows, which are all of one person, except for those that
    have changed since they were read."""
    lead = not any(map(is_account, found))
    living = [row for row in found if not is_tombstone(row)]
    # First what is named and not there: another process may be about to insert it, for it names a
    # row before it inserts it. Once the rows that name it are gone, nobody would know of it.
    named = {
        row[name]: tombstone(row[name], row, at, lead=lead)
        for row in living
        for name in ("address", "holder")
        if row.get(name)
    }
    missing = [one for name, one in named.items() if name not in {row["_id"] for row in found}]
    if missing:
        await rows.bulk_write(
            [UpdateOne({"_id": one["_id"]}, {"$setOnInsert": one}, upsert=True) for one in missing],
            ordered=False,
        )
    dead = [(row, tombstone(row["_id"], row, at, lead=lead)) for row in living]
    await rows.bulk_write([ReplaceOne(watched(row), one) for row, one in dead], ordered=False)
