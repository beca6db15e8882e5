"""Questions about how far the read models have come."""

from __future__ import annotations

from collections.abc import Sequence

from cplus.projections.groups import ALL
from cplus.projections.queries.read_models import ReadModels
from cplus.subscriptions.checkpoints import CHECKPOINTS, checkpoint_id


class ProgressQueries(ReadModels):
    """Questions about how far the read models have come."""

    async def position_of(self, shop: str, by: Sequence[str]) -> int:
        """The position up to which the projections of these names show the shop."""
        at = await self._checkpoints(shop, [one for one in ALL if one.name in by])
        return min(one.position for one in at.values())

    async def positions_of(self, shop: str) -> dict[str, int]:
        """How far each projection, by name, has read the shop's log; 0 before it began."""
        at = await self._checkpoints(shop, ALL)
        return {name: one.position for name, one in at.items()}

    async def parked(self, shop: str, reactions: Sequence[str] = ()) -> set[str]:
        """The names of the projections in use, and of these reactions, that are parked in the shop:
        later events are not shown or handed out until that is fixed."""
        names = [*[await self._collection(one) for one in ALL], *reactions]
        found = self._mongo.database[CHECKPOINTS].find(
            {
                "_id": {"$in": [checkpoint_id(name, shop) for name in names]},
                "parked": {"$ne": None},
            },
            {"projection": 1},
        )
        return {row["projection"] for row in await found.to_list(None)}
