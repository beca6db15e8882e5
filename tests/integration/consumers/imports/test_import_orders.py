"""After the customers come the orders of the last 60 days, as webhooks would tell them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import pytest
from structlog.testing import capture_logs

from cplus.clock import to_milliseconds
from cplus.consumers.imports.customer_import import handle
from cplus.consumers.imports.importer import Importer
from cplus.consumers.shopify_orders import order_facts
from cplus.events.base import NewEvent, Recorded
from cplus.events.catalogue.imports import ImportEnded, ImportOrdersLoaded
from cplus.events.catalogue.orders import OrderChanged
from cplus.events.log.commit import Draft
from cplus.local.shopify import LocalShopify
from cplus.projections.models.orders import ORDERS
from cplus.projections.testing import fold_all
from cplus.shopify.orders import Order
from tests.admin_orders import node, webhook
from tests.integration.consumers.imports.import_world import (
    SHOP,
    asked,
    at_once,
    events,
    for_one_page,
    imported,
    installed,
    sending,
)
from tests.integration.consumers.imports.recorders import Narrow
from tests.integration.intake import Intake, record, soon


async def _shop(use: Intake, shopify: LocalShopify, *orders: dict[str, Any], **given: Any) -> None:
    await installed(use, shopify, 3, restore_rate=100_000, **given)
    shopify.store.state.shops[SHOP].orders = list(orders)


def _days_ago(use: Intake, days: int) -> str:
    return (use.parts.clock() - timedelta(days=days)).isoformat(timespec="seconds")


async def _orders(use: Intake) -> list[Recorded]:
    return [one for one in await events(use) if isinstance(one.event, OrderChanged)]


def _ended(orders: Literal["complete", "denied", "refused", "unreadable"]) -> ImportEnded:
    return ImportEnded(import_id="i1", outcome="complete", pages=1, orders=orders)


def _for_orders(answer: dict[str, Any], spoilt: dict[str, Any]) -> dict[str, Any]:
    return spoilt if "orders" in (answer.get("data") or {}) else answer


@pytest.fixture(autouse=True)
async def _no_orders_left(shopify: LocalShopify) -> AsyncIterator[None]:
    yield
    shopify.changed.clear()


async def test_orders_of_the_last_60_days_come_after_the_customers_page_by_page(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    new = [node(number, _days_ago(use, number % 60)) for number in range(100, 112)]
    old = [node(50, _days_ago(use, 61)), node(500, _days_ago(use, 400))]
    await _shop(use, shopify, *old, *new)
    assert await handle([asked()], importer, soon()) == []
    assert await imported(use) == [1, 2, 3]
    orders = await _orders(use)
    assert [one.event.shopify_order_id for one in orders] == list(range(100, 112))  # type: ignore[attr-defined]
    told = [one.event for one in await events(use)]
    assert told[-1] == _ended("complete")
    loaded = [one for one in told if isinstance(one, ImportOrdersLoaded)]
    assert [(one.page, one.orders) for one in loaded] == [(2, 5), (3, 5), (4, 2)]
    assert len(await use.parts.store.read(SHOP, 0)) == 4, "one page of customers, three of orders"


async def test_an_import_takes_away_neither_items_nor_tracking_that_a_webhook_told(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    placed = _days_ago(use, 20)
    body, told = webhook(100) | {"created_at": placed}, node(100, placed)
    [item], [sent] = body["line_items"], body["fulfillments"]
    [sent_too] = told["fulfillments"]
    [way] = sent_too["trackingInfo"]
    body["line_items"] = [item | {"id": 1000 + number} for number in range(60)]
    body["fulfillments"] = [
        sent | {"id": 2000 + number, "tracking_numbers": [f"N{number}"]} for number in range(12)
    ]
    items = told["lineItems"]["nodes"] * 50
    told["lineItems"] = {"pageInfo": {"hasNextPage": True}, "nodes": items}
    told["fulfillments"] = [
        sent_too
        | {"legacyResourceId": str(2000 + number), "trackingInfo": [way | {"number": f"N{number}"}]}
        for number in range(10)
    ]
    now = use.parts.clock()
    order, resolve = Order.model_validate_json(json.dumps(body)), use.parts.persons.resolve
    facts = await order_facts(SHOP, order, resolve, when=now, told_at=now)
    draft = Draft(SHOP, "webhook/w1", "webhook", "shopify", facts, refs=[facts[0].stream])
    await use.parts.recorder.append([draft])
    await _shop(use, shopify, told)
    await handle([asked()], importer, soon())
    events = await _orders(use)
    assert [one.source for one in events] == ["webhook", "import"]
    for some in (tuple(events), tuple(events[::-1])):
        row = fold_all(ORDERS, some)["100"]
        assert (len(row["items"]), row["item_count"]) == (50, 60)
        assert [one["numbers"] for one in row["tracking"]] == [[f"N{n}"] for n in range(12)]


async def test_an_imported_order_and_its_webhook_say_the_same_whichever_comes_first(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    placed = _days_ago(use, 20)
    await _shop(use, shopify, node(100, placed))
    await handle([asked()], importer, soon())
    [told] = await _orders(use)
    body = webhook(100) | {"created_at": placed}
    order = Order.model_validate_json(json.dumps(body))
    now = use.parts.clock()
    facts = await order_facts(SHOP, order, use.parts.persons.resolve, when=now, told_at=now)
    [fact] = [new for new in facts if isinstance(new.event, OrderChanged)]
    # Rows are made of the event and of when it was so: the same of both.
    assert fact.event == told.event
    assert (fact.stream, fact.occurred_at) == (told.stream, told.occurred_at)
    assert isinstance(told.event, OrderChanged)
    assert told.event.items is not None
    assert told.event.tracking is not None
    assert told.event.tracking[0].numbers == ("1Z1",)
    assert told.event.refunds[0].amount == "7.50"
    assert told.occurred_at == to_milliseconds(order.updated_at or now)


async def test_orders_are_handed_on_and_gone_on_with(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await _shop(use, shopify, *[node(number, _days_ago(use, 5)) for number in range(100, 112)])
    message, runs = asked(), 0
    while True:
        runs += 1
        keeping, sent = sending(importer)
        assert await handle([message], *for_one_page(keeping)) == []
        if not sent:
            break
        message = record(sent[0][0])
    assert runs == 4
    orders = await _orders(use)
    assert [one.event.shopify_order_id for one in orders] == list(range(100, 112))  # type: ignore[attr-defined]


async def test_without_the_scope_for_orders_the_import_is_complete_with_its_customers(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await _shop(use, shopify, node(100, _days_ago(use, 5)), scope="read_customers")
    assert await handle([asked()], importer, soon()) == []
    assert await _orders(use) == []
    assert (await events(use))[-1].event == _ended("denied")


async def test_an_order_that_cannot_be_read_is_left_out_and_the_next_are_not(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await _shop(use, shopify, *[node(number, _days_ago(use, 5)) for number in (100, 101, 102)])

    def spoil(answer: dict[str, Any]) -> dict[str, Any]:
        for one in (answer["data"].get("orders") or {}).get("nodes", []):
            if one["legacyResourceId"] == "101":
                one["totalPriceSet"]["shopMoney"]["amount"] = "much"
        return answer

    shopify.changed[SHOP] = spoil
    assert await handle([asked()], importer, soon()) == []
    ids = [one.event.shopify_order_id for one in await _orders(use)]  # type: ignore[attr-defined]
    assert ids == [100, 102]
    [loaded] = [one.event for one in await events(use) if isinstance(one.event, ImportOrdersLoaded)]
    assert (loaded.orders, loaded.skipped) == (2, 1)


async def test_of_an_order_with_more_items_than_are_read_the_items_are_not_known(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    items = node(1)["lineItems"] | {"pageInfo": {"hasNextPage": True}}
    await _shop(use, shopify, node(100, _days_ago(use, 5), lineItems=items))
    await handle([asked()], importer, soon())
    [told] = await _orders(use)
    assert isinstance(told.event, OrderChanged)
    assert (told.event.items, told.event.item_count) == (None, None)


async def test_orders_that_never_come_are_asked_for_again_later(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await _shop(use, shopify, node(100, _days_ago(use, 5)))

    def endless(answer: dict[str, Any]) -> dict[str, Any]:
        if "orders" in answer["data"]:
            answer["data"]["orders"] = {"nodes": [], "pageInfo": {"hasNextPage": True}}
        return answer

    shopify.changed[SHOP] = endless
    keeping, sent = sending(replace(importer, sleep=at_once))
    assert await handle([asked()], keeping, soon()) == []
    [(again, delay)] = sent
    assert delay == 30
    shopify.changed.clear()
    assert await handle([record(again)], keeping, soon()) == []
    assert len(await _orders(use)) == 1


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"currencyCode": None}, id="no currency"),
        pytest.param(
            {
                "totalPriceSet": {"shopMoney": {"amount": None}},
                "currentTotalPriceSet": {"shopMoney": {"amount": None}},
            },
            id="no total",
        ),
        pytest.param({"legacyResourceId": None}, id="no id"),
        pytest.param({"legacyResourceId": "one"}, id="an id that is none"),
        pytest.param({"legacyResourceId": "0"}, id="the id 0"),
        pytest.param({"totalPriceSet": None}, id="another shape"),
    ],
)
async def test_an_order_that_is_odd_is_left_out_and_counted_and_the_others_come(
    use: Intake, importer: Importer, shopify: LocalShopify, odd: dict[str, Any]
) -> None:
    await _shop(use, shopify, *[node(number, _days_ago(use, 5)) for number in range(100, 107)])

    def change(answer: dict[str, Any]) -> dict[str, Any]:
        for one in ((answer.get("data") or {}).get("orders") or {}).get("nodes", ()):
            if one["legacyResourceId"] == "101":
                one.update(odd)
        return answer

    shopify.changed[SHOP] = change
    keeping, sent = sending(importer)
    with capture_logs() as said:
        assert await handle([asked()], keeping, soon()) == []
    assert sent == []
    orders = await _orders(use)
    assert [one.event.shopify_order_id for one in orders] == [100, *range(102, 107)]  # type: ignore[attr-defined]
    assert (await events(use))[-1].event == _ended("complete")
    assert [one["skipped"] for one in said if one["event"] == "import_orders"] == [1, 0]
    assert "order_unreadable" in [one["event"] for one in said]


def _held(new: NewEvent) -> int | None:
    return new.event.shopify_order_id if isinstance(new.event, OrderChanged) else None


async def test_orders_that_no_commit_holds_are_recorded_in_halves(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await _shop(use, shopify, *[node(number, _days_ago(use, 5)) for number in range(100, 107)])
    narrow = replace(importer, recorder=Narrow(importer.recorder, _held, 103))
    assert await handle([asked()], narrow, soon()) == []
    orders = await _orders(use)
    assert [one.event.shopify_order_id for one in orders] == [100, 101, 102, 104, 105, 106]  # type: ignore[attr-defined]
    assert (await events(use))[-1].event == _ended("complete")


async def test_orders_that_shopify_refuses_leave_the_import_complete_with_its_customers(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await _shop(use, shopify, *[node(number, _days_ago(use, 5)) for number in range(100, 112)])
    pages = 0

    def refuse(answer: dict[str, Any]) -> dict[str, Any]:
        nonlocal pages
        pages += "orders" in (answer.get("data") or {})
        refused = {"errors": [{"message": "no", "extensions": {"code": "BAD_REQUEST"}}]}
        return _for_orders(answer, refused) if pages > 1 else answer

    shopify.changed[SHOP] = refuse
    assert await handle([asked()], importer, soon()) == []
    assert await imported(use) == [1, 2, 3]
    assert len(await _orders(use)) == 5, "the first page came"
    assert (await events(use))[-1].event == _ended("refused")
    commits = len(await use.parts.store.read(SHOP, 0))
    shopify.changed.clear()
    assert await handle([asked()], importer, soon()) == [], "a message that comes late"
    assert len(await use.parts.store.read(SHOP, 0)) == commits


async def test_orders_that_stay_unreadable_leave_the_import_complete_with_its_customers(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await _shop(use, shopify, node(100, _days_ago(use, 5)))
    shopify.changed[SHOP] = lambda answer: _for_orders(answer, {"data": {"orders": []}})
    keeping, sent = sending(replace(importer, sleep=at_once))
    message = asked()
    for failed in range(1, 13):
        assert await handle([message], keeping, soon()) == []
        assert sent[-1][0]["failed"] == failed
        message = record(sent[-1][0])
    assert await handle([message], keeping, soon()) == []
    assert len(sent) == 12
    assert await imported(use) == [1, 2, 3]
    assert (await events(use))[-1].event == _ended("unreadable")
