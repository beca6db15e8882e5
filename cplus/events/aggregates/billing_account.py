"""The billing account: a shop's plan and its allowance."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import singledispatchmethod

from cplus.events.aggregates.base import Aggregate
from cplus.events.base import AggregateEvent
from cplus.events.catalogue.billing import AccountOpened, AllowanceFreed, AllowanceReached

FREE = "free"
"""The plan of every new account."""


def month_of(moment: datetime) -> str:
    """The calendar month of UTC in which something counts, for example `2026-11`."""
    return f"{moment.astimezone(UTC):%Y-%m}"


class BillingAccount(Aggregate):
    """Stream `billing/<host>`. Shopify's subscriptions are facts in the same stream, without
    versions: a decision gets what it needs from them as arguments."""

    def __init__(self) -> None:
        self.plan = ""
        self.conversations = 0
        self.reached: set[str] = set()

    def open(self, *, conversations: int, now: datetime, again: bool = False) -> None:
        """Opens the account on the free plan. It stays open if the app is uninstalled, so that
        installing again gives no new allowance: opening an open account changes nothing. `again`:
        the shop was erased since. It is opened anew then, with the allowance that it had."""
        if not self.version or again:
            allowance = self.conversations or conversations
            self.trigger_event(AccountOpened, plan=FREE, conversations=allowance, timestamp=now)

    def count(self, *, month: str, started: int, subscribed: bool, now: datetime) -> None:
        """`started` conversations have a place of that month's allowance by now. Reaching it is
        recorded once, and never while the shop is `subscribed`, which means it pays; so is that
        spam gave places back, after which it can be reached again."""
        if not self.version or (started < self.conversations) != (month in self.reached):
            return
        if month in self.reached:
            kind: type[AllowanceFreed | AllowanceReached] = AllowanceFreed
        elif subscribed:
            return
        else:
            kind = AllowanceReached
        self.trigger_event(kind, month=month, conversations=self.conversations, timestamp=now)

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

    @evolve.register
    def _(self, event: AllowanceFreed) -> None:
        self.reached.discard(event.month)
