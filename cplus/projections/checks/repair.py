"""Mending: the rows of one shop put right in place."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import structlog

from cplus.clock import Clock, utc_now
from cplus.errors import CheckpointContended
from cplus.events.log.store import EventStore
from cplus.mongo import DeleteOne, Mongo, PyMongoError, ReplaceOne, is_transient
from cplus.projections.base import Projection
from cplus.projections.checks.in_memory import fold_shop
from cplus.projections.checks.verify import Difference, verify_shop
from cplus.subscriptions.checkpoints import (
    CHECKPOINTS,
    Checkpoint,
    Fenced,
    begin_checkpoint,
    standing,
)

log = structlog.get_logger()

TRIES: Final = 50


async def repair_shop(
    mongo: Mongo, store: EventStore, target: Projection, shop: str, clock: Clock = utc_now
) -> Sequence[Difference]:
    """Folds one shop's log anew and puts right, in one transaction, the rows of the generation
    that differ; answers what differed. Raises CannotFold, CheckpointContended."""
    for attempt in range(TRIES):
        found = await verify_shop(mongo, store, target, shop)
        if not found.differences:
            return []
        at = found.at
        if not at.stored:
            at = await begin_checkpoint(mongo.database, target, shop, clock())
        folded = await fold_shop(store, target, shop, end=(found.position, found.events))
        rows = {one.key: folded.rows.get(one.key) for one in found.differences}
        try:
            await _put_right(mongo, target, shop, replace(at, position=found.position), rows)
        except (Fenced, PyMongoError) as error:
            if not isinstance(error, Fenced) and not is_transient(error):
                raise
            await asyncio.sleep(min(0.01 * attempt, 0.2))
            continue
        log.warning("rows_put_right", projection=target.name, shop=shop, rows=len(rows))
        return found.differences
    raise CheckpointContended(projection=target.name, shop=shop)


async def _put_right(
    mongo: Mongo, target: Projection, shop: str, at: Checkpoint, rows: Mapping[str, Any]
) -> None:
    operations: list[Any] = []
    for key, row in rows.items():
        place = {"_id": f"{shop}/{key}"}
        if row is None:
            operations.append(DeleteOne(place))
        else:
            operations.append(ReplaceOne(place, {**place, "shop": shop, **row}, upsert=True))

    async def work(session: Any) -> None:
        # The fence, both ways: these rows are as of that checkpoint, and a runner that loaded
        # the wrong ones must not write what it makes of them.
        answer = await mongo.database[CHECKPOINTS].update_one(
            standing(target, shop, at), {"$inc": {"repairs": 1}}, session=session
        )
        if answer.matched_count == 0:
            raise Fenced
        await mongo.database[target.collection].bulk_write(
            operations, ordered=False, session=session
        )

    await mongo.transaction(work)
