"""Changes to which generations a projection has, and to which of them leads and is read: each is
one write to the one document."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cplus.clock import utc_now
from cplus.mongo import Database, DuplicateKeyError, IndexModel, ReturnDocument
from cplus.projections.base import Projection
from cplus.projections.generations.lineage import (
    GENERATIONS,
    Lineage,
    SwitchedMeanwhile,
    driven,
    read_lineages,
)
from cplus.subscriptions import checkpoints


async def ensure_indexes(database: Database, projections: Sequence[Projection]) -> None:
    """Makes the indexes of the checkpoints, and the collections of the rows with theirs."""
    await checkpoints.ensure_indexes(database)
    await ensure_generations(database, projections)


async def ensure_generations(database: Database, projections: Sequence[Projection]) -> None:
    """Makes the first generation of each name that has none, and missing indexes of the rest."""
    lineages = await read_lineages(database)
    for projection in projections:
        if projection.name not in lineages:
            await _make_rows(database, projection)
            one = {"number": 1, "version": projection.version, "filled": True}
            document = {
                "_id": projection.name,
                "live": 1,
                "before": None,
                "next": None,
                "term": 0,
                "last": 1,
                "generations": [{**one, "made_at": utc_now()}],
                "switched_at": None,
            }
            with contextlib.suppress(DuplicateKeyError):  # somebody else was quicker
                await database[GENERATIONS].insert_one(document)
    for target in await driven(database, projections):
        await _make_rows(database, target.projection)


async def _make_rows(database: Database, projection: Projection) -> None:
    # One at least, so that the collection is there before a transaction writes to it.
    indexes = [IndexModel([("shop", 1), *keys]) for keys in projection.indexes or ((),)]
    await database[projection.collection].create_indexes(indexes)


async def begin(database: Database, projection: Projection) -> Projection:
    """The generation that is to be filled: the one that was begun and not ended, else a new one,
    made before anything is folded into it."""
    await ensure_generations(database, [projection])
    lineage = (await read_lineages(database))[projection.name]
    for one in lineage.generations:
        if not one.filled and one.version == projection.version:
            return replace(projection, generation=one.number)
    # On the list first, and in one write: a drop takes every collection that is not on it.
    number = {"$add": ["$last", 1]}
    new = {"number": number, "version": projection.version, "filled": False, "made_at": "$$NOW"}
    change = {"last": number, "generations": {"$concatArrays": ["$generations", [new]]}}
    row = await database[GENERATIONS].find_one_and_update(
        {"_id": projection.name}, [{"$set": change}], return_document=ReturnDocument.AFTER
    )
    made = replace(projection, generation=row["last"])
    await _make_rows(database, made)
    return made


async def begin_run(database: Database, projection: Projection, run: str) -> None:
    """From now on the messages of fan-out `run` fill the generation, and those of no other."""
    await database[GENERATIONS].update_one(
        {"_id": projection.name, "generations.number": projection.generation},
        {"$set": {"generations.$.run": run}},
    )


async def end_run(database: Database, projection: Projection, run: str) -> None:
    """What is left of fan-out `run` is void from now on; nothing where another has begun."""
    one = {"number": projection.generation, "run": run}
    await database[GENERATIONS].update_one(
        {"_id": projection.name, "generations": {"$elemMatch": one}},
        {"$unset": {"generations.$.run": ""}},
    )


async def lead(database: Database, lineage: Lineage, to: int) -> Lineage:
    """Has generation `to` lead from now on, in a new term, as it is about to be read; answers the
    lineage after it. Raises SwitchedMeanwhile."""
    row = await database[GENERATIONS].find_one_and_update(
        {**_as_known(lineage), "generations.number": to},
        {"$set": {"next": to}, "$inc": {"term": 1}},
        return_document=ReturnDocument.AFTER,
    )
    if row is None:
        raise SwitchedMeanwhile(name=lineage.name)
    return Lineage.of(row)


async def give_back(database: Database, lineage: Lineage) -> bool:
    """Has the generation that is read lead again, in a new term; False where somebody else has
    changed the leader since `lineage` was read."""
    answer = await database[GENERATIONS].update_one(
        _as_known(lineage), {"$set": {"next": None}, "$inc": {"term": 1}}
    )
    return bool(answer.matched_count)


async def switch(database: Database, lineage: Lineage) -> None:
    """Reads from the generation that is about to be read, from now on, in one write; raises
    SwitchedMeanwhile where it does not lead any more."""
    to = lineage.next
    filled = {"$or": ["$$this.filled", {"$eq": ["$$this.number", to]}]}
    marked = {"$mergeObjects": ["$$this", {"filled": filled}]}
    change = {
        "live": to,
        "before": lineage.live,
        "next": None,
        "switched_at": "$$NOW",
        "generations": {"$map": {"input": "$generations", "in": marked}},
    }
    answer = await database[GENERATIONS].update_one(
        {**_as_known(lineage), "generations.number": to}, [{"$set": change}]
    )
    if answer.matched_count == 0:
        raise SwitchedMeanwhile(name=lineage.name)


def _as_known(lineage: Lineage) -> dict[str, Any]:
    """Finds the document while nobody has changed who leads. What has no term is at its first."""
    term = {"$in": [0, None]} if lineage.term == 0 else lineage.term
    return {"_id": lineage.name, "live": lineage.live, "next": lineage.next, "term": term}
