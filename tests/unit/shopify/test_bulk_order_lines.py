"""An order of a bulk operation's file is put together of its lines, one order at a time."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from graphql import parse
from hypothesis import given
from hypothesis import strategies as st

from cplus.local.shopify.admin_api.bulk_lines import is_bulk
from cplus.shopify.bulk import LONGEST_LINE, Line
from cplus.shopify.bulk_orders import MOST_ITEMS, NotGrouped, grouped, node_of, with_moves
from cplus.shopify.documents import CUSTOMERS_IN_BULK, ORDERS_IN_BULK


async def _lines(*objects: Any) -> AsyncIterator[Line]:
    end = 0
    for one in objects:
        text = one if isinstance(one, bytes) else json.dumps(one).encode() + b"\n"
        end += len(text)
        yield Line(b"" if len(text) > LONGEST_LINE else text, end)


def _order(number: int) -> dict[str, Any]:
    return {"id": f"gid://shopify/Order/{number}", "legacyResourceId": str(number)}


def _item(number: int, order: int) -> dict[str, Any]:
    return {"id": f"item-{number}", "__parentId": f"gid://shopify/Order/{order}"}


async def _read(*objects: Any) -> list[Line]:
    return [line async for line in grouped(_lines(*objects))]


@given(st.lists(st.integers(0, 4), max_size=8))
async def test_each_order_has_its_own_items_in_their_order_and_ends_where_the_next_begins(
    counts: list[int],
) -> None:
    told: list[dict[str, Any]] = []
    for number, count in enumerate(counts, 1):
        told += [_order(number), *(_item(item, number) for item in range(count))]
    lines = await _read(*told)
    nodes = [node_of(line) for line in lines]
    assert [
        [item["id"] for item in node["lineItems"]["nodes"]] for node in nodes if node is not None
    ] == [[f"item-{item}" for item in range(count)] for count in counts]
    assert b"".join(line.text for line in lines) == b"".join(
        json.dumps(one).encode() + b"\n" for one in told
    )
    assert [line.whole for line in lines] == [True] * (len(lines) - 1) + [False] * bool(lines)
    lengths = [len(line.text) for line in lines]
    assert [line.end for line in lines] == [sum(lengths[: n + 1]) for n in range(len(lines))]


async def test_of_more_items_than_are_read_it_is_only_told_that_there_are() -> None:
    many = [_item(number, 1) for number in range(500)]
    [exact, more] = await _read(_order(2), *[_item(n, 2) for n in range(50)], _order(1), *many)
    for line, has_next in ((exact, False), (more, True)):
        node = node_of(line)
        assert node is not None
        assert len(node["lineItems"]["nodes"]) == MOST_ITEMS
        assert node["lineItems"]["pageInfo"] == {"hasNextPage": has_next}
    assert more.text.count(b"\n") == 52, "the rest is not kept"
    assert more.end == sum(len(json.dumps(one)) + 1 for one in many) + exact.end + len(
        json.dumps(_order(1)).encode() + b"\n"
    )


async def test_an_order_that_cannot_be_read_takes_no_other_with_it() -> None:
    too_long = {**_order(2), "name": "x" * LONGEST_LINE}
    lines = await _read(_order(1), too_long, _item(1, 2), _order(3), b"{no\n", _item(1, 9))
    assert [bool(node_of(line)) for line in lines] == [True, False, True, False]


async def test_an_order_that_is_too_large_in_all_is_left_out() -> None:
    large = [{**_item(number, 1), "title": "x" * 3_000_000} for number in range(4)]
    [one, other] = await _read(_order(1), *large, _order(2))
    assert (one.text, node_of(one)) == (b"", None)
    assert node_of(other)


@pytest.mark.parametrize(
    "told",
    [
        pytest.param([_item(1, 1), _order(1)], id="before its order"),
        pytest.param([_order(1), _order(2), _item(1, 1)], id="behind another order"),
        pytest.param([_order(1), b"{no\n", _item(1, 1)], id="behind what cannot be read"),
    ],
)
async def test_items_that_do_not_follow_their_order_are_not_given_to_another(
    told: list[Any],
) -> None:
    with pytest.raises(NotGrouped):
        await _read(*told)


def test_refunds_of_which_one_is_not_found_are_not_known() -> None:
    node = {"refunds": [{"id": "r1"}, {"id": "r2"}]}
    moved = {"r1": {"nodes": []}, "r2": {"nodes": [1]}}
    assert with_moves(node, moved)["refunds"][1] == {"id": "r2", "transactions": {"nodes": [1]}}
    assert with_moves(node, {"r1": {"nodes": []}})["refunds"] is None
    assert with_moves({"refunds": []}, {}) == {"refunds": []}


def test_bulk_operations_take_our_queries_and_no_connection_inside_a_list() -> None:
    assert is_bulk(parse(CUSTOMERS_IN_BULK))
    assert is_bulk(parse(ORDERS_IN_BULK))
    inside = ORDERS_IN_BULK.replace(
        "processedAt }", "processedAt transactions { nodes { kind } } }"
    )
    assert inside != ORDERS_IN_BULK
    assert not is_bulk(parse(inside))
    assert not is_bulk(parse("{ shop { name } }"))
