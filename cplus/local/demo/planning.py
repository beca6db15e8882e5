"""Makes the plan of all shops of the demo."""

from __future__ import annotations

from datetime import datetime

from cplus.local.demo.generate import shop_plan
from cplus.local.demo.plan import BASE, Plan, Sizes


def make_plan(
    sizes: Sizes, run: int = 1, base: datetime = BASE, *, now: datetime | None = None
) -> Plan:
    """The plan of the `run`-th time that the demo is driven over one directory.

    With `now` it is a plan for shops that have the app already: nothing is imported, and webhooks
    tell of every customer. All facts of Shopify lie within `SPAN` after `base`, or are told as of
    `INSTALLED`.
    """
    customers = _shares(sizes.customers, sizes.shops)
    conversations = _shares(sizes.conversations, sizes.shops)
    shops = [
        shop_plan(sizes.seed, run, number, (base, now), customers[number], conversations[number])
        for number in range(sizes.shops)
    ]
    return Plan(sizes, run, tuple(shops))


def _shares(total: int, shops: int) -> list[int]:
    """The total over the shops, the first with about twice as much as the last."""
    weights = [2 * shops - number for number in range(shops)]
    shares = [total * weight // sum(weights) for weight in weights]
    shares[0] += total - sum(shares)
    return shares
