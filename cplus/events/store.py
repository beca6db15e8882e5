"""The event store on MongoDB: the log's append and its reads, by the rules of docs/log.md."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from cplus.clock import Clock, utc_now
from cplus.events.append import ShopWriter
from cplus.events.commit import Commit, Draft, Head, version_claim
from cplus.events.outcomes import Outcome
from cplus.mongo import Database, IndexModel, Mongo

COMMITS = "commits"
BATCH = 1_000
_NO_CAUSE = {"cause": 0, "prev": 0, "hash": 0}
_HEAD = {"_id": 0, "position": 1, "seq": 1, "n": 1, "hash": 1, "recorded_at": 1, "erasures": 1}
_WRITERS_KEPT = 4_096


class EventStore:
    """One log per shop in one collection.

    Every question is answered from the primary with majority: whoever decides on less can lose
    commits in a failover.
    """

    def __init__(self, mongo: Mongo, clock: Clock = utc_now) -> None:
        self._mongo = mongo
        self._commits = mongo.database[COMMITS]
        self._clock = clock
        self._writers: dict[str, ShopWriter] = {}

    async def append(self, drafts: Sequence[Draft]) -> list[Outcome]:
        """Writes the drafts, each all or nothing; answers one outcome per draft, in their order.

        Drafts of one shop are written in their order, shops side by side. A draft whose cause
        was recorded before is answered with that commit. Raises InvalidDraft or CommitTooLarge
        before anything is written.
        """
        by_shop: dict[str, list[Draft]] = {}
        for draft in drafts:
            by_shop.setdefault(draft.shop, []).append(draft)
        for draft in drafts:
            ShopWriter.check(draft)
        answers = await asyncio.gather(
            *(self._writer(shop).write(part) for shop, part in by_shop.items())
        )
        outcome_of = {
            id(draft): outcome
            for part, outcomes in zip(by_shop.values(), answers, strict=True)
            for draft, outcome in zip(part, outcomes, strict=True)
        }
        return [outcome_of[id(draft)] for draft in drafts]

    def _writer(self, shop: str) -> ShopWriter:
        writer = self._writers.pop(shop, None) or ShopWriter(self, shop, self._clock)
        self._writers[shop] = writer  # the last written last: what is dropped was idle longest
        while len(self._writers) > _WRITERS_KEPT:
            oldest = next(iter(self._writers))
            if self._writers[oldest].busy:
                break
            del self._writers[oldest]
        return writer

    @property
    def commits(self) -> Any:
        """The collection of commits, with majority reads and writes."""
        return self._commits

    async def head(self, shop: str) -> Head:
        """The head of the shop's log: the last commit that a majority has."""
        found = await self._commits.find_one({"shop": shop}, _HEAD, sort=[("position", -1)])
        return Head.of(found)

    async def read(self, shop: str, after: int, limit: int = BATCH) -> list[Commit]:
        """Up to `limit` commits after position `after`, in order, without their causes."""
        cursor = self._commits.find(
            {"shop": shop, "position": {"$gt": after}}, _NO_CAUSE, sort=[("position", 1)]
        ).limit(limit)
        return [Commit.of(document) for document in await cursor.to_list(limit)]

    async def iterate(self, shop: str, after: int = 0) -> AsyncIterator[Commit]:
        """Every commit after position `after`, in order, without causes."""
        while commits := await self.read(shop, after):
            for commit in commits:
                yield commit
            after = commits[-1].position

    async def by_claim(self, shop: str, claim: str, *, cause: bool = False) -> Commit | None:
        """The commit that holds the claim, if any; with its cause on demand."""
        found = await self.by_claims(shop, [claim], cause=cause)
        return found.get(claim)

    async def by_claims(
        self, shop: str, claims: Sequence[str], *, cause: bool = False
    ) -> Mapping[str, Commit]:
        """For each of the claims that is taken, the commit that holds it."""
        if not claims:
            return {}
        cursor = self._commits.find(
            {"shop": shop, "claims": {"$in": list(claims)}}, None if cause else _NO_CAUSE
        )
        wanted = set(claims)
        return {
            claim: commit
            for commit in map(Commit.of, await cursor.to_list(None))
            for claim in commit.claims
            if claim in wanted
        }

    async def stream(self, shop: str, stream: str) -> list[Commit]:
        """The commits that hold versions of the stream, in the order of its versions."""
        cursor = self._commits.find(
            {"shop": shop, "claims": {"$elemMatch": _versions_of(stream)}},
            _NO_CAUSE,
            sort=[("position", 1)],
        )
        return [Commit.of(document) for document in await cursor.to_list(None)]

    async def latest(self, shop: str, name: str) -> tuple[int, Commit | None]:
        """The last number claimed of a stream or sequence, 0 for none, and its commit."""
        found = await self._commits.find_one(
            {"shop": shop, "claims": {"$elemMatch": _versions_of(name)}},
            _NO_CAUSE,
            sort=[("position", -1)],
        )
        if found is None:
            return 0, None
        prefix = f"{name}@"
        numbers = [int(c[len(prefix) :]) for c in found["claims"] if c.startswith(prefix)]
        return max(numbers), Commit.of(found)

    async def by_ref(self, shop: str, ref: str, limit: int = 10) -> list[Commit]:
        """The newest commits that name the ref, the newest first."""
        cursor = self._commits.find(
            {"shop": shop, "refs": ref}, _NO_CAUSE, sort=[("position", -1)]
        ).limit(limit)
        return [Commit.of(document) for document in await cursor.to_list(limit)]

    async def heads(self, since: datetime | None = None) -> dict[str, int]:
        """The last position of each shop; with `since`, of those with commits recorded since."""
        match = [{"$match": {"recorded_at": {"$gte": since}}}] if since else []
        rows = await self._mongo.aggregate(
            self._commits,
            [
                *match,
                {"$sort": {"shop": 1, "position": 1}},
                {"$group": {"_id": "$shop", "position": {"$last": "$position"}}},
            ],
        )
        return {row["_id"]: row["position"] for row in rows}


def _versions_of(name: str) -> dict[str, str]:
    # Zero-padded claims sort as their numbers do. Inside $elemMatch the two bounds hold for the
    # same claim; a plain range over an array would mix the bounds of different claims.
    return {"$gte": version_claim(name, 0), "$lte": f"{name}@9999999999"}


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
