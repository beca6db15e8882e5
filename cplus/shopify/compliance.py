"""The webhooks that Shopify requires of every app ("Mandatory compliance webhooks")."""

from __future__ import annotations

from typing import ClassVar

from cplus.shopify.payloads import NamedShop, Payload, Webhook
from cplus.shopify.values import Id, Text


class Asking(Payload):
    """The customer whom a request is about: by id, or by address or phone number alone."""

    id: Id | None = None
    email: Text | None = None
    phone: Text | None = None


class RequestId(Payload):
    """What Shopify calls a request."""

    id: Id


class Compliance(Webhook):
    """What Shopify requires of every app.

    The topic is not signed, and what asks for somebody's data names them as what erases them does.
    So each body has to lack what only those of the other topics have.
    """

    FOREIGN: ClassVar[tuple[str, ...]]
    """Fields that Shopify's bodies of this topic never have."""

    shop_id: Id | None = None
    shop_domain: Text | None = None
    orders_requested: object = None
    orders_to_redact: object = None

    @property
    def is_of_another_topic(self) -> bool:
        """Whether the body was signed for another topic."""
        return not self.model_fields_set.isdisjoint(self.FOREIGN)

    @property
    def shop(self) -> NamedShop:
        """By both."""
        return NamedShop(self.shop_domain, self.shop_id)


class DataRequest(Compliance):
    """customers/data_request: a customer asks for what is kept about them."""

    FOREIGN = ("orders_to_redact",)

    customer: Asking = Asking()
    data_request: RequestId | None = None


class CustomerRedact(Compliance):
    """customers/redact: a customer is to be erased. Which of their orders are meant is not used:
    all that is kept of them goes."""

    FOREIGN = ("data_request", "orders_requested")

    customer: Asking = Asking()
    data_request: object = None


class ShopRedact(Compliance):
    """shop/redact: a shop is to be erased, 48 hours after it removed the app."""

    FOREIGN = ("customer", "data_request", "orders_requested", "orders_to_redact")

    customer: object = None
    data_request: object = None
