"""What a bulk operation puts into its file, in steps, and which queries it takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLList,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    execute_sync,
    get_nullable_type,
    visit,
)

from cplus.local.shopify.admin_api import orders, people
from cplus.local.shopify.admin_api.graphql_api import floor, local_schema
from cplus.local.shopify.state import LocalShop

_STEP: Final = 200  # customers that one step reads
_MOST: Final = 5  # connections of a query
_DEEPEST: Final = 2
SCOPES: Final = {
    "customers": frozenset({"read_customers", "write_customers"}),
    "orders": orders.SCOPES,
}
"""What may be read with which scopes."""


def is_bulk(document: DocumentNode) -> bool:
    """Whether bulk operations take the query: at most five connections, none of them inside a list
    or more than two deep."""
    found = _Connections(TypeInfo(local_schema()))
    visit(document, TypeInfoVisitor(found.info, found))
    return 0 < found.count <= _MOST and found.deepest <= _DEEPEST and not found.in_list


class _Connections(Visitor):
    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self.info = info
        self.count = self.deepest = self._depth = self._lists = 0
        self.in_list = False

    def _kinds(self, node: FieldNode) -> tuple[bool, bool]:
        """Whether the field is a connection, and whether a list, but for that of edges."""
        kind = get_nullable_type(self.info.get_type())
        connection = str(kind).endswith("Connection")
        return connection, isinstance(kind, GraphQLList) and node.name.value != "edges"

    def enter_field(self, node: FieldNode, *_: object) -> None:
        connection, is_list = self._kinds(node)
        self.in_list |= connection and self._lists > 0
        self.count += connection
        self._depth += connection
        self._lists += is_list
        self.deepest = max(self.deepest, self._depth)

    def leave_field(self, node: FieldNode, *_: object) -> None:
        connection, is_list = self._kinds(node)
        self._depth -= connection
        self._lists -= is_list


def root_of(document: DocumentNode) -> str:
    """What the query is over: customers or orders."""
    for one in document.definitions:
        if isinstance(one, OperationDefinitionNode):
            for field in one.selection_set.selections:
                if isinstance(field, FieldNode) and field.name.value in SCOPES:
                    return field.name.value
    return "customers"


def lines_of(shop: LocalShop, document: DocumentNode, *, grouped: bool) -> Iterator[list[bytes]]:
    """The lines of the file in steps; if `grouped`, with what belongs to an object behind it."""
    rest = list[dict[str, Any]]()  # what belongs to an object, unless it follows that
    for some in _orders(shop) if root_of(document) == "orders" else _customers(shop):
        result = execute_sync(local_schema(), document, root_value=some)
        lines = []
        for edge in (result.data or {})[root_of(document)]["edges"]:
            parts = _parts(edge["node"])
            lines.append(_line(edge["node"]))
            if grouped:
                lines += map(_line, parts)
            else:
                rest += parts
        yield lines
    yield list(map(_line, rest))


def _parts(node: dict[str, Any]) -> list[dict[str, Any]]:
    """Takes out what has lines of its own: the objects of its connections."""
    inner = [name for name, one in node.items() if isinstance(one, dict) and "edges" in one]
    return [
        {**edge["node"], "__parentId": node["id"]}
        for name in inner
        for edge in node.pop(name)["edges"]
    ]


def _line(node: dict[str, Any]) -> bytes:
    return json.dumps(node, separators=(",", ":")).encode() + b"\n"


def _customers(shop: LocalShop) -> Iterator[dict[str, Any]]:
    behind, more = 0, True

    def some(_info: object, **given: Any) -> dict[str, Any]:
        nonlocal behind, more
        behind = max(behind, floor(given.get("query")))
        found = people.customers_behind(shop, behind, _STEP)
        more = len(found) == _STEP
        behind = found[-1].id if found else behind
        return {"edges": [{"node": people.customer_fields(one, shop.currency)} for one in found]}

    while more:
        yield {"customers": some}


def _orders(shop: LocalShop) -> Iterator[dict[str, Any]]:
    def all_of_them(_info: object, **given: Any) -> dict[str, Any]:
        found = orders.found(shop, given.get("query"))
        return {"edges": [{"node": orders.in_bulk(one)} for one in found]}

    yield {"orders": all_of_them}
