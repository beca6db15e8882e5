"""Verifying: the log folded in memory, compared row by row with what is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Mongo, as_stored
from cplus.projections.base import Projection, Row
from cplus.projections.checks.fold_in_memory import CannotFold, fold_shop
from cplus.projections.counting import counts_of
from cplus.projections.rows import all_rows, take_row
from cplus.subscriptions.checkpoints import CHECKPOINTS, Checkpoint, Parked, checkpoint_id


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that is not what the log says. Field names only: values may be about a person."""

    shop: str
    key: str
    kind: Literal["missing", "too_much", "differs", "miscounted"]
    """As stored: it is not there, it should not be there, or fields are other ones. Miscounted is
    no row but the shop, whose key is empty: the counts of these names are not those of the rows."""
    fields: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found in one shop."""

    shop: str
    position: int
    """Up to where log and rows were compared: the checkpoint's."""
    events: int
    rows: int
    differences: Sequence[Difference] = field(default_factory=list)
    parked: Parked | None = None
    """Why no more of the log was folded, if the shop is parked."""
    at: Checkpoint = field(default_factory=Checkpoint)
    """The checkpoint that was read with the rows."""


async def read_rows(
    mongo: Mongo, projection: Projection, shop: str
) -> tuple[Checkpoint, dict[str, Row]]:
    """The checkpoint and the rows of a shop as they were at one moment."""
    database = mongo.database
    async with mongo.snapshot() as session:
        found = await database[CHECKPOINTS].find_one(
            {"_id": checkpoint_id(projection.collection, shop)}, session=session
        )
        cursor = database[projection.collection].find(all_rows(shop), session=session)
        stored = await cursor.to_list(None)
        rows: dict[str, Row] = dict(take_row(shop, document) for document in stored)
    return Checkpoint.of(found), rows


async def verify_shop(
    mongo: Mongo,
    store: EventStore,
    reader: EventReader,
    projection: Projection,
    shop: str,
) -> Verified:
    """Compares the rows of one generation with the log up to its checkpoint. Raises CannotFold
    where this code cannot fold what was folded once."""
    at, stored = await read_rows(mongo, projection, shop)
    folded = await fold_shop(store, reader, projection, shop, end=(at.position, at.seq))
    if folded.stop is not None:
        stop = folded.stop
        raise CannotFold(
            projection=projection.name,
            position=stop.position,
            shop=shop,
            reason=stop.reason,
            type=stop.type,
        )
    differences = compare(shop, folded.rows, stored)
    differences += compare_counts(shop, counts_of(projection, folded.rows), at.counts)
    return Verified(shop, at.position, at.seq, len(stored), differences, at.parked, at)


def compare(shop: str, told: Mapping[str, Row], stored: Mapping[str, Row]) -> list[Difference]:
    """The rows that are stored otherwise than the log tells, by key. Pure."""
    found: list[Difference] = []
    for key in sorted(told.keys() | stored.keys()):
        if key not in stored:
            found.append(Difference(shop, key, "missing"))
        elif key not in told:
            found.append(Difference(shop, key, "too_much"))
        elif told[key] != stored[key]:
            one, other = as_stored(told[key]), stored[key]
            fields = [
                name
                for name in sorted(one.keys() | other.keys())
                if one.get(name, _NOTHING) != other.get(name, _NOTHING)
            ]
            if fields:
                found.append(Difference(shop, key, "differs", fields))
    return found


def compare_counts(
    shop: str, told: Mapping[str, int] | None, stored: Mapping[str, int] | None
) -> list[Difference]:
    """The counts that are stored otherwise than the log tells; none where either was not counted,
    since pages then count by themselves. Pure."""
    if told is None or stored is None or told == stored:
        return []
    names = sorted(told.keys() | stored.keys())
    wrong = [name for name in names if told.get(name, 0) != stored.get(name, 0)]
    return [Difference(shop, "", "miscounted", wrong)]


_NOTHING: Any = object()


async def shops_of(mongo: Mongo, store: EventStore, projection: Projection) -> list[str]:
    """Every shop of the log, and every shop with rows or a checkpoint in the generation."""
    checkpoints, rows = mongo.database[CHECKPOINTS], mongo.database[projection.collection]
    named, by_shop = {"$match": {"projection": projection.name}}, {"$group": {"_id": "$shop"}}
    found = await mongo.aggregate(checkpoints, [named, by_shop])
    found += await mongo.aggregate(rows, [{"$sort": {"shop": 1}}, by_shop])
    return sorted({*(one["_id"] for one in found), *await store.heads()})
