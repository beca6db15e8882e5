"""Every topic says whose it is, and what names another shop is not believed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import pytest

from cplus.consumers.webhooks.deliveries import Delivery
from cplus.consumers.webhooks.whose import ANOTHERS, UNNAMED, UNTOLD, whose
from cplus.events.reasons import Reason
from cplus.shopify.payloads import NamesNoShop, Webhook
from cplus.shopify.webhooks import PAYLOADS

SHOP: Final = "blue-jam.myshopify.com"
OTHER: Final = "red-tea.myshopify.com"
ID: Final = 548380009

NAME_NO_SHOP: Final = {
    *("customers/create", "customers/update", "customers/enable", "customers/disable"),
    *("customers/delete", "customers/merge", "customers/purchasing_summary"),
    *("customers_email_marketing_consent/update", "customer.tags_added", "customer.tags_removed"),
    *("orders/create", "orders/updated", "orders/paid", "orders/cancelled", "orders/fulfilled"),
    *("orders/partially_fulfilled", "orders/edited", "orders/delete"),
    *("fulfillments/create", "fulfillments/update", "refunds/create", "bulk_operations/finish"),
}
"""Topics whose published samples have neither a host nor an id of the shop. Only what Shopify's
documentation shows so belongs here: signed bytes of these are believed of any shop."""


def test_only_topics_whose_bodies_never_name_a_shop_pass_without_one() -> None:
    names_none = {topic for topic, model in PAYLOADS.items() if issubclass(model, NamesNoShop)}
    assert names_none == NAME_NO_SHOP
    undecided = [topic for topic, model in PAYLOADS.items() if "shop" in model.__abstractmethods__]
    assert undecided == []


async def asked(topic: str, body: dict[str, Any], known: int | None = ID) -> Reason | None:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    one = Delivery("m", SHOP, topic, "w", "d", now, {}, b"", None, receives=1)

    async def ask(shop: str) -> int | None:
        assert shop == SHOP
        return known

    payload: Webhook = PAYLOADS[topic].model_validate(body)
    return await whose(one, payload, ask)


REQUEST: Final = {"customer": {"id": 7}, "data_request": {"id": 9999}}


@pytest.mark.parametrize("topic", ["customers/data_request", "customers/redact", "shop/redact"])
@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ({"shop_domain": SHOP.upper()}, None),
        ({"shop_domain": OTHER, "shop_id": ID}, ANOTHERS),
        ({"shop_id": ID}, None),
        ({"shop_id": 999}, ANOTHERS),
        ({}, UNNAMED),
    ],
)
async def test_what_shopify_requires_is_of_the_shop_that_its_body_names(
    topic: str, named: dict[str, Any], reason: Reason | None
) -> None:
    assert await asked(topic, {**REQUEST, **named}) == reason


async def test_an_id_is_not_believed_of_a_shop_whose_id_nobody_knows() -> None:
    assert await asked("customers/data_request", {**REQUEST, "shop_id": ID}, known=None) == UNTOLD


@pytest.mark.parametrize("topic", ["app/uninstalled", "shop/update"])
async def test_what_happened_to_one_shop_is_not_told_of_another(topic: str) -> None:
    shop = {"id": ID, "name": "Blue Jam"}
    assert await asked(topic, {**shop, "myshopify_domain": OTHER}) == ANOTHERS
    assert await asked(topic, {**shop, "myshopify_domain": SHOP.upper()}) is None


async def test_an_uninstall_may_name_no_shop_as_shopify_is_asked_about_it() -> None:
    assert await asked("app/uninstalled", {"myshopify_domain": None}) is None
