"""Where commits rest: the few questions and the one write that the log is made of, on MongoDB."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import sys
from bisect import bisect_right
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from cplus.events.log.commit import Head
from cplus.mongo import (
    MAJORITY,
    Collection,
    Database,
    IndexModel,
    Mongo,
    PyMongoError,
    Raw,
    RawBSONDocument,
    WriteConcernError,
    WriteError,
    bounded,
    bounded_raw,
)

COMMITS = "commits"
_NO_CAUSE = {"cause": 0, "prev": 0, "hash": 0}
_HEAD = {"_id": 0, "position": 1, "seq": 1, "n": 1, "hash": 1, "recorded_at": 1, "erasures": 1}
FOLDED = ("_id", "shop", "position", "seq", "recorded_at", "source", "actor", "events")
"""What a fold takes of a commit."""
_FOLDED = dict.fromkeys(FOLDED, 1)
_DUPLICATE = 11000
_RAW = 1_000  # commits of a raw batch: one is walked while the next is on its way
_AWAIT = 1_000  # milliseconds that the server waits for news before it answers that there is none

Document = Mapping[str, Any]


class Commits(Protocol):
    """Rows of commits with two unique indexes, (shop, position) and (shop, claims)."""

    async def insert(self, runs: Sequence[Sequence[bytes]]) -> Sequence[bool | Exception]:
        """Writes runs of commits, each of another shop and for itself, in its order up to the
        first that a unique index refuses.

        For each run True: a majority has it all; False: an index refused one, which is no proof
        of anything else; an exception: it is not known what was written. Raises PyMongoError
        when that is known of none.
        """

    async def head(self, shop: str) -> Head:
        """The head of one shop that a majority has."""

    async def heads(self, shops: Sequence[str]) -> dict[str, Head]:
        """The heads of many shops in one question."""

    async def positions(self, since: datetime | None) -> dict[str, int]:
        """The last position of each shop, or of those with commits recorded since."""

    async def after(
        self,
        shop: str,
        after: int,
        until: int | None,
        limit: int,
        *,
        cause: bool,
        room: int | None = None,
    ) -> list[Document]:
        """Commits after a position, up to and with another, in order; none after the one with
        which they fill `room` bytes."""

    async def to_fold(
        self,
        shop: str,
        after: int,
        until: int | None,
        ignored: Sequence[str] | None,
        limit: int,
        *,
        room: int,
        each: int,
    ) -> Raw:
        """FOLDED of the commits after a position, up to and with another, as they are stored;
        `each` in one part at most, none after the one with which they fill `room` bytes.

        With `ignored`, only of those with an event whose type is not among them.
        """

    async def claimed(self, shop: str, claims: Sequence[str], *, cause: bool) -> list[Document]:
        """The commits that hold one of the claims."""

    async def taken(self, shop: str, claims: Sequence[str]) -> set[str]:
        """Those of the claims that are held."""

    async def newest(self, shop: str, claims: Sequence[str]) -> Document | None:
        """Of the commits that hold one of the claims, the last."""

    async def between(self, shop: str, first: str, last: str, *, cause: bool) -> list[Document]:
        """The commits with a claim from `first` to `last` as text, in the order of positions."""

    async def referring(
        self, shop: str, ref: str, after: int, limit: int, *, newest_first: bool, cause: bool
    ) -> list[Document]:
        """Commits that name the ref, behind position `after` in the direction asked for."""

    async def mentions(self, shop: str, ref: str, limit: int) -> int:
        """How many commits name the ref; no more than `limit` are looked at."""

    def recorded(self, since: datetime, before: datetime) -> AsyncIterator[Document]:
        """Commits of all shops recorded from `since` until before `before`, by that time."""
        ...

    def raw(self, shop: str) -> AsyncIterator[bytes]:
        """Every commit of the shop in order of position as stored, many in one piece."""
        ...

    def changes(self) -> AsyncIterator[str]:
        """The shop of each commit that is written from now on; it never ends by itself, and may
        leave some out. The first answer is the empty text: now it listens."""
        ...


class MongoCommits:
    """The collection `commits`. Each question is asked of the primary with majority: whoever
    decides on less can lose commits in a failover."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self.collection: Collection = mongo.database[COMMITS]

    async def insert(self, runs: Sequence[Sequence[bytes]]) -> list[bool | Exception]:
        """Writes runs of commits; see Commits."""
        # One commit of each shop may go in any order: a refusal touches no other.
        ordered = any(len(run) > 1 for run in runs)
        refused = await self._insert([raw for run in runs for raw in run], ordered=ordered)
        if not ordered:
            return [(refused[at] or False) if at in refused else True for at in range(len(runs))]
        if not refused:
            return [True] * len(runs)
        [(index, error)] = refused.items()  # nothing after it was written
        ends = list(itertools.accumulate(map(len, runs)))
        whole = bisect_right(ends, index)
        # Each for itself: to write them together would end at the next refusal again.
        others = await asyncio.gather(*map(self._insert_run, runs[whole + 1 :]))
        return [*[True] * whole, error or False, *others]

    async def _insert_run(self, run: Sequence[bytes]) -> bool | Exception:
        try:
            refused = await self._insert(run, ordered=True)
        except PyMongoError as error:
            return error
        for error_or_duplicate in refused.values():
            return error_or_duplicate or False
        return True

    async def _insert(self, raws: Sequence[bytes], *, ordered: bool) -> dict[int, Exception | None]:
        """The refused ones by index: None for a duplicate, else the error.

        It is asked as a command and not through `insert_many`: the driver would repeat it by
        itself after a broken connection, for which the server keeps a record of each insert.
        Here the claim tells what became of it, and the answer shows a failed write concern also
        where there are duplicates.
        """
        answer = await self._mongo.database.command(
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
            # An acknowledgement hangs on it: what the answer leaves out is not known.
            raise PyMongoError("the answer to an insert tells less than was asked")
        return {
            error["index"]: None
            if error["code"] == _DUPLICATE
            else WriteError(error["errmsg"], error["code"], error)
            for error in errors
        }

    async def head(self, shop: str) -> Head:
        """The head; see Commits."""
        found = await self.collection.find_one({"shop": shop}, _HEAD, sort=[("position", -1)])
        return Head.of(found)

    async def heads(self, shops: Sequence[str]) -> dict[str, Head]:
        """The heads of many; see Commits."""
        if len(shops) == 1:
            return {shops[0]: await self.head(shops[0])}
        fields = {**_HEAD, "shop": 1}
        parts: list[list[dict[str, Any]]] = [
            [
                {"$match": {"shop": shop}},
                {"$sort": {"position": -1}},
                {"$limit": 1},
                {"$project": fields},
            ]
            for shop in shops
        ]
        rows = await self._mongo.aggregate(
            self.collection,
            [
                *parts[0],
                *({"$unionWith": {"coll": COMMITS, "pipeline": part}} for part in parts[1:]),
            ],
        )
        found = {row["shop"]: Head.of(row) for row in rows}
        return {shop: found.get(shop) or Head.of(None) for shop in shops}

    async def positions(self, since: datetime | None) -> dict[str, int]:
        """The last positions; see Commits."""
        if since is None:
            # In this order the answer is read from the index, one key for each shop.
            pipeline: list[dict[str, Any]] = [
                {"$sort": {"shop": -1, "position": -1}},
                {"$group": {"_id": "$shop", "position": {"$first": "$position"}}},
            ]
        else:
            # Not in that order: to have it, the server may walk the whole log by position.
            pipeline = [
                {"$match": {"recorded_at": {"$gte": since}}},
                {"$group": {"_id": "$shop", "position": {"$max": "$position"}}},
            ]
        rows = await self._mongo.aggregate(self.collection, pipeline)
        return {row["_id"]: row["position"] for row in rows}

    async def after(
        self,
        shop: str,
        after: int,
        until: int | None,
        limit: int,
        *,
        cause: bool,
        room: int | None = None,
    ) -> list[Document]:
        """Commits after a position; see Commits."""
        span = {"$gt": after} if until is None else {"$gt": after, "$lte": until}
        found, _ = await bounded(
            self.collection,
            {"shop": shop, "position": span},
            _fields(cause),
            limit=limit,
            room=sys.maxsize if room is None else room,
            sort=[("position", 1)],
        )
        return list(found)

    async def to_fold(
        self,
        shop: str,
        after: int,
        until: int | None,
        ignored: Sequence[str] | None,
        limit: int,
        *,
        room: int,
        each: int,
    ) -> Raw:
        """What a fold takes; see Commits."""
        span = {"$gt": after} if until is None else {"$gt": after, "$lte": until}
        question: dict[str, Any] = {"shop": shop, "position": span}
        if ignored is not None:
            question["events"] = {"$elemMatch": {"type": {"$nin": list(ignored)}}}
        return await bounded_raw(
            self.collection,
            question,
            _FOLDED,
            limit=limit,
            room=room,
            each=each,
            sort=[("position", 1)],
        )

    async def claimed(self, shop: str, claims: Sequence[str], *, cause: bool) -> list[Document]:
        """Holders of claims; see Commits."""
        cursor = self.collection.find(
            {"shop": shop, "claims": {"$in": list(claims)}}, _fields(cause)
        )
        return await _all(cursor, len(claims))

    async def taken(self, shop: str, claims: Sequence[str]) -> set[str]:
        """Those that are held; see Commits."""
        wanted = set(claims)
        cursor = self.collection.find(
            {"shop": shop, "claims": {"$in": list(claims)}}, {"_id": 0, "claims": 1}
        )
        found = await _all(cursor, len(claims))
        return {claim for row in found for claim in row["claims"] if claim in wanted}

    async def newest(self, shop: str, claims: Sequence[str]) -> Document | None:
        """The last holder; see Commits."""
        # The hint: by position the server would look through the whole shop for a claim that
        # is not there.
        found: Document | None = await self.collection.find_one(
            {"shop": shop, "claims": {"$in": list(claims)}},
            _NO_CAUSE,
            sort=[("position", -1)],
            hint="claims",
        )
        return found

    async def between(self, shop: str, first: str, last: str, *, cause: bool) -> list[Document]:
        """Commits in a range of claims; see Commits."""
        # Inside $elemMatch the two bounds hold for the same claim; a plain range over an array
        # would mix the bounds of different claims.
        cursor = self.collection.find(
            {"shop": shop, "claims": {"$elemMatch": {"$gte": first, "$lte": last}}},
            _fields(cause),
            hint="claims",
        )
        return sorted(await cursor.to_list(None), key=lambda row: row["position"])

    async def referring(
        self, shop: str, ref: str, after: int, limit: int, *, newest_first: bool, cause: bool
    ) -> list[Document]:
        """Commits with a ref; see Commits."""
        question: dict[str, Any] = {"shop": shop, "refs": ref}
        if newest_first and after:
            question["position"] = {"$lt": after}
        elif not newest_first:
            question["position"] = {"$gt": after}
        order = -1 if newest_first else 1
        # The hint: by position the server would look through the whole shop for a ref that
        # few commits name.
        cursor = self.collection.find(
            question, _fields(cause), sort=[("position", order)], hint="refs"
        )
        return await _all(cursor, limit)

    async def mentions(self, shop: str, ref: str, limit: int) -> int:
        """How many there are; see Commits."""
        # From the index alone: a commit may be large.
        cursor = self.collection.find(
            {"shop": shop, "refs": ref}, {"_id": 0, "position": 1}, hint="refs"
        )
        return len(await _all(cursor, limit)) if limit > 0 else 0

    async def recorded(self, since: datetime, before: datetime) -> AsyncIterator[Document]:
        """Commits of a time; see Commits."""
        span = {"recorded_at": {"$gte": since, "$lt": before}}
        async for row in self.collection.find(span, _NO_CAUSE, sort=[("recorded_at", 1)]):
            yield row

    async def raw(self, shop: str) -> AsyncIterator[bytes]:
        """The bytes; see Commits."""
        cursor = self.collection.find_raw_batches({"shop": shop}, sort=[("position", 1)])
        async for piece in cursor.batch_size(_RAW):
            yield piece

    async def changes(self) -> AsyncIterator[str]:
        """Shops with news; see Commits."""
        stream = self.collection.watch(
            [
                {"$match": {"operationType": "insert"}},
                {"$project": {"shop": "$fullDocument.shop"}},
            ],
            max_await_time_ms=_AWAIT,
        )
        if inspect.isawaitable(stream):
            stream = await stream
        async with stream:
            change = await stream.try_next()  # it listens from its first question on
            yield ""
            while True:
                if change:
                    yield change["shop"]
                change = await stream.try_next()


def _fields(cause: bool) -> dict[str, int] | None:
    return None if cause else _NO_CAUSE


async def _all(cursor: Any, limit: int) -> list[Document]:
    # The batch as large as the limit: one question, one answer.
    found: list[Document] = await cursor.limit(limit).batch_size(limit).to_list(limit)
    return found


async def ensure_indexes(database: Database) -> None:
    """Makes the log's indexes. The one on claims comes first: a redelivery that collides on
    both is then reported as the claim."""
    await database[COMMITS].create_indexes(
        [IndexModel([("shop", 1), ("claims", 1)], unique=True, name="claims")]
    )
    await database[COMMITS].create_indexes(
        [
            IndexModel([("shop", 1), ("position", 1)], unique=True, name="positions"),
            IndexModel([("shop", 1), ("refs", 1), ("position", 1)], name="refs"),
            IndexModel([("recorded_at", 1)], name="times"),
        ]
    )
