"""Shopify's webhooks: one model per payload, and the parser.

The models follow the samples that Shopify publishes for API version 2026-10. A model has only the
fields that are used, so that an unused field cannot break it. Only ids are required: everything
else depends on the shop, the app's scopes and the age of the data.
"""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from pydantic import Field, ValidationError

from cplus.errors import InvalidInput
from cplus.shopify.compliance import Compliance, CustomerRedact, DataRequest, ShopRedact
from cplus.shopify.orders import (
    FulfillmentChanged,
    Order,
    OrderDeleted,
    OrderEdited,
    RefundCreated,
)
from cplus.shopify.payloads import NamedShop, NamesNoShop, Payload, Webhook
from cplus.shopify.values import (
    Amount,
    Currency,
    GidNumber,
    Id,
    Moment,
    Money,
    Text,
    Texts,
    Unsigned,
)


class Customer(NamesNoShop):
    """customers/create, update, enable and disable."""

    id: Id
    created_at: Moment | None = None
    updated_at: Moment | None = None
    first_name: Text | None = None
    last_name: Text | None = None
    email: Text | None = None
    phone: Text | None = None
    state: Text | None = None
    note: Text | None = None
    currency: Currency | None = None
    locale: Text | None = None


class CustomerDeleted(NamesNoShop):
    """customers/delete: only the id is left."""

    id: Id


class CustomersMerged(NamesNoShop):
    """customers/merge: one customer absorbs another; sent for each state of the merge."""

    kept_id: GidNumber = Field(validation_alias="admin_graphql_api_customer_kept_id")
    deleted_id: GidNumber = Field(validation_alias="admin_graphql_api_customer_deleted_id")
    status: Text

    @property
    def completed(self) -> bool:
        """Whether the other customer is gone; a failed or running merge changes nothing."""
        return self.status.lower() == "completed"


class EmailConsent(Payload):
    """A customer's consent to email marketing."""

    state: Text | None = None
    consent_updated_at: Moment | None = None


class EmailConsentUpdated(NamesNoShop):
    """customers_email_marketing_consent/update."""

    customer_id: Id
    email_marketing_consent: EmailConsent


class Spent(Payload):
    """What a customer has spent in all."""

    amount: Money
    currency: Currency | None = Field(None, validation_alias="currencyCode")


class PurchasingSummary(NamesNoShop):
    """customers/purchasing_summary: what a customer has bought in all."""

    customer_id: GidNumber = Field(validation_alias="customerId")
    number_of_orders: Unsigned = Field(validation_alias="numberOfOrders")
    spent: Spent | None = Field(None, validation_alias="amountSpent")
    occurred_at: Moment | None = Field(None, validation_alias="occurredAt")


class CustomerTags(NamesNoShop):
    """customer.tags_added and customer.tags_removed: what changed, not all that there is."""

    customer_id: GidNumber = Field(validation_alias="customerId")
    tags: Texts = ()
    occurred_at: Moment | None = Field(None, validation_alias="occurredAt")


class Uninstalled(Webhook):
    """app/uninstalled: the shop, of which only host and id say anything, and may be missing."""

    myshopify_domain: Text | None = None
    id: object = None

    @property
    def shop(self) -> NamedShop:
        """By host or id, if at all."""
        told = self.id if type(self.id) is int else None
        return NamedShop(self.myshopify_domain, told, may_be_unnamed=True)


class ScopesUpdated(Webhook):
    """app/scopes_update: what the merchant grants the app from now on. Older payloads, from before
    version 2025-07, name no shop."""

    current: Texts = Field(min_length=1)
    """Never empty: the app has scopes that it cannot be installed without."""
    previous: Texts = ()
    shop_id: Id | None = None
    updated_at: Moment | None = None

    @property
    def shop(self) -> NamedShop:
        """By id."""
        return NamedShop(id=self.shop_id)


class Shop(Webhook):
    """shop/update. The host may be null here: then the id tells which shop it is."""

    id: Id
    name: Text | None = None
    email: Text | None = None
    customer_email: Text | None = None
    myshopify_domain: Text | None = None
    currency: Currency | None = None
    iana_timezone: Text | None = None
    country_code: Text | None = None
    plan_name: Text | None = None
    plan_display_name: Text | None = None
    updated_at: Moment | None = None

    @property
    def shop(self) -> NamedShop:
        """The shop itself."""
        return NamedShop(self.myshopify_domain, self.id)

    @property
    def addresses(self) -> tuple[str | None, str | None]:
        """The owner's, to which Shopify writes, and the public one."""
        return self.email, self.customer_email


class AppSubscription(Payload):
    """A shop's subscription to this app. Older payloads lack the last five fields."""

    id: GidNumber = Field(validation_alias="admin_graphql_api_id")
    shop_id: GidNumber | None = Field(None, validation_alias="admin_graphql_api_shop_id")
    name: Text
    status: Text
    created_at: Moment | None = None
    updated_at: Moment | None = None
    currency: Currency | None = None
    capped_amount: Money | None = None
    price: Money | None = None
    interval: Text | None = None
    plan_handle: Text | None = None


class AppSubscriptionUpdated(Webhook):
    """app_subscriptions/update."""

    app_subscription: AppSubscription

    @property
    def shop(self) -> NamedShop:
        """By id: a subscription has no host."""
        return NamedShop(id=self.app_subscription.shop_id)


class SubscriptionUsage(Payload):
    """How much of what a subscription may cost at most was used."""

    id: GidNumber = Field(validation_alias="admin_graphql_api_id")
    shop_id: GidNumber | None = Field(None, validation_alias="admin_graphql_api_shop_id")
    balance_used: Amount | None = None
    capped_amount: Amount | None = None
    currency: Currency | None = Field(None, validation_alias="currency_code")


class CapApproached(Webhook):
    """app_subscriptions/approaching_capped_amount: more than 90 % of it was used."""

    app_subscription: SubscriptionUsage

    @property
    def shop(self) -> NamedShop:
        """By id: a subscription has no host."""
        return NamedShop(id=self.app_subscription.shop_id)


class BulkOperationFinished(NamesNoShop):
    """bulk_operations/finish: it ended, well or not. What came of it has to be asked."""

    id: GidNumber = Field(validation_alias="admin_graphql_api_id")
    status: Text | None = None
    error_code: Text | None = None
    completed_at: Moment | None = None


PAYLOADS: Final[dict[str, type[Webhook]]] = {
    "customers/create": Customer,
    "customers/update": Customer,
    "customers/enable": Customer,
    "customers/disable": Customer,
    "customers/delete": CustomerDeleted,
    "customers/merge": CustomersMerged,
    "customers_email_marketing_consent/update": EmailConsentUpdated,
    "customers/purchasing_summary": PurchasingSummary,
    "customer.tags_added": CustomerTags,
    "customer.tags_removed": CustomerTags,
    "orders/create": Order,
    "orders/updated": Order,
    "orders/paid": Order,
    "orders/cancelled": Order,
    "orders/fulfilled": Order,
    "orders/partially_fulfilled": Order,
    "orders/edited": OrderEdited,
    "orders/delete": OrderDeleted,
    "fulfillments/create": FulfillmentChanged,
    "fulfillments/update": FulfillmentChanged,
    "refunds/create": RefundCreated,
    "app/scopes_update": ScopesUpdated,
    "app/uninstalled": Uninstalled,
    "shop/update": Shop,
    "app_subscriptions/update": AppSubscriptionUpdated,
    "app_subscriptions/approaching_capped_amount": CapApproached,
    "bulk_operations/finish": BulkOperationFinished,
    "customers/data_request": DataRequest,
    "customers/redact": CustomerRedact,
    "shop/redact": ShopRedact,
}
"""The model of each known topic."""


def is_required(topic: str) -> bool:
    """Whether Shopify requires of every app that it does what a webhook of this topic asks for."""
    return issubclass(PAYLOADS.get(topic, Webhook), Compliance)


def parse(topic: str, body: bytes) -> Webhook | None:
    """The payload of a webhook, or None for an unknown topic.

    `body` is the unchanged bytes. Only the fields of the model are judged, and texts are cleaned
    of what MongoDB can't store. Raises InvalidInput with a reason that names a field and what is
    wrong with it, and never a value: not UTF-8, not JSON, too deep to be read, a wrong type.
    """
    model = PAYLOADS.get(topic)
    if model is None:
        return None
    try:
        return model.model_validate_json(body)
    except ValidationError:
        # That reader is five times as fast, but refuses a lone surrogate in a field that is not
        # used, and does not tell what is no JSON from what is no object.
        document = _document(body)
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the payload"
        raise InvalidInput(reason=f"{topic}: {where}: {first['msg']}") from None


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body.decode("utf-8"), parse_int=_integer)
    except UnicodeDecodeError as error:
        _refuse(f"the body is not UTF-8 (byte {error.start})")
    except RecursionError:
        _refuse("the body is nested too deeply")
    except json.JSONDecodeError as error:
        _refuse(f"the body is not JSON ({error.msg}, character {error.pos})")
    if not isinstance(document, dict):
        _refuse("the body is not a JSON object")
    return document


def _integer(digits: str) -> int | float:
    # Python refuses to parse integers of thousands of digits, also in a field that is not used;
    # no field that is used takes a float.
    return int(digits) if len(digits) <= 20 else float("inf")


def _refuse(reason: str) -> NoReturn:
    raise InvalidInput(reason=reason)
