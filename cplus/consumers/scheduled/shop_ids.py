"""Learns the ids of shops that installed the app before their ids were kept.

What Shopify tells of a shop after it removed the app, such as the end of its subscription, names
it by its id alone, and then nobody can be asked whose id that is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Final

import structlog

from cplus.deadline import Deadline
from cplus.loop import together

if TYPE_CHECKING:
    from cplus.consumers.webhooks.whose import AskShopId
    from cplus.shopify.credentials import MongoCredentials
    from cplus.shopify.shop_ids import ShopIds

log = structlog.get_logger()

_PAGE: Final = 500
"""Shops that are looked up at once."""


async def learn_shop_ids(
    credentials: MongoCredentials,
    ids: ShopIds,
    ask: AskShopId,
    *,
    deadline: Deadline,
    side_by_side: int,
) -> list[str]:
    """Has `ask` ask Shopify, and remember, for each shop with tokens whose id is not known; answers
    the shops that were told.

    No question begins after `deadline`. A shop that could not be asked is asked the next time.
    """
    told, untold = list[str](), list[str]()

    async def work(shops: Iterator[str]) -> None:
        for shop in shops:
            if deadline.passed():
                return
            (told if await _is_told(shop, ask) else untold).append(shop)

    async for page in _unknown(credentials, ids):
        shops = iter(page)  # the workers take from it in turn
        await together(*(work(shops) for _ in range(side_by_side)))
        if deadline.passed():
            break
    if told or untold:
        log.info("shop_ids_learned", told=len(told), untold=len(untold))
    return told


async def _unknown(credentials: MongoCredentials, ids: ShopIds) -> AsyncIterator[list[str]]:
    """The shops with tokens whose id is not known, page by page."""
    after = ""
    while page := await credentials.shops(after, _PAGE):
        known = await ids.known(page)
        yield [shop for shop in page if shop not in known]
        after = page[-1]


async def _is_told(shop: str, ask: AskShopId) -> bool:
    try:
        return await ask(shop) is not None
    except Exception as error:  # noqa: BLE001  one must hold up no other
        log.warning("shop_id_untold", shop=shop, error=type(error).__name__)
        return False
