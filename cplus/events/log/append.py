"""Writing to one shop's log: read the head, check, insert at head + 1. The position is the only
lock."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cplus.clock import Clock
from cplus.errors import CommitTooLarge, ContentionTooHigh
from cplus.events.log.combine import CombinedCommits
from cplus.events.log.commit import Commit, Draft, Head, Prepared, Sealing, prepare
from cplus.events.log.draft_sealing import DraftSealing
from cplus.events.log.numbers import last_number
from cplus.events.log.outcomes import AlreadyRecorded, Appended, Conflict, Outcome, Unknown
from cplus.events.log.time_slices import TimeSlices
from cplus.events.names import version_claim
from cplus.mongo import PyMongoError

MAX_COMMIT = 16 * 1024 * 1024 - 16 * 1024
"""Maximum size of a commit in bytes: MongoDB's 16 MiB, minus room for what the server adds."""

_GROUP = 500  # commits written in one insert
_GROUP_BYTES = 32 * 1024 * 1024
_TRIES = 200
_BREAKS = 4  # broken connections in a row before the outcome is reported as unknown
_CLEAR: Mapping[str, Sealing] = {}


@dataclass(slots=True, eq=False)
class Entry:
    """A draft that is being written."""

    prepared: Prepared
    call: object
    """Shared by all drafts of one call."""
    outcome: Outcome | None = None

    @property
    def draft(self) -> Draft:
        """The draft."""
        return self.prepared.draft

    @property
    def answer(self) -> Outcome:
        """The outcome, once it is known."""
        if self.outcome is None:
            raise RuntimeError("an append ended without an outcome")
        return self.outcome


def lay_out(
    drafts: Sequence[Draft],
    max_commit: int = MAX_COMMIT,
    sealing: Mapping[str, Sealing] = _CLEAR,
) -> list[Entry]:
    """The drafts as they are written, for one call, and sealed as it is told for their shop; raises
    InvalidDraft, or CommitTooLarge for a commit of more than `max_commit` bytes."""
    call = object()
    laid_out = [Entry(prepare(draft, sealing.get(draft.shop)), call) for draft in drafts]
    for entry in laid_out:
        if entry.prepared.size > max_commit:
            raise CommitTooLarge(
                claim=entry.draft.claim, size=entry.prepared.size, limit=max_commit
            )
    return laid_out


class ShopWriter:
    """Writes to one shop. Writers of one process take turns, and the one whose turn it is writes
    for all that wait, so a busy shop is written in groups."""

    def __init__(
        self,
        combined: CombinedCommits,
        shop: str,
        clock: Clock,
        sealing: DraftSealing | None = None,
    ) -> None:
        """Without `sealing`, everything is written in clear."""
        self._combined = combined
        self._sealing = sealing
        self._log = combined.log
        self._shop = shop
        self._clock = clock
        self._turn = asyncio.Lock()
        self._waiting: list[Entry] = []
        # The head after this process's last acknowledged write. It may be outdated, never ahead.
        self._head: Head | None = None
        # How many erasures the log had seen when its head was last read; never ahead either.
        self._erasures: int | None = None
        self._slices = TimeSlices()

    @property
    def busy(self) -> bool:
        """Whether a write is running or waiting."""
        return bool(self._waiting) or self._turn.locked()

    async def sealing(self, drafts: Sequence[Draft]) -> Sealing | None:
        """What seals these drafts, by what was last seen of the log; None if nothing in them is
        sealed. Raises what the database raises, and KeysUnavailable."""
        if self._sealing is None or not self._sealing.needed(drafts):
            return None
        if self._erasures is None:
            head = await self._combined.head(self._shop)
            self._erasures = head.erasures
            if not self.busy:
                self._head = self._head or head
        return await self._sealing.of(self._shop, drafts, self._erasures)

    async def write(self, entries: Sequence[Entry]) -> None:
        """Returns once each entry has its outcome."""
        self._waiting += entries
        try:
            while any(entry.outcome is None for entry in entries):
                async with self._turn:
                    if any(entry.outcome is None for entry in entries):
                        await self._write_group()
        except BaseException:
            # A cancelled caller no longer waits; others that waited with it are still in the list.
            gone = set(map(id, entries))
            self._waiting = [entry for entry in self._waiting if id(entry) not in gone]
            raise

    def _take_group(self) -> list[Entry]:
        """The waiting entries, as many as fit into one insert, each claim once."""
        group: dict[str, Entry] = {}
        size = 0
        for entry in self._waiting[:_GROUP]:
            size += entry.prepared.size
            if group and size > _GROUP_BYTES:
                break
            # A repeated claim stays in the list: in the next turn the log answers it.
            taken = group.setdefault(entry.draft.claim, entry)
            if taken.draft.erases:
                break  # whatever follows an erasure is sealed anew
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
        await self._seal_anew(entries, head)
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
        # Until the write is acknowledged the head is unknown, even if the write is cancelled.
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
        # A duplicate key error proves nothing: the driver can report one when the write concern
        # failed. So the log is always read, with majority.
        resolved = await self._resolve(entries)
        self._refuse_followers(entries)
        if not resolved:
            await self._slices.lost()

    async def _seal_anew(self, entries: Sequence[Entry], head: Head) -> None:
        """Seals again what was sealed before an erasure that the head has seen: its keys may be
        destroyed by now. Under an older head, it would not be written at all."""
        self._erasures = head.erasures
        late = [e for e in entries if e.prepared.erasures not in (None, head.erasures)]
        if late and self._sealing is not None:
            drafts = [entry.draft for entry in late]
            sealing = await self._sealing.of(self._shop, drafts, head.erasures)
            for entry in late:
                entry.prepared = prepare(entry.draft, sealing)

    async def _refuse_gaps(self, entries: list[Entry]) -> None:
        """Refuses drafts whose previous version does not exist.

        The unique index refuses a version that is taken, but would accept version 5 without
        version 4. Commits never disappear, so the check still holds under any later head.
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
        """Reads from the log which drafts are in it or lost their claim; returns whether any
        did."""
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
        """Refuses drafts that build on a version that an earlier draft of the same call did not
        get: another writer's commit has that version, and they were decided without it."""
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
