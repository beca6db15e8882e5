"""Billing: the row `account`, and one for each subscription to the app, by Shopify's id."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cplus.events.base import Recorded
from cplus.events.catalogue.billing import (
    AccountOpened,
    AllowanceFreed,
    AllowanceReached,
    SubscriptionChanged,
)
from cplus.projections.base import Projection, Row
from cplus.projections.models.facts import newest, types

ACCOUNT: Final = "account"
"""The key of the account's row."""


def keys(event: Recorded) -> Iterable[str]:
    """The subscription's id, or `account`."""
    told = event.event
    return [told.subscription_id if isinstance(told, SubscriptionChanged) else ACCOUNT]


def evolve(key: str, row: Row | None, event: Recorded) -> Row | None:
    """A subscription is what Shopify said of it last; the account has a stream with versions, each
    of which is folded once, in order."""
    return _account(row, event) if key == ACCOUNT else _subscription(row, event)


def _account(row: Row | None, event: Recorded) -> Row:
    before = {**_UNOPENED, **(row or {})}
    version = event.version or 0
    if version <= before["version"]:
        return before
    after = {**before, "version": version}
    match event.event:
        case AccountOpened() as opened:
            after |= {"plan": opened.plan, "conversations": opened.conversations}
        case AllowanceReached() as reached:
            # A month that ended may be told after the one that runs.
            after["reached"] = max(before["reached"] or "", reached.month)
        case AllowanceFreed() as freed if freed.month == before["reached"]:
            after["reached"] = None
    return after


_UNOPENED: Final[Row] = {"version": 0, "plan": "", "conversations": 0, "reached": None}


def _subscription(row: Row | None, event: Recorded) -> Row:
    subscription = event.event
    assert isinstance(subscription, SubscriptionChanged)  # noqa: S101  by its key
    return newest(
        row,
        event,
        {
            "name": subscription.name,
            "status": subscription.status,
            "price": subscription.price,
            "capped_amount": subscription.capped_amount,
            "currency": subscription.currency,
            "interval": subscription.interval,
            "plan": subscription.plan,
            "created_at": subscription.created_at,
        },
        rank=_STATUSES.index(subscription.status) if subscription.status in _STATUSES else 0,
        lasting=("price", "capped_amount", "currency", "interval", "plan", "created_at"),
    )


_STATUSES: Final = (
    *("", "pending", "accepted", "active", "frozen"),
    *("declined", "expired", "cancelled"),
)
"""Shopify's statuses of a subscription, in the order in which one may follow the other."""


BILLING = Projection(
    name="billing",
    version=1,
    handles=types(AccountOpened, AllowanceFreed, AllowanceReached, SubscriptionChanged),
    keys=keys,
    evolve=evolve,
    indexes=((("at", -1), ("_id", -1)),),
)
