"""What every read model does when its shop is erased: it forgets all that it folded before.

Its rows are then those of a log that begins behind the erasure. So a rebuild makes the same rows,
and no fold has to know of it.
"""

from __future__ import annotations

from collections.abc import Collection

from cplus.events.catalogue.privacy import ShopErased
from cplus.events.log.commit import Commit
from cplus.events.log.store import EventStore
from cplus.events.names import SHOP_ERASED_REF
from cplus.events.reader import EventReader
from cplus.projections.base import Projection
from cplus.subscriptions.reading import Batch

_STORED = ShopErased.TYPE.encode()


def passed_over(reader: EventReader, projection: Projection) -> Collection[str]:
    """The stored types that the projection need not read."""
    return reader.passed(projection.passes, projection.handles) - {ShopErased.TYPE}


def erasure_in(batch: Batch) -> Commit | None:
    """The last commit of the batch that erases the shop."""
    if not any(_STORED in part for part in batch.raw.parts):
        return None  # which is quickly told, without decoding anything
    erasing = (one for commits in batch.slices() for one in commits if erases_shop(one))
    return max(erasing, key=lambda one: one.position, default=None)


def erases_shop(commit: Commit) -> bool:
    """Whether the shop is erased by it."""
    return ShopErased.TYPE in commit.types


async def last_erasure(store: EventStore, shop: str, end: int | None = None) -> Commit | None:
    """The last commit that erases the shop, up to and with the position `end` if one is given."""
    after = 0 if end is None else end + 1
    newest = await store.page_of_ref(shop, SHOP_ERASED_REF, after=after, limit=1, newest_first=True)
    return newest[0] if newest else None
