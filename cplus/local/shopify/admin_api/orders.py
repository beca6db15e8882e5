"""The orders of a shop, as the Admin API tells them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from cplus.local.shopify.admin_api.refusals import refused
from cplus.local.shopify.state import LocalShop

SCOPES: Final = frozenset({"read_orders", "write_orders"})
_SEARCH: Final = re.compile(
    r"(?:id:>([0-9]{1,19})(?: AND )?)?(?:(created|updated)_at:>='([^']+)')?"
)


def found(shop: LocalShop, query: str | None) -> list[dict[str, Any]]:
    """The orders that the search finds, in the order of their ids."""
    match = _SEARCH.fullmatch(query or "")
    if match is None:
        raise refused("only id:>N AND created_at or updated_at:>='T' is served", "BAD_REQUEST")
    behind, since = int(match[1] or 0), match[3] and datetime.fromisoformat(match[3])
    some = [
        one
        for one in shop.orders
        if int(one["legacyResourceId"]) > behind
        and (not since or datetime.fromisoformat(one[f"{match[2]}At"]) >= since)
    ]
    return sorted(some, key=lambda one: int(one["legacyResourceId"]))


def refund(shop: LocalShop, gid: str) -> dict[str, Any] | None:
    """The refund of that global id; None if the shop has none."""
    for order in shop.orders:
        for one in order.get("refunds", ()):
            if _gid("Refund", one) == gid:
                return {"__typename": "Refund", **one, "id": gid}
    return None


def in_bulk(order: Mapping[str, Any]) -> dict[str, Any]:
    """The order as a bulk operation reads it: with global ids and the edges of its line items, of
    all of them."""
    items = order["lineItems"]["nodes"]
    refunds = [{**one, "id": _gid("Refund", one)} for one in order["refunds"]]
    return {
        **order,
        "id": _gid("Order", order),
        "lineItems": {"edges": [{"node": one} for one in items]},
        "refunds": refunds,
    }


def _gid(kind: str, one: Mapping[str, Any]) -> str:
    return f"gid://shopify/{kind}/{one['legacyResourceId']}"
