"""Shopify's webhooks: one model per payload, and the parser.

The models follow the samples that Shopify publishes for API version 2026-10. A model has only the
fields that are used, so that an unused field cannot break it. Only ids are required: everything
else depends on the shop, the app's scopes and the age of the data.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cplus.errors import InvalidInput
from cplus.shopify.values import MAX_INT64, Count, Currency, GidNumber, Id, Moment, Money

MAX_DEPTH: Final = 100
"""Maximum nesting of a payload; Shopify's have fewer than ten levels, BSON's limit is 100."""


class Payload(BaseModel):
    """A payload or a part of one: unused fields are ignored, the rest is checked."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Customer(Payload):
    """customers/create, update, enable and disable; also the customer inside an order."""

    id: Id
    created_at: Moment | None = None
    updated_at: Moment | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    state: str | None = None
    note: str | None = None
    currency: Currency | None = None
    locale: str | None = None


class CustomerDeleted(Payload):
    """customers/delete: only the id is left."""

    id: Id


class CustomersMerged(Payload):
    """customers/merge: one customer absorbs another; sent for each state of the merge."""

    kept_id: GidNumber = Field(validation_alias="admin_graphql_api_customer_kept_id")
    deleted_id: GidNumber = Field(validation_alias="admin_graphql_api_customer_deleted_id")
    status: str

    @property
    def completed(self) -> bool:
        """Whether the other customer is gone; a failed or running merge changes nothing."""
        return self.status.lower() == "completed"


class EmailConsent(Payload):
    """A customer's consent to email marketing."""

    state: str | None = None
    consent_updated_at: Moment | None = None


class EmailConsentUpdated(Payload):
    """customers_email_marketing_consent/update."""

    customer_id: Id
    email_address: str | None = None
    email_marketing_consent: EmailConsent


class Order(Payload):
    """orders/create, updated, paid, cancelled and fulfilled."""

    id: Id
    name: str | None = None
    order_number: Count | None = None
    email: str | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None
    cancelled_at: Moment | None = None
    currency: Currency | None = None
    total_price: Money | None = None
    financial_status: str | None = None
    fulfillment_status: str | None = None
    customer: Customer | None = None
    test: bool | None = None


class OrderDeleted(Payload):
    """orders/delete: only the id is left."""

    id: Id


class Shop(Payload):
    """app/uninstalled and shop/update. The host may be null here: take it from the headers."""

    id: Id
    name: str | None = None
    myshopify_domain: str | None = None
    currency: Currency | None = None
    iana_timezone: str | None = None
    country_code: str | None = None
    plan_name: str | None = None
    plan_display_name: str | None = None
    updated_at: Moment | None = None


class AppSubscription(Payload):
    """A shop's subscription to this app. Older payloads lack the last five fields."""

    id: GidNumber = Field(validation_alias="admin_graphql_api_id")
    name: str
    status: str
    created_at: Moment | None = None
    updated_at: Moment | None = None
    currency: Currency | None = None
    capped_amount: Money | None = None
    price: Money | None = None
    interval: str | None = None
    plan_handle: str | None = None


class AppSubscriptionUpdated(Payload):
    """app_subscriptions/update."""

    app_subscription: AppSubscription


PAYLOADS: Final[dict[str, type[Payload]]] = {
    "customers/create": Customer,
    "customers/update": Customer,
    "customers/enable": Customer,
    "customers/disable": Customer,
    "customers/delete": CustomerDeleted,
    "customers/merge": CustomersMerged,
    "customers_email_marketing_consent/update": EmailConsentUpdated,
    "orders/create": Order,
    "orders/updated": Order,
    "orders/paid": Order,
    "orders/cancelled": Order,
    "orders/fulfilled": Order,
    "orders/delete": OrderDeleted,
    "app/uninstalled": Shop,
    "shop/update": Shop,
    "app_subscriptions/update": AppSubscriptionUpdated,
}
"""The model of each known topic."""


def parse(topic: str, body: bytes) -> Payload | None:
    """The payload of a webhook, or None for an unknown topic.

    `body` is the unchanged bytes. Raises InvalidInput with a reason that names a field and
    what is wrong with it, and never a value: not UTF-8, not JSON, too deep, an integer beyond
    64 bits, a NUL character or a lone surrogate (MongoDB cannot store these), a wrong type.
    """
    model = PAYLOADS.get(topic)
    if model is None:
        return None
    document = _document(body)
    _require_storable(document, known=frozenset(_wire_names(model)))
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the payload"
        raise InvalidInput(reason=f"{topic}: {where}: {first['msg']}") from None


def _document(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"), parse_int=_integer, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        _refuse(f"the body is not UTF-8 (byte {error.start})")
    except RecursionError:
        _refuse("the body is nested too deeply")
    except json.JSONDecodeError as error:
        _refuse(f"the body is not JSON ({error.msg}, character {error.pos})")


def _integer(digits: str) -> int:
    # Checked as text first: Python refuses to parse integers of thousands of digits.
    if len(digits) > 20 or not -MAX_INT64 - 1 <= int(digits) <= MAX_INT64:
        _refuse("an integer does not fit 64 bits")
    return int(digits)


def _no_constant(name: str) -> NoReturn:
    _refuse(f"the body is not JSON ({name} is not a number)")


def _require_storable(document: object, known: frozenset[str]) -> None:
    if not isinstance(document, dict):
        _refuse("the body is not a JSON object")
    for key, value in document.items():
        _require_text(key, "a field's name")
        # Only known field names are shown: others could contain anything.
        where = key if key in known else "a field that is not used"
        for text in _texts(value):
            _require_text(text, where)


def _texts(value: object) -> Iterator[str]:
    """Each text in the value, keys included; iterative, so that depth can't exhaust the stack."""
    waiting: list[tuple[object, int]] = [(value, 2)]
    while waiting:
        one, depth = waiting.pop()
        if depth > MAX_DEPTH:
            _refuse("the body is nested too deeply")
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            yield from one
            waiting.extend((inner, depth + 1) for inner in one.values())
        elif isinstance(one, list):
            waiting.extend((inner, depth + 1) for inner in one)


def _require_text(text: str, where: str) -> None:
    if "\0" in text:
        _refuse(f"{where}: holds a NUL character")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        _refuse(f"{where}: holds a lone surrogate")


def _wire_names(model: type[Payload]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield field.validation_alias if isinstance(field.validation_alias, str) else name


def _refuse(reason: str) -> NoReturn:
    raise InvalidInput(reason=reason)
