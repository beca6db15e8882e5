"""Whether a webhook is of the shop that its headers name: only the body is signed.

Whoever has signed bytes of one shop could send them in the name of another, and rename it or change
its plan. So what the body says of its shop is compared with what Shopify told of that shop.
"""

from __future__ import annotations

from typing import Final, Protocol

from cplus.consumers.webhooks.deliveries import TRIES, Delivery
from cplus.errors import InvalidInput, ShopifyRefused, ShopifyUnavailable, Throttled
from cplus.shopify.webhooks import AppSubscriptionUpdated, Payload, Shop, parse

ANOTHERS: Final = "the body names another shop"
UNNAMED: Final = "the body names no shop"
UNTOLD: Final = "the body names its shop by an id, and Shopify did not say whose that is"

TOPICS: Final = frozenset({"shop/update", "app_subscriptions/update"})
"""What says something of the shop itself, so that the body names it in some way."""


class AskShopId(Protocol):
    """Says which id a shop has at Shopify."""

    async def __call__(self, shop: str) -> int | None:
        """None if nobody can tell: the app is not installed. Raises ShopifyUnavailable,
        ShopifyRefused and Throttled while it can't be asked."""
        ...


def same_host(host: str | None, shop: str) -> bool:
    """Whether the body names this host; raises InvalidInput if it names another."""
    named = (host or "").strip().lower()
    if named and named != shop:
        raise InvalidInput(reason=ANOTHERS)
    return bool(named)


async def whose(one: Delivery, body: bytes, shop_id: AskShopId) -> str | None:
    """Why the webhook is not known to be of the shop of its headers; None if it is.

    Raises InvalidInput, and what kept Shopify from telling while another try may tell.
    """
    payload = parse(one.topic, body) if one.topic in TOPICS else None
    if payload is None or _names_host(payload, one.shop):
        return None
    told = _told_id(payload)
    if told is None:
        return UNNAMED
    try:
        known = await shop_id(one.shop)
    except (ShopifyUnavailable, ShopifyRefused, Throttled):
        if one.receives < TRIES:
            raise
        return UNTOLD
    if known is None:
        return UNTOLD
    return None if known == told else ANOTHERS


def _names_host(payload: Payload, shop: str) -> bool:
    return isinstance(payload, Shop) and same_host(payload.myshopify_domain, shop)


def _told_id(payload: Payload) -> int | None:
    if isinstance(payload, AppSubscriptionUpdated):
        return payload.app_subscription.shop_id
    return payload.id if isinstance(payload, Shop) else None
