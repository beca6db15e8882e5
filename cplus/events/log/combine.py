"""Combines what the writers of several shops request from the log at the same time."""

from __future__ import annotations

from collections.abc import Sequence

from cplus.combiner import Combiner
from cplus.events.log.commit import Head
from cplus.events.log.commits import Commits

_INSERT_BYTES = 1024 * 1024
_HEADS = 100  # read in one query


class CombinedCommits:
    """Combines what the writers of several shops request from the log."""

    def __init__(self, log: Commits) -> None:
        self.log = log
        self._inserts = Combiner(log.insert, room=_INSERT_BYTES, size=_bytes)
        self._heads = Combiner(self._ask_heads, room=_HEADS)

    async def insert(self, raws: Sequence[bytes]) -> bool:
        """Writes commits of one shop in their order; see Commits.insert."""
        return await self._inserts.ask(raws)

    async def head(self, shop: str) -> Head:
        """The head of a shop, read with majority."""
        return await self._heads.ask(shop)

    async def _ask_heads(self, shops: list[str]) -> list[Head]:
        heads = await self.log.heads(shops)
        return [heads[shop] for shop in shops]


def _bytes(raws: Sequence[bytes]) -> int:
    return sum(map(len, raws))
