"""Dropping: the generations that nobody reads any more, with their checkpoints."""

from __future__ import annotations

from datetime import timedelta

from cplus.errors import CplusError
from cplus.mongo import Database, ReturnDocument, ids_of
from cplus.projections.base import number_of
from cplus.projections.generations.lineage import GENERATIONS, Lineage, SwitchedMeanwhile
from cplus.subscriptions.checkpoints import CHECKPOINTS

GRACE = timedelta(seconds=30)
"""How long after a switch the generation before is kept for readers that are not done."""


class SwitchedJustNow(CplusError):
    """{name} was switched less than {seconds} seconds ago, and readers may still use the
    previous generation; try again a little later."""


async def drop(database: Database, name: str, grace: timedelta = GRACE) -> list[str]:
    """Drops every generation but the one that is read, and what earlier drops left behind;
    answers the collections. Raises SwitchedJustNow where readers may not be done with one."""
    # Before the list is touched: what is made from now on is none of them.
    there = await database.list_collection_names()
    document = await database[GENERATIONS].find_one({"_id": name})
    if document is None:
        return []
    lineage = Lineage.of(document)
    # Taken off the list first, so that nobody folds into it any more.
    known = [one.number for one in lineage.generations if one.number != lineage.live]
    # By the server's clock, as the time of the switch is.
    since = {"$add": ["$switched_at", grace // timedelta(milliseconds=1)]}
    long_ago = {"$or": [{"switched_at": None}, {"$expr": {"$lte": [since, "$$NOW"]}}]}
    after = await database[GENERATIONS].find_one_and_update(
        {"_id": name, "live": lineage.live, **long_ago},
        {
            "$set": {"before": None, "next": None},
            "$inc": {"term": 1},
            "$pull": {"generations": {"number": {"$in": known}}},
        },
        return_document=ReturnDocument.AFTER,
    )
    if after is None:
        if await database[GENERATIONS].find_one({"_id": name, "live": lineage.live}):
            raise SwitchedJustNow(name=name, seconds=int(grace.total_seconds()))
        raise SwitchedMeanwhile(name=name)
    left = Lineage.of(after)
    kept = {left.collection(one.number) for one in left.generations}
    gone = sorted(one for one in there if one.startswith(f"{name}.v") and one not in kept)
    # Before the rows: a runner at work there is refused, since the checkpoint is missing.
    checkpoints = database[CHECKPOINTS]
    begun = checkpoints.find({"projection": name}, {"_id": 1})
    old = {of async for one in begun if (of := one["_id"].partition("/")[0]) not in kept
           and number_of(of) <= document["last"]}  # fmt: skip
    for collection in sorted(old):
        await checkpoints.delete_many({"_id": ids_of(collection)})
    for collection in gone:
        await database.drop_collection(collection)
    return gone
