"""The commits in MongoDB: the collection `commits` and its indexes."""

from __future__ import annotations

import inspect
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from cplus.events.log.commit import Head
from cplus.events.log.commits import FOLDED, Document
from cplus.events.log.mongo_insert import COMMITS, insert_runs
from cplus.mongo import (
    Collection,
    Database,
    IndexModel,
    Mongo,
    Raw,
    bounded,
    bounded_raw,
)

_NO_CAUSE = {"cause": 0, "prev": 0, "hash": 0}
_HEAD = {"_id": 0, "position": 1, "seq": 1, "n": 1, "hash": 1, "recorded_at": 1, "erasures": 1}
_RAW = 1_000  # commits per raw batch: one is processed while the next is being fetched
_AWAIT = 1_000  # milliseconds that the server waits for a change before it answers with none


class MongoCommits:
    """The collection `commits`. Every query goes to the primary with read concern majority: a
    decision based on less can lose commits in a failover."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self.collection: Collection = mongo.database[COMMITS]

    async def insert(self, runs: Sequence[Sequence[bytes]]) -> list[bool | Exception]:
        """Writes runs of commits; see Commits."""
        return await insert_runs(self._mongo.database, runs)

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

    async def positions(self, since: datetime | None, size: int) -> AsyncIterator[dict[str, int]]:
        """The last positions; see Commits."""
        if since is None:
            # In this order the result comes from the index, one key per shop.
            pipeline: list[dict[str, Any]] = [
                {"$sort": {"shop": -1, "position": -1}},
                {"$group": {"_id": "$shop", "position": {"$first": "$position"}}},
            ]
        else:
            # Unsorted: to sort, the server may scan the whole log by position.
            pipeline = [
                {"$match": {"recorded_at": {"$gte": since}}},
                {"$group": {"_id": "$shop", "position": {"$max": "$position"}}},
            ]
        pipeline.append({"$sort": {"_id": 1}})
        async for rows in self._mongo.aggregate_in_parts(self.collection, pipeline, size):
            yield {row["_id"]: row["position"] for row in rows}

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
        fields: Sequence[str] = FOLDED,
    ) -> Raw:
        """Commits for folding; see Commits."""
        span = {"$gt": after} if until is None else {"$gt": after, "$lte": until}
        question: dict[str, Any] = {"shop": shop, "position": span}
        if ignored is not None:
            question["events"] = {"$elemMatch": {"type": {"$nin": list(ignored)}}}
        return await bounded_raw(
            self.collection,
            question,
            dict.fromkeys(fields, 1),
            limit=limit,
            room=room,
            each=each,
            sort=[("position", 1)],
        )

    async def identified(self, id_: str) -> Document | None:
        """The commit; see Commits."""
        found: Document | None = await self.collection.find_one({"_id": id_}, _NO_CAUSE)
        return found

    async def claimed(self, shop: str, claims: Sequence[str], *, cause: bool) -> list[Document]:
        """Holders of claims; see Commits."""
        cursor = self.collection.find(
            {"shop": shop, "claims": {"$in": list(claims)}}, _fields(cause)
        )
        return await _all(cursor, len(claims))

    async def taken(self, shop: str, claims: Sequence[str]) -> set[str]:
        """Taken claims; see Commits."""
        wanted = set(claims)
        cursor = self.collection.find(
            {"shop": shop, "claims": {"$in": list(claims)}}, {"_id": 0, "claims": 1}
        )
        found = await _all(cursor, len(claims))
        return {claim for row in found for claim in row["claims"] if claim in wanted}

    async def newest(self, shop: str, claims: Sequence[str]) -> Document | None:
        """The last holder; see Commits."""
        # The hint: by position the server would scan the whole shop for a missing claim.
        found: Document | None = await self.collection.find_one(
            {"shop": shop, "claims": {"$in": list(claims)}},
            _NO_CAUSE,
            sort=[("position", -1)],
            hint="claims",
        )
        return found

    async def between(self, shop: str, first: str, last: str, *, cause: bool) -> list[Document]:
        """Commits in a range of claims; see Commits."""
        # With $elemMatch both bounds apply to the same claim; a plain range over an array would
        # mix the bounds of different claims.
        cursor = self.collection.find(
            {"shop": shop, "claims": {"$elemMatch": {"$gte": first, "$lte": last}}},
            _fields(cause),
            hint="claims",
        )
        return await _in_order(cursor)

    async def holding(
        self, shop: str, ranges: Sequence[tuple[str, str]], refs: Sequence[str]
    ) -> list[Document]:
        """Commits with some of these claims or refs; see Commits."""
        # The server asks the index of each of them: all begin with the shop.
        questions: list[dict[str, Any]] = [
            {"shop": shop, "claims": {"$elemMatch": {"$gte": first, "$lte": last}}}
            for first, last in ranges
        ]
        questions += [{"shop": shop, "refs": ref} for ref in refs]
        return await _in_order(self.collection.find({"$or": questions}, _NO_CAUSE))

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
        # The hint: by position the server would scan the whole shop for a rare ref.
        cursor = self.collection.find(
            question, _fields(cause), sort=[("position", order)], hint="refs"
        )
        return await _all(cursor, limit)

    async def eventless(
        self,
        source: str,
        shop: str,
        after: int,
        limit: int,
        *,
        only: bool,
        since: datetime | None,
        cause: bool,
    ) -> list[Document]:
        """Commits without events; see Commits."""
        found: list[Document] = []
        wanted: dict[str, Any] = {"n": 0, "source": source}
        if since is not None:
            wanted["recorded_at"] = {"$gte": since}
        spans: list[dict[str, Any]] = [{"shop": shop, "position": {"$gt": after}}]
        for span in spans if only else [*spans, {"shop": {"$gt": shop}}]:
            if len(found) < limit:
                rows = self.collection.find(
                    {**wanted, **span},
                    _fields(cause),
                    sort=[("shop", 1), ("position", 1)],
                )
                found += await rows.limit(limit - len(found)).to_list(limit)
        return found

    async def positions_of(self, shop: str, ref: str, limit: int) -> list[int]:
        """The positions of commits with the ref; see Commits."""
        if limit <= 0:
            return []
        # From the index alone: a commit may be large.
        cursor = self.collection.find(
            {"shop": shop, "refs": ref},
            {"_id": 0, "position": 1},
            sort=[("position", 1)],
            hint="refs",
        )
        return [row["position"] for row in await _all(cursor, limit)]

    async def recorded(
        self, since: datetime, before: datetime, limit: int = 0
    ) -> AsyncIterator[Document]:
        """Commits by time; see Commits."""
        span = {"recorded_at": {"$gte": since, "$lt": before}}
        order = [("recorded_at", 1)]
        async for row in self.collection.find(span, _NO_CAUSE, sort=order, limit=limit):
            yield row

    async def raw(
        self, shop: str, after: int = 0, until: int | None = None
    ) -> AsyncIterator[bytes]:
        """The bytes; see Commits."""
        wanted: dict[str, Any] = {"shop": shop}
        if after or until is not None:
            # Not for all of them: one whose position was taken away would be passed over.
            wanted["position"] = {"$gt": after} | ({} if until is None else {"$lte": until})
        cursor = self.collection.find_raw_batches(wanted, sort=[("position", 1)])
        async for piece in cursor.batch_size(_RAW):
            yield piece

    async def changes(self) -> AsyncIterator[str]:
        """Shops with new commits; see Commits."""
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
            change = await stream.try_next()  # it listens from its first request on
            yield ""
            while True:
                if change:
                    yield change["shop"]
                change = await stream.try_next()


def _fields(cause: bool) -> dict[str, int] | None:
    return None if cause else _NO_CAUSE


async def _in_order(cursor: Any) -> list[Document]:
    return sorted(await cursor.to_list(None), key=lambda row: row["position"])


async def _all(cursor: Any, limit: int) -> list[Document]:
    # A batch as large as the limit: one request, one reply.
    found: list[Document] = await cursor.limit(limit).batch_size(limit).to_list(limit)
    return found


async def ensure_indexes(database: Database) -> None:
    """Creates the log's indexes. The one on claims comes first, so that a redelivery that collides
    on both is reported as the claim."""
    await database[COMMITS].create_indexes(
        [IndexModel([("shop", 1), ("claims", 1)], unique=True, name="claims")]
    )
    await database[COMMITS].create_indexes(
        [
            IndexModel([("shop", 1), ("position", 1)], unique=True, name="positions"),
            IndexModel([("shop", 1), ("refs", 1), ("position", 1)], name="refs"),
            IndexModel([("recorded_at", 1)], name="times"),
            # Few commits have no event, so it costs next to nothing.
            IndexModel(
                [("source", 1), ("shop", 1), ("position", 1), ("recorded_at", 1)],
                partialFilterExpression={"n": 0},
                name="eventless",
            ),
        ]
    )
