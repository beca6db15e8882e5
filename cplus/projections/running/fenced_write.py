"""The one transaction in which rows and a checkpoint are written together, or not at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Mapping
from typing import Any

from cplus.mongo import (
    BulkWriteError,
    DeleteOne,
    DuplicateKeyError,
    InsertOne,
    Mongo,
    OperationFailure,
    ReplaceOne,
)
from cplus.projections.base import Projection, Row
from cplus.projections.rows import document_of, row_id
from cplus.subscriptions.checkpoints import Fenced

_DUPLICATE = 11000


async def write_fenced(
    mongo: Mongo,
    projection: Projection,
    shop: str,
    changed: Mapping[str, Row | None],
    new: Container[str],
    fence: Callable[[Any], Awaitable[None]],
    at_step: Callable[[str], None] = lambda _step: None,
) -> None:
    """Writes the rows that changed (None: delete it) in one transaction with what `fence` writes,
    which is given the session and raises Fenced if the checkpoint is not what was read. `new` are
    the keys of rows that are not stored yet.

    Raises Fenced also if one of those is stored by now, TypeError for a row with a reserved
    field, and what the driver raises.
    """
    rows = mongo.database[projection.collection]
    operations = [_operation(shop, key, changed[key], new) for key in sorted(changed)]
    # One command for each kind, and none after one that fails: it would be told that the
    # transaction is gone, and that would hide what was wrong.
    operations.sort(key=lambda one: type(one).__name__)

    async def work(session: Any) -> None:
        # The checkpoint first: a runner that lost the race is told before it writes any row.
        at_step("write_checkpoint")
        await fence(session)
        at_step("write_rows")
        try:
            if operations:  # a repair may be of nothing but the counts
                await rows.bulk_write(operations, session=session)
        except DuplicateKeyError as error:
            raise Fenced from error
        except BulkWriteError as error:
            if _DUPLICATE in codes_of(error):
                raise Fenced from error
            raise
        at_step("commit")

    await mongo.transaction(work)


def _operation(shop: str, key: str, row: Row | None, new: Container[str]) -> Any:
    found = {"_id": row_id(shop, key)}
    if row is None:
        return DeleteOne(found)
    document = document_of(shop, key, row)
    return InsertOne(document) if key in new else ReplaceOne(found, document, upsert=True)


def codes_of(error: OperationFailure) -> set[int]:
    """MongoDB's codes for everything that failed."""
    failed = (error.details or {}).get("writeErrors", ())
    return {error.code or 0} | {one.get("code", 0) for one in failed}
