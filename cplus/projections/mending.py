"""Mending: the rows of one shop put right in place."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog

from cplus.errors import CheckpointContended
from cplus.events.store import EventStore
from cplus.mongo import DeleteOne, Mongo, PyMongoError, ReplaceOne, is_transient
from cplus.projections.base import Projection
from cplus.projections.checkpoints import CHECKPOINTS, Fenced, checkpoint_id
from cplus.projections.verify import Difference, fold_shop, verify_shop

log = structlog.get_logger()

TRIES: Final = 50


async def repair_shop(
    mongo: Mongo, store: EventStore, target: Projection, shop: str
) -> Sequence[Difference]:
    """Folds one shop's log anew and puts right, in one transaction, the rows of the generation
    that differ; answers what differed. Raises CannotFold, CheckpointContended."""
    for attempt in range(TRIES):
        verified = await verify_shop(mongo, store, target, shop)
        if not verified.differences:
            return []
        folded = await fold_shop(store, target, shop, end=(verified.position, verified.events))
        wrong = [one.key for one in verified.differences]
        rows = {key: folded.rows.get(key) for key in wrong}
        try:
            await _put_right(mongo, target, shop, verified.position, rows)
        except (Fenced, PyMongoError) as error:
            if not isinstance(error, Fenced) and not is_transient(error):
                raise
            await asyncio.sleep(min(0.01 * attempt, 0.2))
            continue
        log.warning("rows_put_right", projection=target.name, shop=shop, rows=len(rows))
        return verified.differences
    raise CheckpointContended(projection=target.name, shop=shop)


async def _put_right(
    mongo: Mongo, target: Projection, shop: str, position: int, rows: Mapping[str, Any]
) -> None:
    operations: list[Any] = []
    for key, row in rows.items():
        place = {"_id": f"{shop}/{key}"}
        if row is None:
            operations.append(DeleteOne(place))
        else:
            operations.append(ReplaceOne(place, {**place, "shop": shop, **row}, upsert=True))

    async def work(session: Any) -> None:
        # The fence: rows as of one position go in only where the checkpoint still has it.
        checkpoints, _id = mongo.database[CHECKPOINTS], checkpoint_id(target.collection, shop)
        answer = await checkpoints.update_one(
            {"_id": _id, "position": position}, {"$inc": {"repairs": 1}}, session=session
        )
        begun = answer.matched_count or await checkpoints.find_one({"_id": _id}, session=session)
        if answer.matched_count == 0 and (position or begun):
            raise Fenced
        await mongo.database[target.collection].bulk_write(
            operations, ordered=False, session=session
        )

    await mongo.transaction(work)
