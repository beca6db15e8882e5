"""Repairs the rows of one shop in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

import structlog

from cplus.clock import Clock, utc_now
from cplus.errors import CheckpointContended
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Mongo, PyMongoError, is_transient
from cplus.projections.base import Projection
from cplus.projections.checks.fold_in_memory import fold_shop
from cplus.projections.checks.verify import Difference, verify_shop
from cplus.projections.counting import counts_of
from cplus.projections.running.fenced_write import write_fenced
from cplus.retries import Retries
from cplus.subscriptions.checkpoints import Fenced, begin_checkpoint, count_repair

log = structlog.get_logger()

RETRIES: Final = Retries(tries=50, pause=0.01, longest=0.2)


async def repair_shop(
    mongo: Mongo,
    store: EventStore,
    reader: EventReader,
    target: Projection,
    shop: str,
    clock: Clock = utc_now,
    *,
    retries: Retries = RETRIES,
) -> Sequence[Difference]:
    """Folds one shop's log and repairs, in one transaction, the rows of the generation that differ;
    returns the differences. Raises CannotFold, CheckpointContended."""
    once = partial(_repair_once, mongo, store, reader, target, shop, clock)
    try:
        return await retries.of(once, Fenced, projection=target.name, shop=shop)
    except Fenced:
        raise CheckpointContended(projection=target.name, shop=shop) from None


async def _repair_once(
    mongo: Mongo,
    store: EventStore,
    reader: EventReader,
    target: Projection,
    shop: str,
    clock: Clock,
) -> Sequence[Difference]:
    """Raises Fenced if another process wrote meanwhile."""
    found = await verify_shop(mongo, store, reader, target, shop)
    uncounted = target.counts is not None and found.at.stored and found.at.counts is None
    if not found.differences and not uncounted:
        return []
    at = found.at
    if not at.stored:
        at = await begin_checkpoint(mongo.database, target, shop, clock())
    folded = await fold_shop(store, reader, target, shop, end=(found.position, found.events))
    wrong = [one for one in found.differences if one.kind != "miscounted"]
    rows = {one.key: folded.rows.get(one.key) for one in wrong}
    missing = {one.key for one in found.differences if one.kind == "missing"}
    # These rows belong to that checkpoint, and a runner that loaded the wrong rows must not write
    # anything based on them.
    as_of = replace(at, position=found.position)
    counts = counts_of(target, folded.rows)
    fence = partial(count_repair, mongo.database, target, shop, as_of, counts)
    try:
        await write_fenced(mongo, target, shop, rows, missing, fence)
    except PyMongoError as error:
        if is_transient(error):
            raise Fenced from error
        raise
    log.warning("rows_repaired", projection=target.name, shop=shop, rows=len(rows))
    return found.differences
