"""Writing to one shop's log: read the head, check, insert at head + 1. That is the only fence."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cplus.clock import Clock, utc_now
from cplus.errors import CommitTooLarge, ContentionTooHigh, InvalidDraft
from cplus.events.commit import Draft, Head, to_bytes, version_claim
from cplus.events.outcomes import AlreadyRecorded, Appended, Conflict, Outcome, Unknown
from cplus.mongo import BulkWriteError, PyMongoError, RawBSONDocument

if TYPE_CHECKING:
    from cplus.events.store import EventStore

MAX_COMMIT = 16 * 1024 * 1024 - 16 * 1024
"""Bytes of a commit at most: MongoDB's 16 MiB, less room for what the server adds."""

_GROUP = 500  # commits written in one insert
_GROUP_BYTES = 32 * 1024 * 1024
_TRIES = 200
_BREAKS = 4  # broken connections in a row before the outcome is called unknown


@dataclass(slots=True, eq=False)
class _Entry:
    draft: Draft
    call: object
    """The same for all drafts of one call."""
    outcome: Outcome | None = None


class ShopWriter:
    """Writes for one shop. Writers of one process take turns, and whoever has the turn writes
    for all who wait: a hot shop is written in groups."""

    def __init__(self, store: EventStore, shop: str, clock: Clock) -> None:
        self._store = store
        self._shop = shop
        self._clock = clock
        self._turn = asyncio.Lock()
        self._waiting: list[_Entry] = []
        # The head after this process's last acknowledged write. It may be behind, never ahead.
        self._head: Head | None = None

    @property
    def busy(self) -> bool:
        """Whether somebody writes or waits to."""
        return bool(self._waiting) or self._turn.locked()

    @staticmethod
    def check(draft: Draft) -> None:
        """Refuses what can never be written; raises InvalidDraft or CommitTooLarge."""
        draft.claims()
        try:
            raw, _ = to_bytes(draft, Head.of(None), utc_now())
        except (OverflowError, UnicodeEncodeError, ValueError, RecursionError) as error:
            kind = type(error).__name__
            raise InvalidDraft(claim=draft.claim, reason=f"BSON cannot hold it ({kind})") from None
        if len(raw) > MAX_COMMIT:
            raise CommitTooLarge(claim=draft.claim, size=len(raw), limit=MAX_COMMIT)

    async def write(self, drafts: Sequence[Draft]) -> list[Outcome]:
        """The outcome of each draft, in their order."""
        call = object()
        entries = [_Entry(draft, call) for draft in drafts]
        self._waiting += entries
        try:
            while any(entry.outcome is None for entry in entries):
                async with self._turn:
                    if any(entry.outcome is None for entry in entries):
                        await self._write_group()
        except BaseException:
            # Whoever gave up no longer waits; others who waited with it are still in the list.
            self._waiting = [entry for entry in self._waiting if entry not in entries]
            raise
        return [entry.outcome for entry in entries if entry.outcome is not None]

    async def _write_group(self) -> None:
        group: list[_Entry] = []
        size = 0
        for entry in self._waiting[:_GROUP]:
            size += len(entry.draft.cause.body or b"") if entry.draft.cause else 0
            if group and size > _GROUP_BYTES:
                break
            group.append(entry)
        first_with: dict[str, _Entry] = {}
        for entry in group:
            first_with.setdefault(entry.draft.claim, entry)
        open_ = [entry for entry in group if first_with[entry.draft.claim] is entry]
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
        # A double within the group stays in the list: in the next turn the log answers it.
        self._waiting = [entry for entry in self._waiting if entry.outcome is None]

    async def _try(self, entries: list[_Entry]) -> None:
        head = self._head or await self._store.head(self._shop)
        await self._refuse_gaps(entries)
        entries = [entry for entry in entries if entry.outcome is None]
        if not entries:
            return
        documents, after = [], head
        heads = []
        for entry in entries:
            raw, after = to_bytes(entry.draft, after, self._clock())
            documents.append(RawBSONDocument(raw))
            heads.append(after)
        try:
            await self._store.commits.insert_many(documents, ordered=True)
        except PyMongoError as error:
            # A duplicate is never proof by itself: the driver can report one where the write
            # concern failed. What a majority has is asked in every case.
            self._head = None
            resolved = await self._resolve(entries)
            self._refuse_followers(entries)
            if not _only_duplicates(error):
                raise
            if not resolved:
                await asyncio.sleep(random.uniform(0, 0.02))  # jitter: somebody else was quicker
            return
        self._head = after
        for entry, at in zip(entries, heads, strict=True):
            entry.outcome = Appended(self._shop, at.position, entry.draft.id)

    async def _refuse_gaps(self, entries: list[_Entry]) -> None:
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
        there = set(await self._store.by_claims(self._shop, sorted(needed)))
        for entry in entries:
            for name, number in entry.draft.numbered():
                before = version_claim(name, number - 1)
                if number > 1 and before not in there:
                    actual, _ = await self._store.latest(self._shop, name)
                    entry.outcome = Conflict(name, number - 1, actual)
                    break
                there.add(version_claim(name, number))

    async def _resolve(self, entries: list[_Entry]) -> bool:
        """Asks the log which of the drafts are in it, or fell to a claim; whether any did."""
        claims = [claim for entry in entries for claim in entry.draft.claims()]
        taken = await self._store.by_claims(self._shop, claims)
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
                    actual, _ = await self._store.latest(self._shop, name)
                    entry.outcome = Conflict(name, number - 1, actual)
                    break
        return any(entry.outcome is not None for entry in entries)

    def _refuse_followers(self, entries: list[_Entry]) -> None:
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
                for name, number in names:
                    lost.setdefault((entry.call, name), number)


def _only_duplicates(error: PyMongoError) -> bool:
    if not isinstance(error, BulkWriteError):
        return False
    details = error.details or {}
    codes = {failed["code"] for failed in details.get("writeErrors", ())}
    return codes == {11000} and not details.get("writeConcernErrors")
