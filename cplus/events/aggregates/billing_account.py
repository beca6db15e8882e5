"""The billing account: the plan that a shop has at the app, and what it may use of it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import singledispatchmethod

from cplus.events.aggregates.base import Aggregate
from cplus.events.base import AggregateEvent
from cplus.events.catalogue.billing import AccountOpened, AllowanceReached

FREE = "free"
"""The plan that every account begins with."""


def month_of(moment: datetime) -> str:
    """The calendar month of UTC in which something counts, for example `2026-11`."""
    return f"{moment.astimezone(UTC):%Y-%m}"


class BillingAccount(Aggregate):
    """Stream `billing/<host>`. What Shopify says of subscriptions are facts in the same stream,
    with no versions: a decision is told what it needs of them."""

    def __init__(self) -> None:
        self.plan = ""
        self.conversations = 0
        self.reached: set[str] = set()

    def open(self, *, conversations: int, now: datetime) -> None:
        """The account begins, on the free plan. It stays open when the app is removed, so that
        installing again gives no new allowance: opening an open one decides nothing."""
        if not self.version:
            self.trigger_event(AccountOpened, plan=FREE, conversations=conversations, timestamp=now)

    def count(self, *, month: str, started: int, subscribed: bool, now: datetime) -> None:
        """In that month, `started` conversations began so far. What the plan allows is reached
        once a month, and never while the shop is `subscribed`: then it pays."""
        if not self.version or subscribed or month in self.reached or started < self.conversations:
            return
        self.trigger_event(
            AllowanceReached, month=month, conversations=self.conversations, timestamp=now
        )

    @singledispatchmethod
    def evolve(self, event: AggregateEvent) -> None:
        """Changes the state by one event; events it has no case for change nothing."""

    @evolve.register
    def _(self, event: AccountOpened) -> None:
        self.plan = event.plan
        self.conversations = event.conversations

    @evolve.register
    def _(self, event: AllowanceReached) -> None:
        self.reached.add(event.month)
