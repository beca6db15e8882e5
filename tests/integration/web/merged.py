"""Two persons for tests of merging, and the forms that merge and divide them."""

from __future__ import annotations

import httpx

from cplus.events.catalogue.customers import CustomerImported
from cplus.events.catalogue.orders import OrderChanged
from tests.integration.web.erased import ADA, BEA
from tests.integration.web.harness import SHOP, Harness, fields_of, path_of


async def two(web: Harness) -> tuple[str, str]:
    """Ada is a customer, and wrote from another address as Bea, who ordered as a guest; answers
    their conversations."""
    known = CustomerImported(
        shopify_customer_id=7, person=ADA, first_name="Ada", last_name="Brandt",
        email="ada@example.com", email_consent="subscribed", orders=2, amount_spent="20.00",
        currency="EUR",
    )  # fmt: skip
    await web.record(SHOP, "customer/7", known, refs=[ADA])
    mine = await web.conversation(subject="Blue jam")
    theirs = await web.conversation(person=BEA, name="Bea Brandt", subject="Plum jam")
    web.clock.forward(60)
    order = OrderChanged(
        shopify_order_id=9, person=BEA, name="#1009", total_price="5.00", currency="EUR",
        created_at=web.clock(),
    )  # fmt: skip
    await web.record(SHOP, "order/9", order, refs=[BEA])
    return mine, theirs


async def merge(browser: httpx.AsyncClient, one: str = "ada", other: str = "bea") -> str:
    """Merges them with the form that says what it means; answers the page that this leads to."""
    address = f"/customers/{one}/merge"
    fields = fields_of((await browser.get(f"{address}?with={other}")).text, address)
    answer = await browser.post(address, data=fields)
    assert answer.status_code == 303, answer.text
    return (await browser.get(path_of(answer))).text


async def unmerge(browser: httpx.AsyncClient) -> str:
    fields = fields_of((await browser.get("/customers/ada")).text, "/customers/ada/unmerge")
    answer = await browser.post("/customers/ada/unmerge", data=fields)
    return (await browser.get(path_of(answer))).text
