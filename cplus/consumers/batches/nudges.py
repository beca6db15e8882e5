"""A batch of nudges: which shops to look at, and which messages that leaves undone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from cplus.consumers.batches.sqs import SqsRecord
from cplus.errors import InvalidInput
from cplus.shopify.hosts import shop_host

log = structlog.get_logger()

Look = Callable[[str, int], Awaitable[int]]
"""(shop, position that the nudges tell of) -> the position up to which nothing is left to do."""


async def look_at_each(records: Sequence[SqsRecord], look: Look, side_by_side: int) -> list[str]:
    """Looks at each shop that the nudges name, once; answers the ids of the messages that failed:
    those that are no nudge, and those that tell of a position behind the answer of `look`."""
    failed: list[str] = []
    nudged: dict[str, list[tuple[int, str]]] = {}
    for record in records:
        try:
            shop, position = _nudge(record)
        except InvalidInput as error:
            log.warning("nudge_unreadable", message_id=record.message_id, reason=str(error))
            failed.append(record.message_id)
        else:
            nudged.setdefault(shop, []).append((position, record.message_id))
    places = asyncio.Semaphore(side_by_side)

    async def one(shop: str) -> int:
        async with places:
            return await look(shop, max(position for position, _ in nudged[shop]))

    for shop, done in zip(nudged, await asyncio.gather(*map(one, nudged)), strict=True):
        failed += [message_id for position, message_id in nudged[shop] if done < position]
    return failed


def _nudge(record: SqsRecord) -> tuple[str, int]:
    message = record.json()
    position = message.get("position")
    if not isinstance(position, int) or isinstance(position, bool):
        raise InvalidInput(reason="the nudge names no position")
    return shop_host(message.get("shop")), position
