"""A collection that `cplus replay` fills: beside what lives, and there only when it is whole."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final, TypeAlias

from cplus.errors import CplusError
from cplus.ids import random_id
from cplus.mongo import Collection, Database, IndexModel, OperationFailure, PyMongoError
from cplus.projections.base import Projection, Row
from cplus.projections.groups import ALL

Put: TypeAlias = Callable[[str, Mapping[str, Row]], Awaitable[None]]
"""(shop, rows by key) -> they are written."""

MARK: Final = "made_by_replay"
"""The name of an index of no rows: who has it was made by a replay, and may be replaced by one."""
PART: Final = ".part"
BATCH: Final = 1_000
"""Rows that are written at once."""

_NAME: Final = re.compile(r"(?=.{1,100}$)[A-Za-z_][\w-]*(\.[\w-]+)*", re.ASCII)
_NAMESPACE_EXISTS: Final = 48


class NoCollectionName(CplusError):
    """{name!r} cannot name the collection of a replay: {reason}."""


class CollectionTaken(CplusError):
    """The collection {name!r} is there and was not made by a replay; choose another name."""


class ReplayedBefore(CplusError):
    """The collection {name!r} was made by a replay before; --replace puts the new rows there."""


class HalfReplayed(CplusError):
    """The collection {name!r} is there: another replay is at work, or one was killed. Where none
    is at work, --replace drops it."""


class Overtaken(CplusError):
    """Another replay with --replace dropped what this one had made of {name!r}; run one of them
    at a time."""


@asynccontextmanager
async def filled(
    database: Database, projection: Projection, name: str, *, replace: bool
) -> AsyncIterator[Put]:
    """Makes the collection `name` of what the block puts, with the indexes of the projection.

    It is filled under another name and renamed at the end, so it is whole or not there; after an
    error nothing is left of it. With `replace` it takes the place of one that a replay made
    before. Raises NoCollectionName, CollectionTaken, ReplayedBefore, HalfReplayed and Overtaken.
    """
    check_name(name, projection)
    there = await database.list_collection_names()
    if name in there:
        if not await _is_marked(database[name]):
            raise CollectionTaken(name=name)
        if not replace:
            raise ReplayedBefore(name=name)
    for one in sorted(there):
        if not _is_part(one, name):
            continue
        left = database[one]
        # One that was killed at once has no mark yet, and nothing else.
        if not replace or not (await _is_marked(left) or not await left.find_one()):
            raise HalfReplayed(name=one)
        await left.drop()
    # A name of its own: whoever is overtaken puts nothing into what overtook it.
    part = database[f"{name}.{random_id()}{PART}"]
    await _make(database, part, projection)
    try:
        yield lambda shop, rows: _put(part, shop, rows)
        if not await _is_marked(part):  # it was dropped, and made again by what was put
            raise Overtaken(name=name)
        await _renamed(part, name, replace=name in there)
    except BaseException:
        with suppress(PyMongoError):
            await part.drop()
        raise


def check_name(name: str, projection: Projection) -> None:
    """Raises NoCollectionName where it is none, or is one that a read model may have."""
    if not _NAME.fullmatch(name) or name.startswith("system."):
        reason = "letters, digits, `_`, `-` and `.` make one, and it begins with a letter"
        raise NoCollectionName(name=name, reason=reason)
    if name.endswith(PART):
        raise NoCollectionName(name=name, reason=f"{PART} is for what is not whole yet")
    for one in (projection, *ALL):
        if name.startswith(f"{one.name}.v"):
            reason = f"what begins with {one.name}.v belongs to the read model {one.name}"
            raise NoCollectionName(name=name, reason=reason)


async def _is_marked(collection: Collection) -> bool:
    return MARK in await collection.index_information()


def _is_part(one: str, name: str) -> bool:
    """Whether it is what a replay into `name` has not ended, or was left by a killed one."""
    return re.fullmatch(rf"{re.escape(name)}(\.[a-z0-9]+)?{re.escape(PART)}", one) is not None


async def _make(database: Database, part: Collection, projection: Projection) -> None:
    await database.create_collection(part.name)
    indexes = [IndexModel([("shop", 1), *keys]) for keys in projection.indexes]
    mark = IndexModel([(MARK, 1)], name=MARK, sparse=True)
    await part.create_indexes([mark, *indexes])


async def _put(part: Collection, shop: str, rows: Mapping[str, Row]) -> None:
    documents = [{"_id": f"{shop}/{key}", "shop": shop, **row} for key, row in rows.items()]
    for start in range(0, len(documents), BATCH):
        await part.insert_many(documents[start : start + BATCH], ordered=False)


async def _renamed(part: Collection, name: str, *, replace: bool) -> None:
    try:
        # Nobody holds a cursor on what a replay made, so the old one may be dropped with it.
        await part.rename(name, dropTarget=replace)
    except OperationFailure as error:
        if error.code == _NAMESPACE_EXISTS:
            raise ReplayedBefore(name=name) from None
        raise
