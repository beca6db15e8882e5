"""Orders in the file of a bulk operation: each has a line, and each of its line items one more.

The file is asked for grouped, so that the line items of an order follow it, and no more than one
order is held in memory. What moved with refunds is asked for by their ids.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from cplus.deadline import Deadline
from cplus.errors import ShopifyRefused, UnreadableAnswer
from cplus.shopify.admin import AdminClient
from cplus.shopify.bulk import LONGEST_LINE, Count, Line, count_of, json_of
from cplus.shopify.documents import ORDERS_COUNT, ORDERS_IN_BULK, REFUNDS

MOST_ITEMS: Final = 50
"""Line items of one order that are read, as by pages; of more it is only told that there are."""

MOST_REFUNDS: Final = 50
"""Refunds of one query: each may cost a dozen points, of a thousand."""

LONGEST_ORDER: Final = 2 * LONGEST_LINE
"""Bytes of an order with its line items; a longer one is left out and counted."""


class NotGrouped(Exception):
    """Line items that do not follow their order in the file."""


def orders_query(behind: int, since: datetime) -> str:
    """The query over the orders whose ids are above `behind` and which were placed since then."""
    return ORDERS_IN_BULK.replace("id:>0", f"id:>{behind} AND {_placed(since)}")


def _placed(since: datetime) -> str:
    return f"created_at:>='{since.isoformat(timespec='seconds')}'"


async def orders_count(
    client: AdminClient, since: datetime, *, deadline: Deadline | None = None
) -> Count:
    """How many orders were placed since then. Raises the same errors as AdminClient.query, and
    UnreadableAnswer."""
    data = await client.query(ORDERS_COUNT, {"query": _placed(since)}, deadline=deadline)
    return count_of(client, "ordersCount", data)


async def grouped(lines: AsyncIterator[Line]) -> AsyncGenerator[Line, None]:
    """The lines of each order together, as one. The last is not `whole`: where the file is only a
    part, nobody knows whether more of it would follow.

    Raises NotGrouped, and what the lines raise.
    """
    texts, size, items, end = list[bytes](), 0, 0, 0
    order: object = None
    before: object = None
    async for line in lines:
        said = json_of(line)
        parent = said.get("__parentId") if isinstance(said, dict) else None
        if parent is None:
            if texts:
                yield Line(_together(texts, size), end)
            texts, size, items = [], 0, 0
            before, order = order, said.get("id") if isinstance(said, dict) else None
        elif parent == before or (order is not None and parent != order) or not texts:
            raise NotGrouped
        items += parent is not None
        if order is None:
            texts = [b""]  # whose items follow is not known
        elif size <= LONGEST_ORDER and items <= MOST_ITEMS + 1:
            texts.append(line.text)
            size += len(line.text)
        end = line.end
    if texts:
        yield Line(_together(texts, size), end, whole=False)


def _together(texts: Sequence[bytes], size: int) -> bytes:
    return b"" if size > LONGEST_ORDER else b"".join(texts)


def node_of(line: Line) -> dict[str, Any] | None:
    """An order of `grouped` as a page would have it, but for what moved with its refunds; None if
    it cannot be read."""
    first, *rest = line.text.splitlines() or [b""]
    node = json_of(Line(first, line.end))
    items = [json_of(Line(text, line.end)) for text in rest]
    if not isinstance(node, dict) or not all(isinstance(one, dict) for one in items):
        return None
    more = {"hasNextPage": len(items) > MOST_ITEMS}
    return {**node, "lineItems": {"pageInfo": more, "nodes": items[:MOST_ITEMS]}}


def refunds_of(node: Mapping[str, Any]) -> list[str]:
    """The global ids of the refunds of an order in the file."""
    refunds = node.get("refunds")
    told = [one.get("id") for one in refunds or () if isinstance(one, dict)]
    return [one for one in told if isinstance(one, str)]


def with_moves(node: Mapping[str, Any], moved: Mapping[str, Any]) -> dict[str, Any]:
    """The order with what moved with its refunds, by their ids. If one of them is not there, nobody
    knows the refunds: what is known of them stays."""
    ids = refunds_of(node)
    if not ids:
        return dict(node)
    if not all(one in moved for one in ids):
        return {**node, "refunds": None}
    refunds = [{**one, "transactions": moved[one["id"]]} for one in node["refunds"]]
    return {**node, "refunds": refunds}


async def moves(
    client: AdminClient, ids: Sequence[str], *, deadline: Deadline | None = None
) -> dict[str, Any]:
    """What moved with each of these refunds, of `MOST_REFUNDS` at most. Raises the same errors as
    AdminClient.query, and UnreadableAnswer."""
    try:
        data = await client.query(REFUNDS, {"ids": list(ids)}, deadline=deadline)
    except ShopifyRefused as refused:
        if refused.values["code"] != "MAX_COST_EXCEEDED" or len(ids) == 1:
            raise
        half = len(ids) // 2
        first = await moves(client, ids[:half], deadline=deadline)
        return first | await moves(client, ids[half:], deadline=deadline)
    try:
        return {one["id"]: one["transactions"] for one in data["nodes"] if one}
    except (KeyError, TypeError):
        reason = "an answer of another shape: refunds"
        raise UnreadableAnswer(shop=client.shop, reason=reason) from None
