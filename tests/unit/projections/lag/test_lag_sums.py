"""What the sums of lags promise: the same however many shops are counted at a time, and in memory
that only those that are behind take."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from cplus.projections.lag.lag import Lag
from cplus.projections.lag.sums import Sums, Tally, Totals, Worst
from cplus.subscriptions.checkpoints import Parked

READERS = ("orders.v1", "shops.v1")


def lags(shop: int, behind: int = 0, *, parked: bool = False, filled: bool = True) -> list[Lag]:
    """Both readers in one shop of 10 commits."""
    stop = Parked(5, "gift.wrapped", "unknown_type", datetime(2026, 11, 1, tzinfo=UTC))
    return [
        Lag(
            projection=collection.partition(".")[0],
            collection=collection,
            live=True,
            filled=filled,
            shop=f"shop{shop:05}.myshopify.com",
            head=10,
            position=10 - behind,
            begun=True,
            seen=20 - 2 * behind,
            behind=2 * behind,
            seconds=float(behind),
            parked=stop if parked else None,
        )
        for collection in READERS
    ]


def sums_of(found: Iterable[Lag]) -> Totals:
    sums = Sums()
    sums.add(found)
    return sums.totals()


def test_sums_are_the_same_however_many_shops_are_counted_at_a_time() -> None:
    shops = [lags(1), lags(2, 3), lags(3, 5, parked=True), lags(4, 9, filled=False)]
    together = sums_of(one for shop in shops for one in shop)
    sums = Sums()
    for shop in shops:
        sums.add(shop)
    assert sums.totals() == together
    assert (together.recorded, together.passed, together.projected) == (30, 22, 88)
    assert (together.behind, together.parked) == (32, 2)
    assert (together.most_seconds, together.p99_seconds) == (5.0, 5.0)


def test_of_many_shops_at_the_head_nothing_is_kept() -> None:
    tally = Tally(of=10_000)
    for shop in range(9_950):
        tally.add(lags(shop)[0])
    for shop in range(50):
        tally.add(lags(shop, 1)[0])
    assert (len(tally.events), len(tally.seconds), len(tally.parked)) == (50, 50, 0)
    worst = Worst.of("orders", tally)
    assert (worst.events, worst.events_p99, worst.seconds, worst.seconds_p99) == (2, 0, 1.0, 0.0)


def test_a_shop_where_two_generations_stand_still_is_one_shop() -> None:
    tally = Tally(of=2)
    for one in lags(1, 3, parked=True):
        tally.add(one)
    assert Worst.of("orders", tally).parked == 1
    assert sums_of(lags(1, 3, parked=True)).parked == 2


def test_of_no_shop_the_sums_are_nothing() -> None:
    none = sums_of(())
    assert (none.recorded, none.passed, none.p99_seconds) == (0, 0, 0.0)
