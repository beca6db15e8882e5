"""A collection that `cplus replay` fills: beside what lives, and there only when it is whole."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any, Final, TypeAlias

from cplus.errors import CplusError
from cplus.ids import random_id
from cplus.mongo import (
    Collection,
    Database,
    IndexModel,
    OperationFailure,
    PyMongoError,
    as_stored,
    canonical,
)
from cplus.projections.base import Projection, Row
from cplus.projections.groups import ALL
from cplus.projections.rows import RESERVED, document_of

Put: TypeAlias = Callable[[str, Mapping[str, Row]], Awaitable[None]]
"""(shop, rows by key) -> they are written."""

MARK: Final = "made_by_replay"
"""The name of an index of no rows: who has it was made by a replay, and may be replaced by one."""
PART: Final = ".part"
BATCH: Final = 1_000
"""Rows that are written at once."""

LARGEST: Final = 16 * 1024 * 1024
"""Bytes of a document that MongoDB takes at most."""
DEEPEST: Final = 100
"""Levels of values within values that MongoDB takes at most."""

_STORED: Final = (bool, float, datetime, type(None))
_NAME: Final = re.compile(r"(?=.{1,100}$)[A-Za-z_][\w-]*(\.[\w-]+)*", re.ASCII)
_NAMESPACE_EXISTS: Final = 48


class NoCollectionName(CplusError):
    """{name!r} cannot name the collection of a replay: {reason}."""


class CollectionTaken(CplusError):
    """The collection {name!r} exists and was not made by a replay; choose another name."""


class ReplayedBefore(CplusError):
    """The collection {name!r} was made by an earlier replay; use --replace to replace it."""


class HalfReplayed(CplusError):
    """The collection {name!r} exists: another replay is running, or one was killed. If none is
    running, use --replace to drop it."""


class Overtaken(CplusError):
    """Another replay with --replace dropped the rows of this one ({name!r}); run one at a
    time."""


class UnfitRow(CplusError):
    """The row {key!r} of {shop} cannot be stored: {fault}."""


@asynccontextmanager
async def filled(
    database: Database, projection: Projection, name: str, *, replace: bool
) -> AsyncIterator[Put]:
    """Makes the collection `name` of what the block puts, with the indexes of the projection.

    It is filled under another name and renamed at the end, so it is whole or not there; after an
    error nothing is left of it. With `replace` it takes the place of one that a replay made
    before. Raises NoCollectionName, CollectionTaken, ReplayedBefore, HalfReplayed, Overtaken and
    UnfitRow.
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
    # A name of its own: a replay that is overtaken writes nothing into the newer one.
    part = database[f"{name}.{random_id()}{PART}"]
    try:
        await _ended(_make(database, part, projection))
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
        raise NoCollectionName(name=name, reason=f"{PART} is reserved for unfinished collections")
    for one in (projection, *ALL):
        if name.startswith(f"{one.name}.v"):
            reason = f"names that begin with {one.name}.v belong to the read model {one.name}"
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
    documents = []
    for key, row in rows.items():
        check_row(shop, key, row)
        documents.append(document_of(shop, key, row))
    for start in range(0, len(documents), BATCH):
        await _ended(part.insert_many(documents[start : start + BATCH], ordered=False))


async def _ended(work: Awaitable[Any]) -> None:
    """Waits for the work to end, also where it is cancelled: a driver with threads goes on all the
    same, and would make a collection anew that was dropped meanwhile."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        with suppress(PyMongoError):
            await task
        raise


async def _renamed(part: Collection, name: str, *, replace: bool) -> None:
    try:
        # Nobody holds a cursor on what a replay made, so the old one may be dropped with it.
        await part.rename(name, dropTarget=replace)
    except OperationFailure as error:
        if error.code == _NAMESPACE_EXISTS:
            raise ReplayedBefore(name=name) from None
        raise


def check_row(shop: str, key: object, row: object) -> None:
    """Raises UnfitRow, which tells kinds and no values, where this is no row that a read model can
    hold."""
    if fault := _fault_of_row(shop, key, row):
        raise UnfitRow(shop=shop, key=key, fault=fault)


def _fault_of_row(shop: str, key: object, row: object) -> str:
    if not isinstance(key, str):
        return f"its key is of type {type(key).__name__}, not a string"
    if fault := _fault(key):
        return f"its key is {fault}"
    if not isinstance(row, Mapping):
        return f"it is of type {type(row).__name__}, not a mapping"
    for name, value in row.items():
        if fault := _fault_of_name(name):
            return fault
        if name in RESERVED:
            return f"it has a field {name}, which is reserved for the runner"
        if fault := _fault(value):
            return f"the field {name} holds {fault}"
    try:
        size = len(canonical(document_of(shop, key, row)))
    except Exception as error:  # noqa: BLE001  its words hold values
        return f"storing it raises {type(error).__name__}"
    return f"it is {size:,} bytes; the limit is {LARGEST:,}" if size > LARGEST else ""


def _fault(value: object, depth: int = 2) -> str:
    """The kind of the first value within this one that cannot be stored; nothing where all can."""
    if depth > DEEPEST:
        return f"more than {DEEPEST} levels of nesting"
    if isinstance(value, Mapping):
        found = (_fault_of_name(name) or _fault(one, depth + 1) for name, one in value.items())
        return next(filter(None, found), "")
    if isinstance(value, list | tuple):
        return next(filter(None, (_fault(one, depth + 1) for one in value)), "")
    return _fault_of_one(value)


def _fault_of_one(value: object) -> str:
    if isinstance(value, float) and value != value:  # noqa: PLR0124  only NaN is
        return "NaN, which equals nothing, so the row would always differ"
    if type(value) in _STORED or (type(value) is str and value.isascii()):
        return ""  # most values are of these types, and trying to store each is slow
    try:
        as_stored({"": value})
    except UnicodeError:
        return "text that is not valid Unicode, such as half of a surrogate pair"
    except OverflowError:
        return "an integer of more than 8 bytes"
    except Exception:  # noqa: BLE001  its message has the value
        return f"a value of type {type(value).__name__}"
    return ""


def _fault_of_name(name: object) -> str:
    if not isinstance(name, str):
        return f"a field name is of type {type(name).__name__}, not a string"
    try:
        canonical({name: None})
    except Exception:  # noqa: BLE001  its message has the name
        return "a field name has a character that is not allowed"
    return ""
