"""Whether the rows of a shop show what the log says up to a position."""

from __future__ import annotations

from collections.abc import Sequence

from cplus.mongo import Database
from cplus.projections.base import Projection
from cplus.projections.generations.lineage import first, read_lineages
from cplus.projections.lag.reader_positions import LogReader
from cplus.subscriptions.checkpoints import read_checkpoints


async def behind(
    database: Database, projections: Sequence[Projection], shop: str, position: int
) -> list[str]:
    """The collections with rows of the shop from before that position of its log, in order.

    All generations are asked that are not dropped: also one that is being filled, and one of a
    version that this code does not have, which nobody folds any more. One without a checkpoint in
    the shop has no rows of it.
    """
    lineages = await read_lineages(database)
    found = {one.name: lineages.get(one.name) or first(one) for one in projections}
    readers = [
        LogReader(name, lineage.collection(one.number))
        for name, lineage in found.items()
        for one in lineage.generations
    ]
    at = await read_checkpoints(database, readers, [shop])
    return sorted(collection for (collection, _), one in at.items() if one.position < position)
