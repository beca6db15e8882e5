"""Inserts commits into MongoDB, and finds the outcome for each shop."""

from __future__ import annotations

import asyncio
import itertools
from bisect import bisect_right
from collections.abc import Sequence

from cplus.mongo import (
    MAJORITY,
    Database,
    PyMongoError,
    RawBSONDocument,
    WriteConcernError,
    WriteError,
)

COMMITS = "commits"
"""The collection that commits are stored in."""
_DUPLICATE = 11000


async def insert_runs(
    database: Database, runs: Sequence[Sequence[bytes]]
) -> list[bool | Exception]:
    """Inserts runs of commits, each of another shop; see `Commits.insert` for what it returns and
    raises."""
    # With one commit per shop the order does not matter: a refusal affects no other.
    ordered = any(len(run) > 1 for run in runs)
    refused = await _insert(database, [raw for run in runs for raw in run], ordered=ordered)
    if not ordered:
        return [(refused[at] or False) if at in refused else True for at in range(len(runs))]
    if not refused:
        return [True] * len(runs)
    [(index, error)] = refused.items()  # nothing after it was written
    ends = list(itertools.accumulate(map(len, runs)))
    whole = bisect_right(ends, index)
    # One by one: written together, they would stop at the next refusal again.
    others = await asyncio.gather(*(_insert_run(database, run) for run in runs[whole + 1 :]))
    return [*[True] * whole, error or False, *others]


async def _insert_run(database: Database, run: Sequence[bytes]) -> bool | Exception:
    try:
        refused = await _insert(database, run, ordered=True)
    except PyMongoError as error:
        return error
    for error_or_duplicate in refused.values():
        return error_or_duplicate or False
    return True


async def _insert(
    database: Database, raws: Sequence[bytes], *, ordered: bool
) -> dict[int, Exception | None]:
    """The refused ones by index: None for a duplicate, else the error.

    It is asked as a command and not through `insert_many`: the driver would repeat it by
    itself after a broken connection, for which the server keeps a record of each insert.
    Here the claim tells the outcome, and the answer shows a failed write concern also
    if there are duplicates.
    """
    answer = await database.command(
        {
            "insert": COMMITS,
            "ordered": ordered,
            "writeConcern": MAJORITY.document,
            "documents": [RawBSONDocument(raw) for raw in raws],
        }
    )
    if failed := answer.get("writeConcernError"):
        raise WriteConcernError(failed["errmsg"], failed["code"], failed)
    errors = answer.get("writeErrors", ())
    if answer["n"] + len(errors) != len(raws) and not (ordered and errors):
        # The acknowledgement depends on it: anything missing from the reply is unknown.
        raise PyMongoError("the answer to an insert tells less than was asked")
    return {
        error["index"]: None
        if error["code"] == _DUPLICATE
        else WriteError(error["errmsg"], error["code"], error)
        for error in errors
    }
