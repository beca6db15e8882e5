"""Writing to one shop's log: read the head, check, insert at head + 1. That is the only fence."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass

from cplus.clock import Clock
from cplus.errors import CommitTooLarge, ContentionTooHigh
from cplus.events.log.combine import CombinedCommits
from cplus.events.log.commit import Commit, Draft, Head, Prepared, prepare
from cplus.events.log.commits import Commits, Document
from cplus.events.log.outcomes import AlreadyRecorded, Appended, Conflict, Outcome, Unknown
from cplus.events.log.time_slices import TimeSlices
from cplus.events.names import version_claim
from cplus.mongo import PyMongoError

MAX_COMMIT = 16 * 1024 * 1024 - 16 * 1024
"""Bytes of a commit at most: MongoDB's 16 MiB, less room for what the server adds."""

_GROUP = 500  # commits written in one insert
_GROUP_BYTES = 32 * 1024 * 1024
_TRIES = 200
_BREAKS = 4  # broken connections in a row before the outcome is called unknown
_SHORT = 16  # numbers of a sequence that one question finds
_LONGEST = 34  # powers of two that cover every number a claim has room for


@dataclass(slots=True, eq=False)
class Entry:
    """A draft that is being written."""

    prepared: Prepared
    call: object
    """The same for all drafts of one call."""
    outcome: Outcome | None = None

    @property
    def draft(self) -> Draft:
        """What is to be written."""
        return self.prepared.draft

    @property
    def answer(self) -> Outcome:
        """The outcome, once it is there."""
        if self.outcome is None:
            raise RuntimeError("an append ended without an outcome")
        return self.outcome


def lay_out(drafts: Sequence[Draft], max_commit: int = MAX_COMMIT) -> list[Entry]:
    """The drafts as they are written, for one call; raises InvalidDraft, or CommitTooLarge for a
    commit of more than `max_commit` bytes."""
    call = object()
    laid_out = [Entry(prepare(draft), call) for draft in drafts]
    for entry in laid_out:
        if entry.prepared.size > max_commit:
            raise CommitTooLarge(
                claim=entry.draft.claim, size=entry.prepared.size, limit=max_commit
            )
    return laid_out


class ShopWriter:
    """Writes for one shop. Writers of one process take turns, and whoever has the turn writes
    for all who wait: a hot shop is written in groups."""

    def __init__(self, combined: CombinedCommits, shop: str, clock: Clock) -> None:
        self._combined = combined
        self._log = combined.log
        self._shop = shop
        self._clock = clock
        self._turn = asyncio.Lock()
        self._waiting: list[Entry] = []
        # The head after this process's last acknowledged write. It may be behind, never ahead.
        self._head: Head | None = None
        self._slices = TimeSlices()

    @property
    def busy(self) -> bool:
        """Whether somebody writes or waits to."""
        return bool(self._waiting) or self._turn.locked()

    async def write(self, entries: Sequence[Entry]) -> None:
        """Returns when each entry has its outcome."""
        self._waiting += entries
        try:
            while any(entry.outcome is None for entry in entries):
                async with self._turn:
                    if any(entry.outcome is None for entry in entries):
                        await self._write_group()
        except BaseException:
            # Whoever gave up no longer waits; others who waited with it are still in the list.
            gone = set(map(id, entries))
            self._waiting = [entry for entry in self._waiting if id(entry) not in gone]
            raise

    def _take_group(self) -> list[Entry]:
        """Those who wait, as many as one insert takes, each claim once."""
        group: dict[str, Entry] = {}
        size = 0
        for entry in self._waiting[:_GROUP]:
            size += entry.prepared.size
            if group and size > _GROUP_BYTES:
                break
            # A double stays in the list: in the next turn the log answers it.
            group.setdefault(entry.draft.claim, entry)
        return list(group.values())

    async def _write_group(self) -> None:
        open_ = self._take_group()
        breaks = 0
        for _ in range(_TRIES):
            open_ = [entry for entry in open_ if entry.outcome is None]
            if not open_:
                break
            try:
                await self._try(open_)
                breaks = 0
            except PyMongoError as error:
                self._head = None
                breaks += 1
                if breaks >= _BREAKS:
                    for entry in open_:
                        entry.outcome = entry.outcome or Unknown(entry.draft.claim, error)
                    break
                await asyncio.sleep(random.uniform(0, 0.1 * breaks))
        else:
            self._head = None
            high = ContentionTooHigh(shop=self._shop, tries=_TRIES)
            for entry in open_:
                entry.outcome = entry.outcome or Unknown(entry.draft.claim, high)
        self._waiting = [entry for entry in self._waiting if entry.outcome is None]

    async def _try(self, entries: list[Entry]) -> None:
        if await self._slices.begin():
            self._head = None
        head = self._head or await self._combined.head(self._shop)
        await self._refuse_gaps(entries)
        entries = [entry for entry in entries if entry.outcome is None]
        if not entries:
            return
        raws, heads, after = [], [], head
        now = self._clock()
        for entry in entries:
            raw, after = entry.prepared.place(after, now)
            raws.append(raw)
            heads.append(after)
        # Until the write is acknowledged nobody knows the head: also not when it is cut short.
        self._head = None
        try:
            written = await self._combined.insert(raws)
        except PyMongoError:
            await self._resolve(entries)
            self._refuse_followers(entries)
            raise
        if written:
            self._head = after
            self._slices.won()
            for entry, at in zip(entries, heads, strict=True):
                entry.outcome = Appended(self._shop, at.position, entry.draft.id)
            return
        # A duplicate is never proof by itself: the driver can report one where the write
        # concern failed. What a majority has is asked in every case.
        resolved = await self._resolve(entries)
        self._refuse_followers(entries)
        if not resolved:
            await self._slices.lost()

    async def _refuse_gaps(self, entries: list[Entry]) -> None:
        """Refuses drafts whose versions stand on one that is not there.

        The unique index refuses a version that is taken, and would accept version 5 with no
        version 4. What is there stays there, so this holds under any later head too.
        """
        needed = set()
        coming: set[str] = set()
        for entry in entries:
            for name, number in entry.draft.numbered():
                before = version_claim(name, number - 1)
                if number > 1 and before not in coming:
                    needed.add(before)
                coming.add(version_claim(name, number))
        if not needed:
            return
        there = await self._log.taken(self._shop, sorted(needed))
        for entry in entries:
            for name, number in entry.draft.numbered():
                before = version_claim(name, number - 1)
                if number > 1 and before not in there:
                    entry.outcome = await self._conflict(name, number)
                    break
                there.add(version_claim(name, number))

    async def _conflict(self, name: str, number: int) -> Conflict:
        actual, _ = await last_number(self._log, self._shop, name)
        return Conflict(name, number - 1, actual)

    async def _resolve(self, entries: list[Entry]) -> bool:
        """Asks the log which of the drafts are in it, or fell to a claim; whether any did."""
        claims = [claim for entry in entries for claim in entry.prepared.claims]
        taken = {
            claim: commit
            for commit in map(Commit.of, await self._log.claimed(self._shop, claims, cause=False))
            for claim in commit.claims
        }
        for entry in entries:
            draft = entry.draft
            holder = taken.get(draft.claim)
            if holder is not None:
                entry.outcome = (
                    Appended(self._shop, holder.position, holder.id)
                    if holder.id == draft.id
                    else AlreadyRecorded(holder)
                )
                continue
            for name, number in draft.numbered():
                if version_claim(name, number) in taken:
                    entry.outcome = await self._conflict(name, number)
                    break
        return any(entry.outcome is not None for entry in entries)

    def _refuse_followers(self, entries: list[Entry]) -> None:
        """Refuses drafts that stand on a version which an earlier draft of their call did not
        get: another's commit has that place, and they were decided without it."""
        lost: dict[tuple[object, str], int] = {}
        for entry in entries:
            if isinstance(entry.outcome, Appended):
                continue
            names = entry.draft.numbered()
            if entry.outcome is None:
                for name, number in names:
                    if (entry.call, name) in lost:
                        actual = lost[entry.call, name]
                        entry.outcome = Conflict(name, number - 1, actual)
                        break
            elif isinstance(entry.outcome, AlreadyRecorded):
                held = set(entry.outcome.commit.claims)
                names = [at for at in names if version_claim(*at) not in held]
            if entry.outcome is not None:
                conflict = entry.outcome if isinstance(entry.outcome, Conflict) else None
                for name, number in names:
                    known = conflict is not None and conflict.stream == name
                    at = conflict.actual if conflict and known else number
                    lost.setdefault((entry.call, name), at)


async def last_number(log: Commits, shop: str, name: str) -> tuple[int, Document | None]:
    """The last number claimed of a stream or sequence, 0 for none, and the row of its commit.

    Numbers have no gap, so a few of them tell where the last one stands: short ones are found
    in one question, and a stream of millions in five.
    """
    low, above, row = 0, 2**_LONGEST, None
    probes = [*range(1, _SHORT), *(2**power for power in range(4, _LONGEST))]
    while probes:
        found = await log.newest(shop, [version_claim(name, number) for number in probes])
        if found is None:
            above = probes[0]
        else:
            low, row = highest(found["claims"], name), found
            above = next((number for number in probes if number > low), above)
        gap = above - low - 1
        step = max(1, gap // 32)
        probes = list(range(low + 1, above, step)) if gap > 0 else []
    return low, row


def highest(claims: Sequence[str], name: str) -> int:
    """The largest number of the stream or sequence `name` among the claims; 0 for none."""
    prefix = f"{name}@"
    return max((int(c[len(prefix) :]) for c in claims if c.startswith(prefix)), default=0)
