"""Leads that bought: how somebody came to the shop, and whether their first order came after a
conversation. Both are made on reading, of rows that need not have come in any order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from cplus.projections.base import Row
from cplus.projections.models.messages import MESSAGES
from cplus.projections.queries.read_models import PAGE, ReadModels
from cplus.projections.queries.views import (
    Conversation,
    CustomerDetail,
    FirstOrder,
    Order,
    Source,
)

_LOOKED_AT: Final = 20
"""The newest messages before an order. Of those that were scheduled, some went out later."""
_NOT_SENT: Final = ("written", "rejected")


class FirstOrderQueries(ReadModels):
    """Questions about what somebody ordered first."""

    async def first_order(
        self, shop: str, person: CustomerDetail, within: int
    ) -> FirstOrder | None:
        """The first order of the person with the last message before it; None if there is none, or
        nobody can say which one it was. `within`: up to how many days after the message it counts
        as bought after a conversation."""
        order = earliest_order(person)
        if order is None:
            return None
        begun = [one.id for one in _heard(person) if one.started_at < order.created_at]
        if not begun:
            return FirstOrder(order, None, within)
        rows = await self._rows(MESSAGES)
        wanted = {
            "shop": shop,
            "conversation_id": {"$in": begun},
            "at": {"$lt": order.created_at},
            "number": {"$gt": 0},
            **_SAID,
        }
        newest = rows.find(wanted, _READ, sort=[("at", -1)], limit=_LOOKED_AT).hint(_BY_PLACE)
        said_at = last_said(await newest.to_list(_LOOKED_AT), order.created_at)
        return FirstOrder(order, said_at, within)


_SAID: Final[dict[str, Any]] = {
    "automatic": False,
    "$or": [{"direction": "in"}, {"direction": "out", "status": {"$nin": _NOT_SENT}}],
}
"""What a person wrote to another: no note, nothing automatic, and nothing that never left."""
_BY_PLACE: Final = [(name, 1) for name in ("shop", "conversation_id", "at", "number", "_id")]
"""The threads, each in its order; the index by direction would have to sort."""
_READ: Final = {"at": 1, "send_at": 1}


def earliest_order(person: CustomerDetail) -> Order | None:
    """The first order that is no test, whatever became of it; None if one may have come before it,
    or more is known of the person than is listed. Pure."""
    orders = [one for one in person.orders if not one.test]
    counting = sum(not one.cancelled for one in orders)
    unlisted = person.customer.orders > counting or max(map(len, _lists(person))) >= PAGE
    if person.customer.erased_at is not None or unlisted:
        return None
    return min(orders, key=lambda one: (one.created_at, one.shopify_id), default=None)


def source_of(person: CustomerDetail) -> Source | None:
    """How their first conversation began; None if there is none, or it may not be listed. Pure."""
    heard = [] if len(person.conversations) >= PAGE else _heard(person)
    first = min(heard, key=lambda one: (one.started_at, one.id), default=None)
    if first is None or person.customer.erased_at is not None:
        return None
    if first.by_merchant:
        return "merchant"
    return "contact_form" if first.channel == "contact_form" else "email"


def last_said(messages: Sequence[Row], before: datetime) -> datetime | None:
    """When the last of the messages went out that did before that moment. Pure."""
    times = [one.get("send_at") or one["at"] for one in messages]
    return max((at for at in times if at < before), default=None)


def _heard(person: CustomerDetail) -> list[Conversation]:
    return [one for one in person.conversations if not one.spam]


def _lists(person: CustomerDetail) -> tuple[Sequence[Any], Sequence[Any]]:
    return person.orders, person.conversations
