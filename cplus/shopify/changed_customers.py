"""Queries the customers of a shop that changed since a moment, page by page."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from cplus.deadline import Deadline
from cplus.errors import ShopifyRefused, ShopifyUnavailable
from cplus.shopify.admin import AdminClient
from cplus.shopify.documents import CUSTOMERS
from cplus.shopify.queries import MAX_PAGE, ImportedCustomer, customer_of, id_of


class ChangedCustomers(NamedTuple):
    """Some customers in the order of their ids."""

    customers: tuple[ImportedCustomer, ...]
    has_next: bool
    last: int
    """The largest id that was read; behind it the next page begins."""


async def changed_customers(
    client: AdminClient,
    behind: int,
    since: datetime,
    *,
    first: int = MAX_PAGE,
    deadline: Deadline | None = None,
) -> ChangedCustomers:
    """At most `first` customers whose ids are above `behind` and who changed since then; fewer if
    the query would cost more than Shopify allows. Raises the same errors as AdminClient.query.

    In the order of their ids, and not of their changes: who changes while the list is read keeps
    their place in it, and a page needs no cursor, which Shopify limits to 25,000 customers.
    """
    moment = since.isoformat(timespec="seconds")
    query = f"id:>{behind} AND updated_at:>='{moment}'"
    data = await _asked(client, min(first, MAX_PAGE), query, deadline)
    try:
        nodes = list(data["customers"]["nodes"])
        has_next = data["customers"]["pageInfo"]["hasNextPage"]
        last = max([behind, *(number for node in nodes if (number := id_of(node)) is not None)])
    except (KeyError, TypeError):
        reason = "an answer of another shape: customers"
        raise ShopifyUnavailable(shop=client.shop, reason=reason) from None
    if has_next and last == behind:
        raise ShopifyUnavailable(
            shop=client.shop, reason="the list of changed customers goes no further"
        )
    known = tuple(one for node in nodes if (one := customer_of(client, node)) is not None)
    return ChangedCustomers(known, bool(has_next), last)


async def _asked(
    client: AdminClient, first: int, query: str, deadline: Deadline | None
) -> dict[str, Any]:
    while True:
        variables = {"first": first, "after": None, "query": query}
        try:
            return await client.query(CUSTOMERS, variables, deadline=deadline)
        except ShopifyRefused as refused:
            if refused.values["code"] != "MAX_COST_EXCEEDED" or first == 1:
                raise
            first //= 2
