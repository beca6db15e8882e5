"""Importing a shop of 100,000 customers, handed over again and again and killed."""

from __future__ import annotations

import pytest

from bench.bench_import import MANY, Bench
from tests.conftest import Figures

POINTS = 10_000.0
"""Points a second, so that nothing waits for Shopify's budget."""
RUN = 8.0
"""Seconds of a run; the last 2.4 begin no page."""


@pytest.mark.soak
@pytest.mark.parametrize(
    "bulk_over", [pytest.param(MANY, id="by-pages"), pytest.param(MANY - 1, id="in-bulk")]
)
async def test_an_import_that_is_handed_over_and_killed_reads_100000_customers_once(
    mongo_uri: str, bulk_over: int, figures: Figures
) -> None:
    """A shop of 100,000 customers is imported by pages and in bulk, in a process that has to hand
    over every 6 seconds and is killed with -9 at a third: every customer is recorded once."""
    done = await Bench(mongo_uri, 1).imported(
        MANY, POINTS, bulk_over, bucket=POINTS, killed_at=MANY // 3, run=RUN
    )
    figures(customers=done.customers, handed_over=done.runs - 1, kills=1, throttled=done.throttled)
    assert (done.customers, done.different) == (MANY, MANY)
    assert done.runs > 3, "what came after the kill alone was handed over three times"
    assert done.throttled <= done.asked / 100
