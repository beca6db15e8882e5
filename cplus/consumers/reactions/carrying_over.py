"""Between the reactions and the one reactor `react` that they were: a release that has `react` may
run beside one that has the reactions, before it or after it.

What `react` passed, it handed out for all of them; what all of them passed is nothing to `react`.
So the checkpoint that is further on may be taken over in both directions, and never one that is
further back. What is handed out twice meanwhile does no harm: each hand-out is held by a claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from cplus.consumers.reactions.reaction import Reaction
from cplus.mongo import Mongo
from cplus.subscriptions.checkpoints import CHECKPOINTS

REACT: Final = "react"
"""Names the checkpoints of the one reactor."""

_FURTHER: Final = [
    {
        "$replaceWith": {
            "$cond": [
                {"$gt": ["$$new.position", "$position"]},
                {"$mergeObjects": ["$$ROOT", "$$new"]},
                "$$ROOT",
            ]
        }
    }
]


async def carry_over(mongo: Mongo, reactions: Sequence[Reaction], now: datetime) -> None:
    """Moves each reaction in each shop to where `react` is, unless it is there or further on.
    Repeatable; a worker that moves a checkpoint meanwhile is fenced, or was further on."""
    for reaction in reactions:
        if reaction.was_react:
            copied = {
                "_id": {"$concat": [f"{reaction.name}/", "$shop"]},
                "projection": reaction.name,
                "version": reaction.version,
                "retry": None,
            }
            await _merge(mongo, [{"$match": {"projection": REACT}}], copied, now)


async def carry_back(mongo: Mongo, reactions: Sequence[Reaction], now: datetime) -> None:
    """Puts `react` in each shop where the slowest of its reactions stands, unless it is further
    on: code from before the reactions then begins there. May be repeated."""
    names = [reaction.name for reaction in reactions if reaction.was_react]
    slowest: list[dict[str, Any]] = [
        {"$match": {"projection": {"$in": names}}},
        {
            "$group": {
                "_id": "$shop",
                "position": {"$min": "$position"},
                "seq": {"$min": "$seq"},
                "of": {"$sum": 1},
            }
        },
        {"$match": {"of": len(names)}},  # one that has not begun is slower than all
    ]
    copied = {
        "_id": {"$concat": [f"{REACT}/", "$_id"]},
        "projection": REACT,
        "version": 1,
        "shop": "$_id",
        "position": "$position",
        "seq": "$seq",
        "parked": None,
        "term": 0,
    }
    await _merge(mongo, [*slowest, {"$unset": "of"}], copied, now)


async def _merge(
    mongo: Mongo, found: list[dict[str, Any]], copied: dict[str, Any], now: datetime
) -> None:
    await mongo.aggregate(
        mongo.database[CHECKPOINTS],
        [
            *found,
            {"$set": {**copied, "updated_at": now}},
            {"$merge": {"into": CHECKPOINTS, "whenMatched": _FURTHER, "whenNotMatched": "insert"}},
        ],
    )
