"""The only import of the MongoDB driver: motor by default, PyMongo's own async API by setting.

Both have the same methods with two exceptions: starting a session and getting an aggregation's
cursor need `await` in only one of them. `Mongo` hides these differences.
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
    "duplicates",
    "ids_of",
    "is_transient",
]

# The collections of both drivers have the same methods but no common type.
Collection: TypeAlias = Any
Database: TypeAlias = Any

MAJORITY = WriteConcern(w="majority")
_LENGTH = struct.Struct("<i")  # the first bytes of a document
_TZ_AWARE: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)
_COMMIT_TRIES = 5
_DUPLICATE = 11000


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
        """Returns once any member of the set answers; raises the driver's error if none does within
        that many seconds, which is less than the driver waits for a primary."""
        with timeout(seconds):
            await self.client.admin.command("ping", read_preference=ReadPreference.NEAREST)

    async def aggregate(
        self, collection: Collection, pipeline: list[dict[str, Any]], **options: Any
    ) -> list[dict[str, Any]]:
        """All results of the aggregation, as a list."""
        cursor = await _cursor(collection.aggregate(pipeline, **options))
        return list(await cursor.to_list(None))

    async def aggregate_in_parts(
        self, collection: Collection, pipeline: list[dict[str, Any]], size: int
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """The results of the aggregation, up to `size` at a time: no more are in memory. The server
        ends it if a part is not asked for within ten minutes of the one before."""
        cursor = await _cursor(collection.aggregate(pipeline, batchSize=size))
        try:
            while part := await cursor.to_list(size):
                yield part
        finally:
            await cursor.close()

    async def transaction(self, work: Callable[[Any], Awaitable[None]]) -> None:
        """Runs `work(session)` in one transaction, once.

        A conflict with another writer raises the driver's error (see `is_transient`): the caller
        must read again before it retries. Only the commit itself is retried, which MongoDB
        allows while its outcome is unknown.
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
        """A session whose reads all see one snapshot of the database."""
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


async def _cursor(answer: Any) -> Any:
    """The cursor of an aggregation: one of the two drivers has it awaited."""
    return await answer if inspect.isawaitable(answer) else answer


def as_stored(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document as it would be read back from the database."""
    return dict(bson.decode(bson.encode(document), _TZ_AWARE))


def canonical(document: Mapping[str, Any]) -> bytes:
    """The document as BSON with its names sorted at every depth: the same bytes for the same
    fields, values and types."""
    return bytes(bson.encode(_ordered(document)))


def _ordered(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _ordered(value[name]) for name in sorted(value)}
    if isinstance(value, list | tuple):
        return [_ordered(one) for one in value]
    return value


def decoded(document: bytes) -> dict[str, Any]:
    """Decodes one document."""
    return dict(bson.decode(document, _TZ_AWARE))


@dataclass(frozen=True, slots=True)
class Raw:
    """Stored documents, undecoded, which takes a fifth of the memory."""

    parts: Sequence[bytes]
    """Pieces of raw BSON, each with the requested number of documents, except the last."""
    last: bytes
    """The last document; empty if there is none."""
    count: int
    size: int
    """Total bytes."""


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
    """Up to `limit` documents that match the query; stops after the one that fills `room` bytes; at
    most `each` per part."""
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
    """The result of `bounded_raw`, decoded, and its size in bytes."""
    raw = await bounded_raw(collection, question, fields, limit=limit, room=room, sort=sort)
    return [document for part in raw.parts for document in decoded_all(part)], raw.size


def decoded_all(documents: bytes) -> list[dict[str, Any]]:
    """Decodes several documents."""
    return list(bson.decode_all(documents, _TZ_AWARE))


def connect(settings: Settings, listeners: Sequence[Any] = ()) -> Mongo:
    """A client for the running event loop; nothing is sent before the first query.

    `listeners` are the driver's (pymongo.monitoring) and get each command. Raises
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
    if not uri.startswith(("mongodb://", "mongodb+srv://")):  # the driver would take it for a host
        raise NoConnectionString
    try:
        return Mongo(_client(settings, uri, options), settings)
    except (InvalidURI, ValueError, OSError):  # an invalid port, a missing file
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


def duplicates(error: BulkWriteError) -> list[int]:
    """The places of the documents that were there already; raises `error` if more was refused than
    those."""
    refused = error.details["writeErrors"]
    if error.details["writeConcernErrors"] or any(one["code"] != _DUPLICATE for one in refused):
        raise error
    return [one["index"] for one in refused]


def ids_of(owner: str) -> dict[str, str]:
    """Matches every `_id` of the form `<owner>/…`: a range of an index that is always there."""
    return {"$gte": f"{owner}/", "$lt": f"{owner}0"}  # "0" is the character after "/"
