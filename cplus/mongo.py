"""The only import of the MongoDB driver: motor by default, PyMongo's own async API by setting.

Both speak the same verbs but for two: a session is started with and without `await`, and an
aggregation answers a cursor with and without `await`. `Mongo` hides the two.
"""

from __future__ import annotations

import inspect
import struct
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import bson
from bson.codec_options import CodecOptions
from bson.errors import InvalidDocument
from bson.raw_bson import RawBSONDocument
from pymongo import IndexModel, ReadPreference, ReturnDocument, timeout
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConnectionFailure,
    DocumentTooLarge,
    DuplicateKeyError,
    InvalidURI,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
    WriteError,
)
from pymongo.operations import DeleteOne, InsertOne, ReplaceOne, UpdateOne
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from cplus.errors import CplusError
from cplus.settings import Settings

__all__ = [
    "MAJORITY",
    "AutoReconnect",
    "BulkWriteError",
    "Collection",
    "ConnectionFailure",
    "Database",
    "DeleteOne",
    "DocumentTooLarge",
    "DuplicateKeyError",
    "IndexModel",
    "InsertOne",
    "InvalidDocument",
    "Mongo",
    "OperationFailure",
    "PyMongoError",
    "Raw",
    "RawBSONDocument",
    "ReplaceOne",
    "ReturnDocument",
    "UpdateOne",
    "WriteConcernError",
    "WriteError",
    "as_stored",
    "bounded",
    "bounded_raw",
    "canonical",
    "connect",
    "decoded",
    "decoded_all",
    "ids_of",
    "is_transient",
]

# The collections of both drivers have the same methods and no common type.
Collection: TypeAlias = Any
Database: TypeAlias = Any

MAJORITY = WriteConcern(w="majority")
_LENGTH = struct.Struct("<i")  # what a document begins with
_TZ_AWARE: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)
_COMMIT_TRIES = 5


class NoConnectionString(CplusError):
    """The setting mongo_uri (CPLUS_MONGO_URI) is not a MongoDB connection string, or has an
    invalid port or option. It must begin with mongodb:// or mongodb+srv://. It is not shown here,
    because it may hold a password."""


class Mongo:
    """A client, and the databases of this deployment with majority reads and writes."""

    def __init__(self, client: Any, settings: Settings) -> None:
        self.client = client
        self.database = self._majority(settings.mongo_database)
        self.keyring = self._majority(settings.mongo_keyring_database)

    def _majority(self, name: str) -> Database:
        return self.client.get_database(
            name,
            codec_options=_TZ_AWARE,
            read_preference=ReadPreference.PRIMARY,
            read_concern=ReadConcern("majority"),
            write_concern=MAJORITY,
        )

    async def answers(self, seconds: float) -> None:
        """Returns when any member of the set answers; raises the driver's error where none does in
        so many seconds, which is less than the driver waits for a primary."""
        with timeout(seconds):
            await self.client.admin.command("ping", read_preference=ReadPreference.NEAREST)

    async def aggregate(
        self, collection: Collection, pipeline: list[dict[str, Any]], **options: Any
    ) -> list[dict[str, Any]]:
        """All that the aggregation answers, as a list."""
        cursor = collection.aggregate(pipeline, **options)
        if inspect.isawaitable(cursor):
            cursor = await cursor
        return list(await cursor.to_list(None))

    async def transaction(self, work: Callable[[Any], Awaitable[None]]) -> None:
        """Runs `work(session)` in one transaction, once.

        A conflict with another writer raises the driver's error (see `is_transient`): the caller
        has to read again before it tries again. Only the commit itself is repeated, which
        MongoDB allows while its outcome is unknown.
        """
        session = self.client.start_session()
        if inspect.isawaitable(session):
            session = await session
        async with session:
            started = session.start_transaction(
                read_concern=ReadConcern("snapshot"), write_concern=MAJORITY
            )
            if inspect.isawaitable(started):
                await started
            try:
                await work(session)
            except BaseException:
                if session.in_transaction:
                    await session.abort_transaction()
                raise
            await self._commit(session)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Any]:
        """A session whose reads all see the database as it was at one moment."""
        session = self.client.start_session(snapshot=True)
        if inspect.isawaitable(session):
            session = await session
        async with session:
            yield session

    async def _commit(self, session: Any) -> None:
        for left in reversed(range(_COMMIT_TRIES)):
            try:
                await session.commit_transaction()
                return
            except PyMongoError as error:
                if not error.has_error_label("UnknownTransactionCommitResult") or not left:
                    raise

    async def close(self) -> None:
        """Ends all connections."""
        closed = self.client.close()
        if inspect.isawaitable(closed):
            await closed


def as_stored(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document as it would be read again after it was stored."""
    return dict(bson.decode(bson.encode(document), _TZ_AWARE))


def canonical(document: Mapping[str, Any]) -> bytes:
    """The document as it is stored, with the names at every depth in their order: the same bytes
    for the same fields, values and types."""
    return bytes(bson.encode(_ordered(document)))


def _ordered(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _ordered(value[name]) for name in sorted(value)}
    if isinstance(value, list | tuple):
        return [_ordered(one) for one in value]
    return value


def decoded(document: bytes) -> dict[str, Any]:
    """The document that these bytes are."""
    return dict(bson.decode(document, _TZ_AWARE))


@dataclass(frozen=True, slots=True)
class Raw:
    """Documents as they are stored, undecoded: a fifth of the memory."""

    parts: Sequence[bytes]
    """As many documents in each as were asked for, but for the last."""
    last: bytes
    """The last document; nothing where there is none."""
    count: int
    size: int
    """Bytes of all."""


async def bounded_raw(
    collection: Collection,
    question: Mapping[str, Any],
    fields: Mapping[str, int] | None,
    *,
    limit: int,
    room: int,
    each: int = sys.maxsize,
    sort: Sequence[tuple[str, int]] | None = None,
) -> Raw:
    """Up to `limit` documents that answer the question, no more after the one with which they
    fill `room` bytes; `each` of them in one part at most."""
    cursor = collection.find_raw_batches(question, fields, sort=sort, limit=limit, batch_size=limit)
    parts: list[bytes] = []
    last, count, size = b"", 0, 0
    async for piece in cursor:
        begin = start = end = number = 0
        while end < len(piece) and size + end < room:
            begin, end = end, end + int(_LENGTH.unpack_from(piece, end)[0])
            count += 1
            number += 1
            if number == each:
                parts.append(piece[start:end])
                start, number = end, 0
        if start < end:
            parts.append(piece[start:end])
        last = piece[begin:end]
        size += end
        if size >= room:
            break
    await cursor.close()
    return Raw(parts, last, count, size)


async def bounded(
    collection: Collection,
    question: Mapping[str, Any],
    fields: Mapping[str, int] | None,
    *,
    limit: int,
    room: int,
    sort: Sequence[tuple[str, int]] | None = None,
) -> tuple[list[dict[str, Any]], int]:
    """What `bounded_raw` finds, decoded; and the bytes of it."""
    raw = await bounded_raw(collection, question, fields, limit=limit, room=room, sort=sort)
    return [document for part in raw.parts for document in decoded_all(part)], raw.size


def decoded_all(documents: bytes) -> list[dict[str, Any]]:
    """The documents that these bytes are."""
    return list(bson.decode_all(documents, _TZ_AWARE))


def connect(settings: Settings, listeners: Sequence[Any] = ()) -> Mongo:
    """A client for the event loop that runs; nothing is sent before the first question.

    `listeners` are the driver's own (pymongo.monitoring): they are told each command. Raises
    SettingMissing and NoConnectionString.
    """
    options: dict[str, Any] = {
        "maxPoolSize": settings.mongo_pool,
        "retryWrites": True,
        "retryReads": True,
        "serverSelectionTimeoutMS": 10_000,
        "connectTimeoutMS": 5_000,
        "tz_aware": True,
        "appname": f"cplus-{settings.stage}",
        "event_listeners": list(listeners),
    }
    uri = settings.secret("mongo_uri")
    if not uri.startswith(("mongodb://", "mongodb+srv://")):  # the driver took it for a host
        raise NoConnectionString
    try:
        return Mongo(_client(settings, uri, options), settings)
    except (InvalidURI, ValueError, OSError):  # a port that is none, a file that is not there
        raise NoConnectionString from None


def _client(settings: Settings, uri: str, options: dict[str, Any]) -> Any:
    if settings.mongo_driver == "motor":
        from motor.motor_asyncio import AsyncIOMotorClient

        return AsyncIOMotorClient(uri, **options)
    from pymongo import AsyncMongoClient

    return AsyncMongoClient(uri, **options)


def is_transient(error: BaseException) -> bool:
    """Whether a transaction that failed with `error` lost to another writer or to a failover."""
    return isinstance(error, PyMongoError) and (
        error.has_error_label("TransientTransactionError")
        or (isinstance(error, OperationFailure) and error.code == 112)  # WriteConflict
    )


def ids_of(owner: str) -> dict[str, str]:
    """Matches every `_id` of the form `<owner>/…`: a range of an index that is always there."""
    return {"$gte": f"{owner}/", "$lt": f"{owner}0"}  # "0" is the character after "/"
