"""What every question needs: the rows that are read now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from cplus.mongo import Collection, Mongo
from cplus.projections.base import Projection, Row
from cplus.projections.generations.lineage import LiveCollections
from cplus.projections.rows import row_id
from cplus.subscriptions.checkpoints import CHECKPOINTS, Checkpoint, checkpoint_id

PAGE: Final = 50
"""Items of a page, if the caller does not say how many."""
BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Before every moment that a row names; so a range from here leaves out rows without one."""


class ReadModels:
    """The rows of the generations that are read now, one shop at a time."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._live = LiveCollections(mongo.database)

    async def _collection(self, projection: Projection) -> str:
        """The name of the collection that is read now."""
        return await self._live.collection(projection)

    async def _rows(self, projection: Projection) -> Collection:
        return await self._live.rows(projection)

    async def _row(self, projection: Projection, shop: str, key: str) -> Row | None:
        """The row with this key."""
        rows = await self._rows(projection)
        found: Row | None = await rows.find_one({"_id": row_id(shop, key)})
        return found

    async def _checkpoints(
        self, shop: str, projections: Iterable[Projection]
    ) -> dict[str, Checkpoint]:
        """How far each projection, by name, has read the shop's log, and how many rows of each kind
        it had then, as the runner counted them: `counts` is None if it has not, as an older release
        folded them and they were not rebuilt since."""
        ids = {one.name: checkpoint_id(await self._collection(one), shop) for one in projections}
        found = self._mongo.database[CHECKPOINTS].find({"_id": {"$in": list(ids.values())}})
        by_id = {row["_id"]: row for row in await found.to_list(None)}
        return {name: Checkpoint.of(by_id.get(_id)) for name, _id in ids.items()}

    async def _counts(self, projection: Projection, shop: str) -> Mapping[str, int] | None:
        """How many rows of each kind the shop has, see `_checkpoints`."""
        return (await self._checkpoints(shop, [projection]))[projection.name].counts

    async def _newest(
        self, projection: Projection, wanted: Mapping[str, Any], field: str, limit: int
    ) -> list[Row]:
        """The rows that match, the one with the latest moment in `field` first."""
        rows = await self._rows(projection)
        cursor = rows.find(wanted, sort=[(field, -1), ("_id", -1)]).limit(limit)
        return list(await cursor.to_list(limit))
