"""Whether a webhook is of the shop that its headers name: only the body is signed.

Whoever has signed bytes of one shop could send them in the name of another, and rename it, change
its plan or have data of its customers asked for. So what the body says of its shop is compared with
the header and with what Shopify told of that shop. This is the only place that decides it.
"""

from __future__ import annotations

from typing import Final, Protocol

from cplus.consumers.webhooks.deliveries import TRIES, Delivery
from cplus.errors import ShopifyRefused, ShopifyUnavailable, Throttled
from cplus.events.reasons import Code, Reason
from cplus.shopify.payloads import NamedShop, Webhook

ANOTHERS: Final = Reason(Code.ANOTHER_SHOP, "the body names another shop")
UNNAMED: Final = Reason(Code.NO_SHOP, "the body names no shop")
UNTOLD: Final = Reason(
    Code.SHOP_UNKNOWN, "the body names its shop by an id, and Shopify did not say whose that is"
)
BY_ANOTHER_HOST: Final = Reason(
    Code.ANOTHER_HOST, "the body names, by its id, a shop that is known by another host"
)
OF_ANOTHER_TOPIC: Final = Reason(Code.ANOTHER_TOPIC, "the body is one of another topic")


class AskShopId(Protocol):
    """Says which id a shop has at Shopify."""

    async def __call__(self, shop: str) -> int | None:
        """None if nobody can tell: the app is not installed. Raises ShopifyUnavailable,
        ShopifyRefused and Throttled while it can't be asked."""
        ...


def is_of(named: NamedShop, shop: str, shop_id: int | None = None) -> bool | None:
    """Whether a body that names a shop so is of this host, which has this id; None if what it says
    does not tell. A host tells without the id."""
    host = (named.host or "").strip().lower()
    if host:
        return host == shop
    return None if named.id is None or shop_id is None else named.id == shop_id


async def whose(one: Delivery, payload: Webhook, ask: AskShopId) -> Reason | None:
    """Why the webhook is not known to be of the shop of its headers; None if it is, or if no body
    of its topic says whose it is.

    Raises what kept Shopify from telling while another try may tell.
    """
    named = payload.shop
    if named is None:
        return None
    ours, unknown = is_of(named, one.shop), UNNAMED
    if ours is None and named.may_be_unnamed:
        return None
    if ours is None and named.id is not None:
        ours, unknown = is_of(named, one.shop, await _id_of(one, ask)), UNTOLD
    if ours is None:
        return unknown
    return None if ours else ANOTHERS


async def _id_of(one: Delivery, ask: AskShopId) -> int | None:
    try:
        return await ask(one.shop)
    except (ShopifyUnavailable, ShopifyRefused, Throttled):
        if one.receives < TRIES:
            raise
        return None
