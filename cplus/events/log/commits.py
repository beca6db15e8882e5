"""What a store of commits is: the few questions and the one write that the log is made of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from cplus.events.log.commit import Head
from cplus.mongo import Raw

FOLDED = ("_id", "shop", "position", "seq", "recorded_at", "source", "actor", "events")
"""The fields of a commit that a fold needs."""
CORRELATED = (*FOLDED, "correlation_id")
"""Those that a reaction needs: what follows from a commit names what it follows from."""

Document = Mapping[str, Any]


class Commits(Protocol):
    """Stored commits with two unique indexes, (shop, position) and (shop, claims)."""

    async def insert(self, runs: Sequence[Sequence[bytes]]) -> Sequence[bool | Exception]:
        """Writes one run of commits per shop; runs are independent. A run is written in order, up
        to the first commit that a unique index refuses.

        The result per run is True if a majority has all of it; False if an index refused a commit,
        which proves nothing else; an exception if it is unknown what was written. Raises
        PyMongoError if that is unknown for all runs.
        """

    async def head(self, shop: str) -> Head:
        """The head of one shop, read with majority."""

    async def heads(self, shops: Sequence[str]) -> dict[str, Head]:
        """The heads of many shops in one query."""

    def positions(self, since: datetime | None, size: int) -> AsyncIterator[dict[str, int]]:
        """The last position of each shop, or of those with commits recorded since, by host, up to
        `size` shops at a time."""

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
        """Commits after one position up to and including another, in order; stops after the commit
        that fills `room` bytes."""

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
        """The `fields` of the commits after a position, up to and with another, as they are stored;
        `each` in one part at most, none after the one with which they fill `room` bytes.

        With `ignored`, only commits that have an event of another type.
        """

    async def identified(self, id_: str) -> Document | None:
        """The commit with this id, of whichever shop, without its cause."""

    async def claimed(self, shop: str, claims: Sequence[str], *, cause: bool) -> list[Document]:
        """The commits that hold one of the claims."""

    async def taken(self, shop: str, claims: Sequence[str]) -> set[str]:
        """Those of the claims that are taken."""

    async def newest(self, shop: str, claims: Sequence[str]) -> Document | None:
        """The last commit that holds one of the claims."""

    async def between(self, shop: str, first: str, last: str, *, cause: bool) -> list[Document]:
        """The commits with a claim from `first` to `last` as text, in the order of positions."""

    async def holding(
        self, shop: str, ranges: Sequence[tuple[str, str]], refs: Sequence[str]
    ) -> list[Document]:
        """The commits with a claim in one of the ranges, as `between`, or with one of the refs, in
        the order of positions; without their causes."""

    async def referring(
        self, shop: str, ref: str, after: int, limit: int, *, newest_first: bool, cause: bool
    ) -> list[Document]:
        """Commits with the ref, after position `after` in the given direction."""

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
        """Commits from that source without events, recorded since then: those of the shop after a
        position and, unless it is the `only` one, those of the shops behind it; by shop and
        position."""

    async def positions_of(self, shop: str, ref: str, limit: int) -> list[int]:
        """The positions of the first `limit` commits with the ref, in order; none for 0."""

    def recorded(
        self, since: datetime, before: datetime, limit: int = 0
    ) -> AsyncIterator[Document]:
        """Commits of all shops recorded from `since` until before `before`, by that time; the first
        `limit` of them, all if it is 0."""
        ...

    def raw(self, shop: str, after: int = 0, until: int | None = None) -> AsyncIterator[bytes]:
        """The commits of the shop after a position, up to and with another or to the last one, in
        order of position, as stored, many per piece."""
        ...

    def changes(self) -> AsyncIterator[str]:
        """The shop of each commit written from now on; never ends by itself, and may miss some. The
        first item is the empty string, which means that it is listening."""
        ...
