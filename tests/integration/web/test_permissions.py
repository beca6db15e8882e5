"""What the app cannot do because the merchant does not grant a scope is said where it is missed."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from cplus.events.catalogue.customers import CustomerChanged
from cplus.events.catalogue.orders import OrderChanged
from cplus.events.catalogue.shops import ScopesChanged
from tests.integration.web.harness import SHOP, Harness
from tests.samples import installed

ALL = ("read_customers", "read_customer_merge", "read_orders", "read_fulfillments")
SAYS = {
    "read_customers": "no permission to read your customers",
    "read_customer_merge": "no permission to see merged customers",
    "read_orders": "no permission to read orders",
    "read_fulfillments": "isn’t allowed to see shipments",
}
WHERE = {
    "/customers": {"read_customers", "read_customer_merge"},
    "/customers/ada": {"read_orders", "read_fulfillments"},
    "/conversations/{conversation}": {"read_orders", "read_fulfillments"},
    "/settings": set(SAYS),
    "/getting-started": {"read_customers"},
}


async def said(browser: httpx.AsyncClient, path: str) -> set[str]:
    """The scopes of which the page says that they are missing."""
    page = await browser.get(path)
    assert page.status_code == 200, path
    assert ("/auth/install?shop=" in page.text) == ("no permission" in page.text)
    assert ("/auth/scopes?shop=" in page.text) == (SAYS["read_fulfillments"] in page.text)
    return {scope for scope, words in SAYS.items() if words in page.text}


@pytest.mark.parametrize(
    "missing", [(), ("read_customers",), ("read_orders",), ("read_fulfillments",), ALL]
)
async def test_a_page_says_what_it_lacks_until_it_is_granted(
    web: Harness, browser: httpx.AsyncClient, missing: tuple[str, ...]
) -> None:
    granted = tuple(scope for scope in (*ALL, "read_x") if scope not in missing)
    await web.record(SHOP, f"shop/{SHOP}", installed("Acorn", granted, at=web.clock()))
    ada = CustomerChanged(shopify_customer_id=7, person="person/ada", email="ada@example.com")
    await web.record(SHOP, "customer/7", ada)
    told: dict[str, Any] = {
        "shopify_order_id": 9,
        "person": "person/ada",
        "name": "#9",
        "total_price": "9",
    }
    order = OrderChanged(**told, currency="EUR")
    await web.record(SHOP, "order/9", order)
    conversation = await web.conversation(person="person/ada")
    for path, lacked in WHERE.items():
        address = path.format(conversation=conversation)
        assert await said(browser, address) == lacked & set(missing), path
    web.clock.forward(60)
    await web.record(SHOP, f"shop/{SHOP}", ScopesChanged(scopes=ALL, previous=granted))
    for path in WHERE:
        assert await said(browser, path.format(conversation=conversation)) == set(), path
