"""Many orders come by a bulk operation, and are the same as by pages."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cplus.consumers.imports.customer_import import handle
from cplus.consumers.imports.importer import Importer
from cplus.events.base import NewEvent, Recorded
from cplus.events.catalogue.imports import ImportEnded, ImportOrdersLoaded
from cplus.events.catalogue.orders import OrderChanged
from cplus.local.shopify import LocalShopify
from cplus.local.shopify.admin_api.bulk import Operations, Outcome
from tests.admin_orders import node
from tests.integration.consumers.imports.import_world import (
    SHOP,
    asked,
    at_once,
    counted,
    events,
    for_one_page,
    imported,
    installed,
    sending,
)
from tests.integration.consumers.imports.recorders import Dying, Narrow
from tests.integration.intake import Intake, record, soon

OTHER = "red-jam.myshopify.com"
ALL = list(range(100, 112))
SILENT = Outcome(told=False)


def _varied(use: Intake) -> list[dict[str, Any]]:
    """Twelve orders that differ in all that an import reads."""
    placed = (use.parts.clock() - timedelta(days=5)).date().isoformat() + "T13:15:30Z"
    item = node(1)["lineItems"]["nodes"][0]
    moved = node(1)["refunds"][0]["transactions"]["nodes"][0]
    items = [[item | {"id": f"gid://shopify/LineItem/{n}"} for n in range(1, m)] for m in (4, 51)]
    pending = {"nodes": [moved, moved | {"status": "PENDING"}, moved | {"kind": "VOID"}]}
    refunds = [{**node(1)["refunds"][0], "legacyResourceId": f"9{n}"} for n in range(10)]
    orders: dict[int, dict[str, Any]] = {
        100: {},
        101: {"refunds": []},
        102: {"refunds": refunds},
        103: {"refunds": [refunds[0] | {"legacyResourceId": "80", "transactions": pending}]},
        104: {"lineItems": {"pageInfo": {"hasNextPage": False}, "nodes": []}},
        105: {"lineItems": {"pageInfo": {"hasNextPage": False}, "nodes": items[0]}},
        106: {"lineItems": {"pageInfo": {"hasNextPage": False}, "nodes": items[1]}},
        107: {"customer": None},
        108: {"customer": None, "email": None},
        109: {"fulfillments": [], "displayFulfillmentStatus": "UNFULFILLED"},
        110: {"cancelledAt": placed, "test": True},
        111: {"customer": {"legacyResourceId": "2"}, "name": "Tee \u2028 \u00fc"},
    }
    return [node(number, placed, **more) for number, more in orders.items()]


@pytest.fixture
async def bulk(use: Intake, shopify: LocalShopify) -> AsyncIterator[Operations]:
    """The bulk operations of a shop of three customers and twelve orders."""
    await installed(use, shopify, 3, orders=_varied(use), restore_rate=100_000)
    operations = shopify.bulk
    operations.of.clear()
    operations.next.clear()
    operations.next[SHOP] = [SILENT] * 9
    yield operations
    operations.finish(SHOP)
    await operations.idle()
    operations.enabled = True
    shopify.changed.clear()


@pytest.fixture
def many(importer: Importer) -> Importer:
    """An importer for which twelve orders are many, and that waits no time."""
    return replace(importer, bulk_orders_over=11, sleep=at_once)


async def _to_the_end(importer: Importer, bulk: Operations, message: Any = None) -> list[int]:
    """Runs until nothing is left; the ids of messages that failed."""
    message, failed = message or asked(), list[int]()
    while True:
        keeping, sent = sending(importer)
        again = await handle([message], keeping, soon())
        failed += [len(again)] * bool(again)
        bulk.finish(SHOP)
        await bulk.idle()
        if not sent and not again:
            return failed
        message = record(sent[0][0]) if sent else message


async def _orders(use: Intake) -> list[int]:
    found = [one.event for one in await events(use) if isinstance(one.event, OrderChanged)]
    return [one.shopify_order_id for one in found]


async def _ended(use: Intake) -> tuple[str, str | None]:
    ended = (await events(use))[-1].event
    assert isinstance(ended, ImportEnded)
    return ended.outcome, ended.orders


def _facts(told: list[Recorded]) -> list[Any]:
    """What orders the events tell of, but for who somebody is: each shop has its own persons."""
    return [
        (one.stream, one.occurred_at, one.event.model_dump(exclude={"person"}), who)
        for one in told
        if isinstance(one.event, OrderChanged)
        for who in [one.event.person is not None]
    ]


async def test_the_events_of_orders_in_bulk_are_those_by_pages(
    use: Intake, many: Importer, shopify: LocalShopify, bulk: Operations
) -> None:
    seen = counted(shopify)
    assert await _to_the_end(many, bulk) == []
    assert not any("orders" in (answer.get("data") or {}) for answer in seen)
    assert [("orders(" in one.query, one.grouped) for one in bulk.of[SHOP]] == [(True, True)]
    in_bulk = _facts(await events(use))
    assert await _ended(use) == ("complete", "complete")

    await installed(use, shopify, 3, host=OTHER, orders=_varied(use), restore_rate=100_000)
    by_pages = replace(many, bulk_orders_over=12)
    assert await handle([asked(shop=OTHER)], by_pages, soon()) == []
    assert bulk.of[OTHER] == []
    commits = await use.parts.store.read(OTHER, 0)
    told = [one for some in await use.parts.reader.read(commits) for one in some]
    assert [one[0] for one in in_bulk] == [f"order/{number}" for number in ALL]
    # The clock of the imports says when an order was told of, and nothing of the order itself.
    assert in_bulk == _facts(told)


async def test_pieces_hold_few_orders_and_the_cause_has_what_was_asked_for(
    use: Intake, many: Importer, bulk: Operations
) -> None:
    await _to_the_end(many, bulk)
    told = [one.event for one in await events(use)]
    assert [one.orders for one in told if isinstance(one, ImportOrdersLoaded)] == [4, 4, 4]
    commits = [one for one in await use.parts.store.read(SHOP, 0) if one.claims[0] == "import/i1/4"]
    full = [await use.parts.store.by_claim(SHOP, one.claims[0], cause=True) for one in commits]
    [cause] = await use.parts.reader.causes([one for one in full if one])
    assert cause is not None
    assert cause.body is not None
    *lines, answer = [json.loads(line) for line in cause.body.splitlines()]
    assert [one.get("legacyResourceId") for one in lines if "__parentId" not in one] == [
        *("100", "101", "102", "103")
    ]
    assert len(answer["data"]["nodes"]) == 12, "the refunds of those four"


async def test_a_shop_with_fewer_orders_is_asked_by_pages(
    use: Intake, many: Importer, bulk: Operations
) -> None:
    await _to_the_end(replace(many, bulk_orders_over=12), bulk)
    assert await _orders(use) == ALL
    assert bulk.of[SHOP] == []


@pytest.mark.parametrize(
    ("outcome", "operations"),
    [
        pytest.param(Outcome("FAILED", "TIMEOUT", 9, told=False), 2, id="timeout with a part"),
        pytest.param(Outcome("FAILED", "INTERNAL_SERVER_ERROR", 0, told=False), 2, id="no part"),
        pytest.param(Outcome("CANCELED", told=False), 2, id="canceled"),
        pytest.param(Outcome("EXPIRED", told=False), 2, id="expired"),
        pytest.param(Outcome("FAILED", "ACCESS_DENIED", told=False), 1, id="denied"),
    ],
)
async def test_whatever_becomes_of_an_operation_every_order_comes_once(
    use: Intake, many: Importer, bulk: Operations, outcome: Outcome, operations: int
) -> None:
    bulk.next[SHOP].insert(0, outcome)
    assert await _to_the_end(many, bulk) == []
    assert await _orders(use) == ALL
    assert len(bulk.of[SHOP]) == operations
    assert await _ended(use) == ("complete", "complete")


async def test_the_last_order_of_a_part_is_read_again_with_all_its_items(
    use: Intake, many: Importer, bulk: Operations
) -> None:
    # Order 105 has three items: its line and one of them are in the part.
    lines = sum(1 + len(one["lineItems"]["nodes"]) for one in _varied(use)[:5]) + 2
    bulk.next[SHOP].insert(0, Outcome("FAILED", "TIMEOUT", lines, told=False))
    await _to_the_end(many, bulk)
    assert await _orders(use) == ALL
    assert ["id:>0 " in one.query for one in bulk.of[SHOP]] == [True, False]
    assert "id:>104 " in bulk.of[SHOP][1].query
    told = {one.event.shopify_order_id: one.event for one in await _changed(use)}  # type: ignore[attr-defined]
    assert told[105].item_count == 3  # type: ignore[attr-defined]


async def _changed(use: Intake) -> list[Recorded]:
    return [one for one in await events(use) if isinstance(one.event, OrderChanged)]


async def test_after_three_operations_the_rest_is_read_by_pages_and_no_fourth_begins(
    use: Intake, many: Importer, bulk: Operations
) -> None:
    bulk.next[SHOP] = [Outcome("FAILED", "TIMEOUT", 0, told=False)] * 3
    await _to_the_end(many, bulk)
    assert await _orders(use) == ALL
    assert len(bulk.of[SHOP]) == 3


async def test_an_app_that_may_not_use_bulk_operations_reads_by_pages(
    use: Intake, many: Importer, bulk: Operations
) -> None:
    bulk.enabled = False
    await _to_the_end(many, bulk)
    assert await _orders(use) == ALL
    assert bulk.of[SHOP] == []


async def test_without_the_scope_for_orders_the_import_is_complete_with_its_customers(
    use: Intake, many: Importer, shopify: LocalShopify, bulk: Operations
) -> None:
    await installed(use, shopify, 3, "read_customers", orders=_varied(use))
    await _to_the_end(many, bulk)
    assert await imported(use) == [1, 2, 3]
    assert await _ended(use) == ("complete", "denied")
    assert bulk.of[SHOP] == []


@pytest.mark.parametrize("field", ["bulkOperationRunQuery", "ordersCount"])
async def test_a_query_that_shopify_does_not_take_leaves_the_orders_to_pages(
    use: Intake, many: Importer, shopify: LocalShopify, bulk: Operations, field: str
) -> None:
    def refuse(answer: dict[str, Any]) -> dict[str, Any]:
        if field == "ordersCount" and field in (answer.get("data") or {}):
            return {"errors": [{"message": "no", "extensions": {"code": "BAD_REQUEST"}}]}
        if field in (answer.get("data") or {}):
            invalid = {"bulkOperation": None, "userErrors": [{"code": "INVALID"}]}
            return {"data": {field: invalid}}
        return answer

    shopify.changed[SHOP] = refuse
    await _to_the_end(many, bulk)
    assert await _orders(use) == ALL
    assert await _ended(use) == ("complete", "complete")


async def test_refunds_that_shopify_refuses_leave_the_import_complete_with_its_customers(
    use: Intake, many: Importer, shopify: LocalShopify, bulk: Operations
) -> None:
    def refuse(answer: dict[str, Any]) -> dict[str, Any]:
        refused = {"errors": [{"message": "no", "extensions": {"code": "BAD_REQUEST"}}]}
        return refused if "nodes" in (answer.get("data") or {}) else answer

    shopify.changed[SHOP] = refuse
    assert await _to_the_end(many, bulk) == []
    assert await _ended(use) == ("complete", "refused")


async def test_a_file_that_is_gone_is_made_anew_behind_the_last_order(
    use: Intake, many: Importer, bulk: Operations
) -> None:
    message, runs = asked(), 0
    while await _orders(use) != ALL:
        runs += 1
        keeping, sent = sending(many)
        assert await handle([message], *for_one_page(keeping)) == []
        await bulk.idle()
        if await _orders(use) == ALL[:4]:
            bulk.expire(SHOP)
        message = record(sent[0][0]) if sent else message
    assert [one.query.count("id:>103 ") for one in bulk.of[SHOP]] == [0, 1]
    assert runs > 3, "a run for each step"


async def test_items_apart_from_their_orders_are_never_given_to_another_order(
    use: Intake, many: Importer, bulk: Operations
) -> None:
    bulk.next[SHOP].insert(0, Outcome(told=False, flat=True))
    await _to_the_end(many, bulk)
    assert (await _orders(use))[-12:] == ALL, "by pages, from the beginning"
    assert len(bulk.of[SHOP]) == 1
    newest = {one.event.shopify_order_id: one.event for one in await _changed(use)}  # type: ignore[attr-defined]
    assert [newest[number].item_count for number in (104, 105, 106)] == [0, 3, 50]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("number", "after"), [(2, False), (2, True), (3, True), (4, False), (4, True), (6, True)]
)
async def test_a_crash_at_each_step_doubles_neither_an_order_nor_an_operation(
    use: Intake, many: Importer, bulk: Operations, number: int, after: bool
) -> None:
    dying = replace(many, recorder=Dying(many.recorder, number, after=after))
    assert await _to_the_end(dying, bulk) == [1]
    assert await _orders(use) == ALL
    assert len(bulk.of[SHOP]) == 1
    assert await _ended(use) == ("complete", "complete")


def _held(new: NewEvent) -> int | None:
    return new.event.shopify_order_id if isinstance(new.event, OrderChanged) else None


async def test_a_piece_that_no_commit_holds_is_recorded_in_halves(
    use: Intake, many: Importer, bulk: Operations
) -> None:
    await _to_the_end(replace(many, recorder=Narrow(many.recorder, _held, 103)), bulk)
    assert await _orders(use) == [one for one in ALL if one != 103]
    told = [one.event for one in await events(use) if isinstance(one.event, ImportOrdersLoaded)]
    assert sum(one.skipped for one in told) == 1
    assert await _ended(use) == ("complete", "complete")


async def test_an_older_release_goes_on_by_pages(
    use: Intake, many: Importer, bulk: Operations
) -> None:
    keeping, sent = sending(many)
    bulk.next[SHOP].insert(0, Outcome(told=False, held=True))
    assert await handle([asked()], keeping, soon()) == []
    assert sent
    newest = (await use.parts.store.read(SHOP, 0))[-1]
    commit = await use.parts.store.by_claim(SHOP, newest.claims[0], cause=True)
    headers = (commit.cause if commit else {})["headers"]  # type: ignore[index]
    # That one knows these headers alone: there are no customers left, and orders from the first on.
    assert (headers["orders"], "bulk" in headers) == ("1/0", False)
