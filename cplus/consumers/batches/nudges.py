"""A batch of nudges: which shops to look at, and which messages that leaves undone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from cplus.consumers.batches.messages import SIDE_BY_SIDE, Batch, Item
from cplus.consumers.batches.sqs import SqsRecord
from cplus.deadline import Deadline
from cplus.errors import InvalidInput
from cplus.shopify.hosts import shop_host

Look = Callable[[str, int], Awaitable[int]]
"""(shop, position that the nudges tell of) -> the position up to which nothing is left to do."""


class NotReached(Exception):
    """The shop was not followed up to the position that the nudge tells of."""


@dataclass(frozen=True, slots=True)
class Nudge:
    """News of one shop's log."""

    shop: str
    position: int


async def each_shop(
    records: Sequence[SqsRecord], look: Look, limit: Deadline, side_by_side: int = SIDE_BY_SIDE
) -> list[str]:
    """Looks at each shop that the nudges name, once; answers the ids of the messages that failed:
    those that are no nudge, those of shops where `look` raises or is not done shortly before
    `limit`, when Lambda ends the function, and those that tell of a position behind its answer."""
    batch = Batch(records, limit, side_by_side)
    nudges: dict[str, list[Item[Nudge]]] = {}
    for item in batch.read(_nudge):
        nudges.setdefault(item.value.shop, []).append(item)

    async def one(shop: str) -> tuple[str, int]:
        return shop, await look(shop, max(item.value.position for item in nudges[shop]))

    shops = [
        Item([record for item in items for record in item.records], shop)
        for shop, items in nudges.items()
    ]
    for looked in await batch.each(shops, one, lambda shop: {"shop": shop}):
        shop, reached = looked.value
        for item in nudges[shop]:
            if reached < item.value.position:
                batch.fail(item, NotReached(), shop=shop)
    return batch.failed


def _nudge(record: SqsRecord) -> Nudge:
    message = record.json()
    position = message.get("position")
    if not isinstance(position, int) or isinstance(position, bool):
        raise InvalidInput(reason="the nudge names no position")
    return Nudge(shop_host(message.get("shop")), position)
