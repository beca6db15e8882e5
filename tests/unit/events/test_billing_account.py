"""The account's decisions: what a shop was promised, and when that is used up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cplus.events.aggregates.billing_account import BillingAccount, month_of
from cplus.events.base import AggregateEvent

NOW = datetime(2026, 11, 30, 23, tzinfo=UTC)
STREAM = "billing/acorn.myshopify.com"


def opened(conversations: int = 3) -> BillingAccount:
    account = BillingAccount.empty(STREAM)
    account.open(conversations=conversations, now=NOW)
    assert then(account) == ["billing.account_opened"]
    return account


def counted(
    account: BillingAccount, started: int, *, month: str = "2026-11", paid: bool = False
) -> list[str]:
    account.count(month=month, started=started, subscribed=paid, now=NOW)
    return then(account)


def then(account: BillingAccount) -> list[str]:
    return [event.TYPE for event in account.collect_events() if isinstance(event, AggregateEvent)]


def test_an_account_is_opened_once_and_keeps_what_it_was_promised() -> None:
    account = opened(3)
    account.open(conversations=99, now=NOW)
    assert then(account) == []
    assert (account.plan, account.conversations) == ("free", 3)


def test_what_the_plan_allows_is_reached_once_a_month() -> None:
    account = opened(3)
    assert counted(account, 2) == []
    assert counted(account, 3) == ["billing.allowance_reached"]
    assert counted(account, 4) == []
    assert counted(account, 2, month="2026-12") == []
    assert counted(account, 9, month="2026-12") == ["billing.allowance_reached"]


def test_what_spam_gives_back_is_freed_once_and_can_be_reached_again() -> None:
    account = opened(3)
    assert counted(account, 3) == ["billing.allowance_reached"]
    assert counted(account, 2) == ["billing.allowance_freed"]
    assert counted(account, 1) == []
    assert counted(account, 3, paid=True) == []
    assert counted(account, 3) == ["billing.allowance_reached"]
    assert counted(account, 2, paid=True) == ["billing.allowance_freed"]


def test_a_month_that_is_told_late_counts_for_itself() -> None:
    account = opened(3)
    assert counted(account, 3, month="2026-12") == ["billing.allowance_reached"]
    assert counted(account, 3, month="2026-11") == ["billing.allowance_reached"]


def test_a_shop_that_pays_reaches_nothing_until_it_no_longer_does() -> None:
    account = opened(3)
    assert counted(account, 9, paid=True) == []
    assert counted(account, 9) == ["billing.allowance_reached"]


def test_an_account_that_is_not_open_counts_nothing() -> None:
    assert counted(BillingAccount.empty(STREAM), 9) == []


@pytest.mark.parametrize(
    ("moment", "month"),
    [
        (NOW, "2026-11"),
        (NOW + timedelta(hours=1), "2026-12"),
        (NOW.astimezone(timezone(timedelta(hours=9))), "2026-11"),
    ],
)
def test_a_month_is_one_of_utc(moment: datetime, month: str) -> None:
    assert month_of(moment) == month


months = st.sampled_from(["2026-10", "2026-11", "2026-12"])
counts = st.lists(st.tuples(months, st.integers(0, 6), st.booleans()), max_size=20)


@given(st.integers(1, 5), counts)
def test_whatever_is_counted_each_month_is_reached_and_freed_in_turn_and_reads_back_alike(
    allowed: int, told: list[tuple[str, int, bool]]
) -> None:
    made = BillingAccount.empty(STREAM)
    made.open(conversations=allowed, now=NOW)
    wanted, turns = set[str](), 0
    for month, started, paid in told:
        made.count(month=month, started=started, subscribed=paid, now=NOW)
        if month in wanted and started < allowed:
            wanted, turns = wanted - {month}, turns + 1
        elif month not in wanted and started >= allowed and not paid:
            wanted, turns = wanted | {month}, turns + 1
    events = made.collect_events()
    assert len(events) == 1 + turns
    read = BillingAccount.empty(STREAM)
    for event in events:
        assert isinstance(event, AggregateEvent)
        event.mutate(read)
    assert read.reached == wanted
    assert vars(read) == vars(made)


def test_the_account_of_an_erased_shop_is_opened_anew_with_what_it_was_promised() -> None:
    account = opened(3)
    account.open(conversations=99, now=NOW, again=True)
    assert then(account) == ["billing.account_opened"]
    assert account.conversations == 3
