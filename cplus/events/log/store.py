"""The event store: the log's append and its reads, by the rules of docs/log.md."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from cplus.clock import Clock, utc_now
from cplus.events.log.append import MAX_COMMIT, Entry, ShopWriter, lay_out
from cplus.events.log.combine import CombinedCommits
from cplus.events.log.commit import Commit, Draft, Head, Sealing
from cplus.events.log.commits import Commits, Document
from cplus.events.log.draft_sealing import DraftSealing
from cplus.events.log.mongo_commits import MongoCommits, ensure_indexes
from cplus.events.log.mongo_insert import COMMITS
from cplus.events.log.numbers import highest, last_number
from cplus.events.log.outcomes import Outcome, Unknown
from cplus.events.log.sealing import SealingKeys
from cplus.events.names import correlation_ref, version_claim
from cplus.mongo import Mongo, PyMongoError

__all__ = ["BATCH", "COMMITS", "ROOM", "EventStore", "ensure_indexes"]

BATCH = 1_000
"""Commits per read."""
ROOM = 8 * 1024 * 1024
"""Approximate bytes per read, for followers that hold a batch in memory while they work."""

SHOPS_AT_ONCE = 500
"""Shops of one page of heads."""

_BEGINNING, _END = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
_LAST = 10**10 - 1  # version of a stream: no claim holds a higher one
_WRITERS_KEPT = 4_096
_HEADS = 50  # heads read in one query


class EventStore:
    """One log per shop.

    The log is stored in MongoDB, or in anything else that follows the same rules, for example
    `MemoryCommits`. Every query uses read concern majority.
    """

    def __init__(
        self,
        log: Mongo | Commits,
        clock: Clock = utc_now,
        *,
        keys: SealingKeys | None = None,
        max_commit: int = MAX_COMMIT,
    ) -> None:
        """Seals with `keys` what is personal in the commits; without, it writes in clear.
        `max_commit` is in bytes, and no more than MAX_COMMIT."""
        self._log: Commits = MongoCommits(log) if isinstance(log, Mongo) else log
        self._combined = CombinedCommits(self._log)
        self._clock = clock
        self._sealing = None if keys is None else DraftSealing(keys, clock)
        self._max_commit = max_commit
        self._writers: dict[str, ShopWriter] = {}

    def check(self, draft: Draft) -> None:
        """Refuses drafts that can never be written; raises InvalidDraft or CommitTooLarge."""
        sealing = {draft.shop: self._sealing.trial(draft)} if self._sealing else {}
        lay_out([draft], self._max_commit, sealing)

    async def append(self, drafts: Sequence[Draft]) -> list[Outcome]:
        """Writes the drafts, each completely or not at all; returns one outcome per draft, in
        order.

        Drafts of one shop are written in order, shops in parallel. The outcome of a draft whose
        cause was recorded before is that commit. Raises InvalidDraft, CommitTooLarge or
        KeysUnavailable before anything is written.
        """
        try:
            sealing = await self._sealings(drafts)
        except PyMongoError as error:
            return [Unknown(draft.claim, error) for draft in drafts]
        entries = lay_out(drafts, self._max_commit, sealing)
        by_shop: dict[str, list[Entry]] = {}
        for entry in entries:
            by_shop.setdefault(entry.draft.shop, []).append(entry)
        writing = [self._writer(shop).write(part) for shop, part in by_shop.items()]
        if len(writing) == 1:
            await writing[0]
        else:
            await asyncio.gather(*writing)
        return [entry.answer for entry in entries]

    async def _sealings(self, drafts: Sequence[Draft]) -> dict[str, Sealing]:
        """What seals the drafts, by shop; the keys of all shops are asked for together."""
        if self._sealing is None:
            return {}
        by_shop: dict[str, list[Draft]] = {}
        for draft in drafts:
            by_shop.setdefault(draft.shop, []).append(draft)
            if self._sealing.is_doubtful(draft):  # nobody may be asked for the key of such a name
                self.check(draft)
        finding = [self._writer(shop).sealing(part) for shop, part in by_shop.items()]
        found = [await finding[0]] if len(finding) == 1 else await asyncio.gather(*finding)
        return {shop: one for shop, one in zip(by_shop, found, strict=True) if one is not None}

    def _writer(self, shop: str) -> ShopWriter:
        writer = self._writers.pop(shop, None)
        if writer is None:
            writer = ShopWriter(self._combined, shop, self._clock, self._sealing)
        self._writers[shop] = writer  # most recently written last, so the longest idle is dropped
        while len(self._writers) > _WRITERS_KEPT:
            oldest = next(iter(self._writers))
            if self._writers[oldest].busy:
                break
            del self._writers[oldest]
        return writer

    @property
    def log(self) -> Commits:
        """The storage of the commits."""
        return self._log

    async def head(self, shop: str) -> Head:
        """The head of the shop's log, read with majority."""
        return await self._log.head(shop)

    async def heads(self, since: datetime | None = None) -> dict[str, int]:
        """The last position of each shop; with `since`, of those with commits recorded since."""
        found: dict[str, int] = {}
        async for page in self.heads_in_pages(since):
            found |= page
        return found

    def heads_in_pages(
        self, since: datetime | None = None, size: int = SHOPS_AT_ONCE
    ) -> AsyncIterator[dict[str, int]]:
        """The same, by host and up to `size` shops at a time: for what walks over all shops in
        memory that does not grow with their number. It may work on a page for ten minutes."""
        return self._log.positions(since, size)

    async def seqs(self, shops: Sequence[str]) -> dict[str, int]:
        """The number of events of each shop."""
        found: dict[str, int] = {}
        for start in range(0, len(shops), _HEADS):
            heads = await self._log.heads(shops[start : start + _HEADS])
            found.update({shop: head.seq for shop, head in heads.items()})
        return found

    async def read(
        self,
        shop: str,
        after: int,
        limit: int = BATCH,
        *,
        cause: bool = False,
        room: int | None = None,
    ) -> list[Commit]:
        """Up to `limit` commits after position `after`, in order; causes only on request. Stops
        after the commit that fills `room` bytes."""
        return _commits(await self._log.after(shop, after, None, limit, cause=cause, room=room))

    async def iterate(
        self,
        shop: str,
        after: int = 0,
        *,
        until: int | datetime | None = None,
        batch: int = BATCH,
        cause: bool = False,
    ) -> AsyncIterator[Commit]:
        """Every commit after position `after`, in order, read `batch` at a time.

        `until` ends it after that position, or at that moment (UTC).
        """
        last = until if isinstance(until, int) else None
        moment = until if isinstance(until, datetime) else None
        while True:
            commits = _commits(await self._log.after(shop, after, last, batch, cause=cause))
            for commit in commits:
                if moment is not None and commit.recorded_at > moment:
                    return  # time never runs backwards within a shop
                yield commit
            if len(commits) < batch:
                return
            after = commits[-1].position

    async def position_at(self, shop: str, moment: datetime) -> int:
        """The position that the shop's log had reached at `moment`; 0 before its first commit."""
        low, high = 0, (await self.head(shop)).position
        while low < high:
            middle = (low + high + 1) // 2
            [commit] = _commits(await self._log.after(shop, middle - 1, middle, 1, cause=False))
            if commit.recorded_at <= moment:
                low = middle
            else:
                high = middle - 1
        return low

    async def by_id(self, id_: str) -> Commit | None:
        """The commit with this id, of whichever shop."""
        found = await self._log.identified(id_)
        return None if found is None else Commit.of(found)

    async def by_claim(self, shop: str, claim: str, *, cause: bool = False) -> Commit | None:
        """The commit that holds the claim, if any; with its cause on request."""
        found = await self.by_claims(shop, [claim], cause=cause)
        return found.get(claim)

    async def by_claims(
        self, shop: str, claims: Sequence[str], *, cause: bool = False
    ) -> Mapping[str, Commit]:
        """The holder of each claim that is taken."""
        pairs = self.iterate_claims(shop, claims, cause=cause)
        return {claim: commit async for claim, commit in pairs}

    async def iterate_claims(
        self, shop: str, claims: Sequence[str], *, batch: int = BATCH, cause: bool = False
    ) -> AsyncIterator[tuple[str, Commit]]:
        """Each claim that is taken, with its holder; queries `batch` claims at once."""
        for start in range(0, len(claims), batch):
            part = claims[start : start + batch]
            wanted = set(part)
            for commit in _commits(await self._log.claimed(shop, part, cause=cause)):
                for claim in commit.claims:
                    if claim in wanted:
                        yield claim, commit

    async def stream(self, shop: str, stream: str) -> list[Commit]:
        """The commits with versions of the stream, in version order."""
        return [commit async for commit in self.iterate_stream(shop, stream)]

    async def iterate_stream(
        self,
        shop: str,
        stream: str,
        *,
        after: int = 0,
        until: int | None = None,
        batch: int = BATCH,
        cause: bool = False,
    ) -> AsyncIterator[Commit]:
        """The commits with versions of the stream after `after` up to and including `until`, in
        order; queries `batch` versions at once."""
        while until is None or after < until:
            end = after + batch if until is None else min(after + batch, until)
            first, last = version_claim(stream, after + 1), version_claim(stream, end)
            rows = await self._log.between(shop, first, last, cause=cause)
            for row in rows:
                yield Commit.of(row)
            # Versions have no gaps: a range that is not filled was the last.
            if not rows or (reached := highest(rows[-1]["claims"], stream)) < end:
                return
            after = reached

    async def of_streams(
        self, shop: str, streams: Sequence[str], refs: Sequence[str] = ()
    ) -> list[Commit]:
        """The commits with versions of any of the streams, or with any of the refs, in ascending
        order of position: one query for all of them, which holds them in memory at once."""
        ranges = [(version_claim(one, 1), version_claim(one, _LAST)) for one in streams]
        return _commits(await self._log.holding(shop, ranges, refs))

    async def latest(self, shop: str, name: str) -> tuple[int, Commit | None]:
        """The last number claimed of a stream or sequence, 0 for none, and its commit."""
        number, row = await last_number(self._log, shop, name)
        return number, None if row is None else Commit.of(row)

    async def by_ref(
        self, shop: str, ref: str, limit: int = 10, *, cause: bool = False
    ) -> list[Commit]:
        """The newest commits with the ref, newest first; with their causes on request."""
        return _commits(
            await self._log.referring(shop, ref, 0, limit, newest_first=True, cause=cause)
        )

    async def page_of_ref(
        self, shop: str, ref: str, *, after: int = 0, limit: int, newest_first: bool = False
    ) -> list[Commit]:
        """Up to `limit` commits with the ref, after position `after` in that direction; from the
        beginning, or the end, with 0."""
        return _commits(
            await self._log.referring(
                shop, ref, after, limit, newest_first=newest_first, cause=False
            )
        )

    async def eventless(
        self,
        source: str,
        *,
        after: tuple[str, int] = ("", 0),
        shop: str | None = None,
        since: datetime | None = None,
        limit: int = BATCH,
        cause: bool = False,
    ) -> list[Commit]:
        """Up to `limit` commits from that source that have no event, by shop and position: of all
        shops or of one, recorded at any time or since then; those behind `after`, which is a shop
        and a position there."""
        host, position = after if shop is None or after[0] == shop else (shop, 0)
        only = shop is not None
        return _commits(
            await self._log.eventless(
                source, host, position, limit, only=only, since=since, cause=cause
            )
        )

    async def count_ref(self, shop: str, ref: str, most: int) -> int:
        """The number of commits with the ref, or `most` if there are at least that many."""
        return len(await self._log.positions_of(shop, ref, most))

    async def positions_of_ref(self, shop: str, ref: str, most: int) -> list[int]:
        """The positions of the first `most` commits with the ref, in ascending order. Reads no
        commit, so thousands take milliseconds."""
        return await self._log.positions_of(shop, ref, most)

    async def iterate_ref(
        self,
        shop: str,
        ref: str,
        *,
        newest_first: bool = False,
        batch: int = BATCH,
        cause: bool = False,
    ) -> AsyncIterator[Commit]:
        """Every commit with the ref, in ascending or descending order of position."""
        after = 0
        while True:
            rows = await self._log.referring(
                shop, ref, after, batch, newest_first=newest_first, cause=cause
            )
            for row in rows:
                yield Commit.of(row)
            if len(rows) < batch:
                return
            after = rows[-1]["position"]

    def iterate_correlation(
        self, shop: str, correlation_id: str, *, batch: int = BATCH, cause: bool = False
    ) -> AsyncIterator[Commit]:
        """Every commit with that correlation id, in order."""
        return self.iterate_ref(shop, correlation_ref(correlation_id), batch=batch, cause=cause)

    async def began(self) -> datetime | None:
        """When the first commit of all shops was recorded; None if there is none."""
        async for row in self._log.recorded(_BEGINNING, _END, 1):
            return Commit.of(row).recorded_at
        return None

    async def iterate_recorded(
        self, since: datetime, before: datetime, limit: int = 0
    ) -> AsyncIterator[Commit]:
        """The commits of all shops recorded from `since` until before `before`, by that time; the
        first `limit` of them, all if it is 0."""
        async for row in self._log.recorded(since, before, limit):
            yield Commit.of(row)


def _commits(rows: Iterable[Document]) -> list[Commit]:
    return [Commit.of(row) for row in rows]
