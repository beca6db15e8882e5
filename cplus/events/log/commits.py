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
        fields: Sequence[str] = FOLDED,
    ) -> Raw:
        """The `fields` of the commits after a position, up to and with another, as they are stored;
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
