"""The webhooks that Shopify requires of every app ("Mandatory compliance webhooks")."""

from __future__ import annotations

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
    """What Shopify requires of every app."""

    shop_id: Id | None = None
    shop_domain: Text | None = None

    @property
    def shop(self) -> NamedShop:
        """By both."""
        return NamedShop(self.shop_domain, self.shop_id)


class DataRequest(Compliance):
    """customers/data_request: a customer asks for what is kept about them."""

    customer: Asking = Asking()
    data_request: RequestId


class CustomerRedact(Compliance):
    """customers/redact: a customer is to be erased. Which of their orders are meant is not used:
    all that is kept of them goes."""

    customer: Asking = Asking()


class ShopRedact(Compliance):
    """shop/redact: a shop is to be erased, 48 hours after it removed the app."""
