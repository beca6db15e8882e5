"""The cost of a query, and the bucket that pays for it.

Source: Shopify's page on the limits of the GraphQL Admin API. A scalar costs nothing, an object
one point, a connection two plus its objects. Shopify's real numbers differ for fields whose cost it
has set by hand.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)

MAX_COST: Final = 1000
CONNECTION: Final = 2


class Bucket:
    """A shop's points, restored at a steady rate up to a maximum."""

    def __init__(
        self, maximum: float, rate: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.maximum = maximum
        self.rate = rate
        self._monotonic = monotonic
        self._available = maximum
        self._at = monotonic()

    def available(self) -> float:
        """Points currently available."""
        now = self._monotonic()
        restored = (now - self._at) * self.rate
        self._available = min(self.maximum, self._available + restored)
        self._at = now
        return self._available

    def take(self, points: float) -> bool:
        """Takes the points if they are all available."""
        if self.available() < points:
            return False
        self._available -= points
        return True

    def give_back(self, points: float) -> None:
        """Returns points that were reserved but not needed."""
        self._available = min(self.maximum, self.available() + points)

    def describe(self, requested: int, actual: int | None) -> dict[str, Any]:
        """The value of extensions.cost in a response."""
        return {
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": {
                "maximumAvailable": float(self.maximum),
                "currentlyAvailable": int(self.available()),
                "restoreRate": float(self.rate),
            },
        }


@dataclass(frozen=True)
class Pricing:
    """The cost of one valid document, before and after it ran."""

    schema: GraphQLSchema
    document: DocumentNode
    variables: Mapping[str, Any]

    def requested(self) -> int:
        """The maximum cost of the document."""
        return self._operation(None)

    def actual(self, data: Mapping[str, Any]) -> int:
        """The cost of the objects in the response."""
        return self._operation(data)

    def _operation(self, data: Mapping[str, Any] | None) -> int:
        for node in self.document.definitions:
            if not isinstance(node, OperationDefinitionNode):
                continue
            root = self.schema.get_root_type(node.operation)
            if root is not None:
                return self._selection(root, node.selection_set, data)
        return 0

    def _selection(
        self,
        kind: GraphQLObjectType,
        selection: SelectionSetNode | None,
        data: Mapping[str, Any] | None,
    ) -> int:
        return sum(self._field(kind, node, data) for node in self._fields(selection))

    def _field(
        self, kind: GraphQLObjectType, node: FieldNode, data: Mapping[str, Any] | None
    ) -> int:
        definition = kind.fields.get(node.name.value)
        inner = get_named_type(definition.type) if definition else None
        if isinstance(inner, GraphQLInterfaceType):
            inner = self._asked_of(node)
        if definition is None or not isinstance(inner, GraphQLObjectType):
            return 0
        value = None
        if data is not None:
            value = data.get((node.alias or node.name).value)
            if value is None:
                return 0
        if inner.name.endswith("Connection"):
            return CONNECTION + self._connection(inner, node, self._size(node), value)
        if isinstance(value, list):
            known = [one for one in value if one is not None]
            return sum(1 + self._selection(inner, node.selection_set, one) for one in known)
        many = self._many(node) if value is None else 1
        return many * (1 + self._selection(inner, node.selection_set, value))

    def _asked_of(self, node: FieldNode) -> GraphQLNamedType | None:
        """What the fragment is on, of those that are asked for by their interface."""
        for one in node.selection_set.selections if node.selection_set else ():
            if isinstance(one, InlineFragmentNode) and one.type_condition:
                return self.schema.type_map.get(one.type_condition.name.value)
        return None

    def _many(self, node: FieldNode) -> int:
        """How many objects are asked for by their ids."""
        for argument in node.arguments or ():
            if argument.name.value == "ids" and isinstance(argument.value, VariableNode):
                return len(self.variables.get(argument.value.name.value) or ())
        return 1

    def _connection(
        self, kind: GraphQLObjectType, node: FieldNode, size: int, value: Mapping[str, Any] | None
    ) -> int:
        total = 0
        for field in self._fields(node.selection_set):
            if field.name.value == "pageInfo":
                continue
            if value is not None:
                total += self._field(kind, field, value)
            else:
                total += size * self._field(kind, field, None)
        return total

    def _size(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            if argument.name.value in ("first", "last"):
                value = argument.value
                if isinstance(value, IntValueNode):
                    return int(value.value)
                if isinstance(value, VariableNode):
                    given = self.variables.get(value.name.value)
                    return given if isinstance(given, int) else 0
        return 0

    def _fields(self, selection: SelectionSetNode | None) -> Iterator[FieldNode]:
        for node in selection.selections if selection else ():
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                yield from self._fields(node.selection_set)
            elif isinstance(node, FragmentSpreadNode):
                yield from self._fields(self._fragment(node.name.value))

    def _fragment(self, name: str) -> SelectionSetNode | None:
        for node in self.document.definitions:
            if isinstance(node, FragmentDefinitionNode) and node.name.value == name:
                return node.selection_set
        return None
