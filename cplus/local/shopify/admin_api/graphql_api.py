"""The local Shopify's GraphQL Admin API: the part of the real schema that this app uses."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final, Protocol

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    build_schema,
    execute_sync,
    parse,
    validate,
)

from cplus.local.shopify.admin_api import orders, people
from cplus.local.shopify.admin_api.cost import MAX_COST, Bucket, Pricing
from cplus.local.shopify.admin_api.refusals import refused
from cplus.local.shopify.state import LocalShop

SDL: Final = Path(__file__).with_name("admin_2026-10.graphql")
MAX_FIRST: Final = 250
PAGINATION_LIMIT: Final = 25_000

_CHANGED: Final = re.compile(r"(id:>[0-9]{1,19}) AND updated_at:>='([^']+)'")
_BEHIND_ID: Final = re.compile(r"id:>([0-9]{1,19})")


@cache
def local_schema() -> GraphQLSchema:
    """The served schema, from the SDL file in this folder."""
    return build_schema(SDL.read_text(encoding="utf-8"))


@lru_cache(maxsize=64)
def _checked(query: str) -> DocumentNode | Sequence[GraphQLError]:
    """The query if it is valid, else its faults. Clients send few queries, and each of them often:
    checking one takes longer than answering it."""
    try:
        document = parse(query)
    except GraphQLError as error:
        return [error]
    return validate(local_schema(), document) or document


class Bulk(Protocol):
    """The shop's bulk operations."""

    def root(self, shop: LocalShop, scopes: frozenset[str]) -> dict[str, Any]:
        """Resolvers of the fields that start and show them."""


@dataclass
class Api:
    """The Admin API of one shop, with one set of scopes."""

    shop: LocalShop
    bucket: Bucket
    scopes: frozenset[str]
    pagination_limit: int = PAGINATION_LIMIT
    bulk: Bulk | None = None

    def answer(self, body: object) -> dict[str, Any]:
        """Shopify's response to the body of a request, always with status 200."""
        query, variables = _request(body)
        schema = local_schema()
        document = _checked(query)
        if not isinstance(document, DocumentNode):
            return {"errors": [fault.formatted for fault in document]}
        pricing = Pricing(schema, document, variables)
        requested = pricing.requested()
        if requested > MAX_COST:
            return _too_dear(requested)
        if not self.bucket.take(requested):
            cost = self.bucket.describe(requested, None)
            throttled = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
            return {"errors": [throttled], "extensions": {"cost": cost}}
        root = {
            "shop": self._shop,
            "customer": self._one,
            "customers": self._customers,
            "customersCount": self._count,
            "nodes": self._nodes,
            "orders": self._orders,
            "ordersCount": self._orders_count,
            **(self.bulk.root(self.shop, self.scopes) if self.bulk else {}),
        }
        result = execute_sync(schema, document, root_value=root, variable_values=variables)
        actual = pricing.actual(result.data) if result.data else 0
        self.bucket.give_back(requested - actual)
        answer = dict(result.formatted)
        answer["extensions"] = {"cost": self.bucket.describe(requested, actual)}
        return answer

    def _shop(self, _info: object) -> dict[str, Any]:
        shop = self.shop
        return {
            "id": f"gid://shopify/Shop/{shop.id}",
            "name": shop.name,
            "email": shop.email,
            "contactEmail": shop.email,
            "myshopifyDomain": shop.host,
            "primaryDomain": {"host": shop.domain or shop.host},
            "currencyCode": shop.currency,
            "ianaTimezone": shop.timezone,
            "shopAddress": {"countryCodeV2": shop.country},
            "createdAt": shop.created_at,
            "plan": {
                "publicDisplayName": shop.plan,
                "shopifyPlus": shop.plus,
                "partnerDevelopment": False,
            },
        }

    def _one(self, _info: object, **arguments: Any) -> dict[str, Any] | None:
        self._require_scope("customer")
        found = people.customer(self.shop, arguments["id"])
        return people.customer_fields(found, self.shop.currency) if found else None

    def _orders(self, _info: object, **arguments: Any) -> dict[str, Any]:
        self._may_read_orders("orders")
        if arguments.get("sortKey") != "ID":
            raise refused("only sortKey: ID is served here", "BAD_REQUEST")
        rest = orders.found(self.shop, arguments.get("query"))
        page = rest[: arguments["first"]]
        return {"nodes": page, "pageInfo": {"hasNextPage": len(rest) > len(page)}}

    def _orders_count(self, _info: object, **arguments: Any) -> dict[str, Any]:
        self._may_read_orders("ordersCount")
        found = orders.found(self.shop, arguments.get("query"))
        return {"count": len(found), "precision": "EXACT"}

    def _nodes(self, _info: object, **arguments: Any) -> list[dict[str, Any] | None]:
        self._may_read_orders("nodes")
        return [orders.refund(self.shop, one) for one in arguments["ids"]]

    def _may_read_orders(self, field: str) -> None:
        if not self.scopes & orders.SCOPES:
            raise refused(f"Access denied for {field} field.", "ACCESS_DENIED")

    def _count(self, _info: object, **arguments: Any) -> dict[str, Any]:
        self._require_scope("customersCount")
        found, limit = people.count(self.shop), arguments.get("limit", 10_000)
        if limit is None or found <= limit:
            return {"count": found, "precision": "EXACT"}
        return {"count": limit, "precision": "AT_LEAST"}

    def _require_scope(self, field: str) -> None:
        if not self.scopes & {"read_customers", "write_customers"}:
            raise refused(f"Access denied for {field} field.", "ACCESS_DENIED")

    def _customers(self, _info: object, **arguments: Any) -> dict[str, Any]:
        self._require_scope("customers")
        first = arguments.get("first")
        if first is None or not 0 < first <= MAX_FIRST:
            raise refused("first must be between 1 and 250", "BAD_REQUEST")
        if arguments.get("sortKey", "ID") != "ID":
            raise refused("only sortKey: ID is served here", "BAD_REQUEST")
        behind, seen = _position(arguments.get("after"))
        if seen + first > self.pagination_limit:
            raise refused("the pagination limit of this list is reached", "BAD_REQUEST")
        query = arguments.get("query")
        changed = _CHANGED.fullmatch(query or "")
        behind = max(behind, floor(changed[1] if changed else query))
        if changed:
            since = datetime.fromisoformat(changed[2])
            rest = people.changed_behind(self.shop, behind, since)
        else:
            rest = people.customers_behind(self.shop, behind, first + 1)
        page = rest[:first]
        end = _cursor(page[-1].id, seen + len(page)) if page else None
        return {
            "nodes": [people.customer_fields(one, self.shop.currency) for one in page],
            "pageInfo": {"hasNextPage": len(rest) > len(page), "endCursor": end},
        }


def _request(body: object) -> tuple[str, dict[str, Any]]:
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        return "", {}
    variables = body.get("variables")
    return body["query"], variables if isinstance(variables, dict) else {}


def _cursor(last_id: int, seen: int) -> str:
    text = json.dumps({"last_id": last_id, "last_value": str(last_id), "seen": seen})
    return base64.b64encode(text.encode()).decode()


def _position(after: str | None) -> tuple[int, int]:
    """(id of the last customer read, number read)."""
    if after is None:
        return 0, 0
    try:
        cursor = json.loads(base64.b64decode(after, validate=True))
        return int(cursor["last_id"]), int(cursor["seen"])
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise refused("Invalid cursor for current pagination sort.", "BAD_REQUEST") from None


def floor(query: str | None) -> int:
    """The id behind which the filter asks for customers."""
    if not query:
        return 0
    match = _BEHIND_ID.fullmatch(query)
    if match is None:
        raise refused("only the filter id:>N is served here", "BAD_REQUEST")
    return int(match[1])


def _too_dear(cost: int) -> dict[str, Any]:
    message = f"Query cost is {cost}, which exceeds the single query max cost limit ({MAX_COST})."
    extensions = {"code": "MAX_COST_EXCEEDED", "cost": cost, "maxCost": MAX_COST}
    return {"errors": [{"message": message, "extensions": extensions}]}
