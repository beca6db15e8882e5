"""A day of a shop in Shopify, and the webhooks that it sends of it."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cplus.consumers.batches.sqs import SqsRecord
from tests.integration.consumers.webhooks.installed_app import ID, SHOP
from tests.integration.intake import record

BEGINNING: Final = datetime(2026, 11, 20, tzinfo=UTC)
_SHIPMENTS: Final = ("confirmed", "in_transit", "out_for_delivery", "delivered")


@dataclass(frozen=True)
class Sent:
    """A webhook of the day."""

    number: int
    topic: str
    body: bytes
    at: datetime

    def delivery(self, attempt: int) -> SqsRecord:
        """The message of one attempt to deliver it."""
        headers = {
            "x-shopify-topic": self.topic,
            "x-shopify-shop-domain": SHOP,
            "x-shopify-webhook-id": f"w-{self.number}",
            "x-shopify-triggered-at": self.at.isoformat(),
        }
        body = base64.b64encode(self.body).decode()
        delivery = f"{self.number}-{attempt}"
        message = {"delivery": delivery, "headers": headers, "body": body, "body_ref": None}
        return record(message, f"m-{delivery}")


@dataclass
class Day:
    """What happens, and what Shopify tells of it. Its own times are in whole seconds, and several
    webhooks tell of one thing."""

    chance: random.Random
    sent: list[Sent] = field(default_factory=list)
    _now: datetime = BEGINNING
    _customers: dict[int, dict[str, Any]] = field(default_factory=dict)
    _orders: dict[int, dict[str, Any]] = field(default_factory=dict)

    def tell(self, topic: str, payload: Mapping[str, Any]) -> None:
        """Shopify tells of it, some milliseconds after it happened."""
        self._now += timedelta(milliseconds=self.chance.randint(1, 400))
        body = json.dumps(payload).encode()
        self.sent.append(Sent(len(self.sent), topic, body, self._now))

    @property
    def _second(self) -> str:
        return self._now.replace(microsecond=0).isoformat()

    def passes(self, things: int) -> None:
        """So many things happen after everybody and everything was made."""
        for number in range(1, 7):
            self._customer(number)
        for number in range(1, 9):
            self._order(number)
        for _ in range(things):
            self._now += timedelta(seconds=self.chance.choice((0, 0, 1, 600)))
            what = self.chance.choice(
                (self._profile, self._tags, self._pay, self._send, self._carry, self._refund)
            )
            what()
        self._ends()

    def _customer(self, number: int) -> None:
        self._customers[number] = {
            "id": number,
            "email": f"c{number}@example.com",
            "first_name": f"Customer {number}",
            "state": "enabled",
            "currency": "EUR",
            "created_at": self._second,
            "updated_at": self._second,
        }
        self.tell("customers/create", self._customers[number])

    def _order(self, number: int) -> None:
        guest = number > 6
        self._orders[number] = {
            "id": number,
            "name": f"#{number}",
            "email": f"guest{number}@example.com" if guest else f"c{number}@example.com",
            "customer": None if guest else {"id": number},
            "created_at": self._second,
            "updated_at": self._second,
            "currency": "EUR",
            "total_price": "90.00",
            "current_total_price": "90.00",
            "financial_status": "pending",
            "fulfillment_status": None,
            "line_items": [
                {
                    "id": number * 10,
                    "title": "Lamp",
                    "quantity": 9,
                    "current_quantity": 9,
                    "fulfillable_quantity": 9,
                }
            ],
            "fulfillments": [],
            "refunds": [],
        }
        self.tell("orders/create", self._orders[number])

    def _changed(self, order: dict[str, Any], *topics: str) -> None:
        order["updated_at"] = self._second
        for topic in (*topics, "orders/updated"):
            self.tell(topic, order)

    def _some_order(self) -> dict[str, Any]:
        return self.chance.choice([*self._orders.values()])

    def _profile(self) -> None:
        one = self.chance.choice([*self._customers.values()])
        one |= {"first_name": f"Name {len(self.sent)}", "updated_at": self._second}
        self.tell("customers/update", one)
        state = self.chance.choice(("subscribed", "unsubscribed"))
        consent = {"state": state, "consent_updated_at": self._second}
        self.tell(
            "customers_email_marketing_consent/update",
            {"customer_id": one["id"], "email_marketing_consent": consent},
        )

    def _tags(self) -> None:
        topic = self.chance.choice(("customer.tags_added", "customer.tags_removed"))
        told = {
            "customerId": f"gid://shopify/Customer/{self.chance.choice([*self._customers])}",
            "tags": self.chance.sample(["vip", "new", "wholesale"], 2),
            "occurredAt": self._now.isoformat(),
        }
        self.tell(topic, told)

    def _pay(self) -> None:
        order = self._some_order()
        order["financial_status"] = "paid"
        self._changed(order, "orders/paid")
        if order["customer"]:
            summary = {
                "customerId": f"gid://shopify/Customer/{order['customer']['id']}",
                "numberOfOrders": self.chance.randint(1, 9),
                "amountSpent": {"amount": "90.00", "currencyCode": "EUR"},
                "occurredAt": self._now.isoformat(),
            }
            self.tell("customers/purchasing_summary", summary)

    def _send(self) -> None:
        order = self._some_order()
        [item] = order["line_items"]
        if not item["fulfillable_quantity"]:
            return
        item["fulfillable_quantity"] -= 1
        number = f"T{order['id']}-{len(order['fulfillments'])}"
        parcel = {
            "id": order["id"] * 100 + len(order["fulfillments"]),
            "order_id": order["id"],
            "status": "success",
            "shipment_status": None,
            "created_at": self._second,
            "updated_at": self._second,
            "tracking_company": "Post",
            "tracking_numbers": [number],
            "tracking_urls": [f"https://post.example.com/{number}"],
        }
        order["fulfillments"] = [*order["fulfillments"], parcel]
        order["fulfillment_status"] = "partial" if item["fulfillable_quantity"] else "fulfilled"
        self.tell("fulfillments/create", parcel)
        ended = "fulfilled" if order["fulfillment_status"] == "fulfilled" else "partially_fulfilled"
        self._changed(order, f"orders/{ended}")

    def _carry(self) -> None:
        """The carrier tells of a parcel; Shopify tells of the order too, but not at once."""
        order = self._some_order()
        if not order["fulfillments"]:
            return
        parcel = dict(self.chance.choice(order["fulfillments"]))
        known = parcel["shipment_status"]
        step = _SHIPMENTS.index(known) + 1 if known else 0
        parcel["shipment_status"] = _SHIPMENTS[min(step, len(_SHIPMENTS) - 1)]
        parcel["updated_at"] = self._second
        order["fulfillments"] = [
            parcel if one["id"] == parcel["id"] else one for one in order["fulfillments"]
        ]
        self.tell("fulfillments/update", parcel)

    def _refund(self) -> None:
        order = self._some_order()
        [item] = order["line_items"]
        if item["current_quantity"] < 2:
            return
        order["line_items"] = [{**item, "current_quantity": item["current_quantity"] - 1}]
        money = {"amount": "10.00", "currency": "EUR", "kind": "refund", "status": "success"}
        refund = {
            "id": order["id"] * 100 + len(order["refunds"]),
            "order_id": order["id"],
            "created_at": self._second,
            "processed_at": self._second,
            "transactions": [money],
        }
        order["refunds"] = [*order["refunds"], refund]
        left = 90 - 10 * len(order["refunds"])
        order |= {"current_total_price": f"{left}.00", "financial_status": "partially_refunded"}
        self.tell("refunds/create", refund)
        edit = {"id": len(self.sent) + 1, "order_id": order["id"]}
        self.tell("orders/edited", {"order_edit": edit})
        self._changed(order)

    def _ends(self) -> None:
        """What cannot be undone, and a last word on each order."""
        self._now += timedelta(minutes=1)
        merge = {
            "admin_graphql_api_customer_kept_id": "gid://shopify/Customer/1",
            "admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/2",
            "status": "completed",
        }
        self.tell("customers/merge", merge)
        self.tell("customers/delete", {"id": 3})
        self._orders[4]["cancelled_at"] = self._second
        self._changed(self._orders[4], "orders/cancelled")
        self.tell("orders/delete", {"id": 5})
        del self._orders[5]
        for order in self._orders.values():
            self._changed(order)
        shop = {"id": ID, "name": "Blue Jam", "myshopify_domain": SHOP, "currency": "EUR"}
        self.tell("shop/update", {**shop, "updated_at": self._second})
