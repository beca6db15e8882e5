"""Whether an uninstall counts, and the erasure of a shop: what says of which shop and when it is,
is not signed.

A webhook of another shop, or one that is sent once more, must not end an installation that stands.
So Shopify is asked, which voids the tokens of an app that is removed at once.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

from cplus.consumers.erased_shops import is_removed
from cplus.consumers.webhooks.deliveries import TRIES, Delivery
from cplus.consumers.webhooks.whose import is_of
from cplus.errors import ShopifyRefused, ShopifyUnavailable, Throttled
from cplus.events.catalogue.shops import AppInstalled
from cplus.events.names import INSTALLED_REF
from cplus.events.reasons import Code, Reason
from cplus.events.recording import Recorder
from cplus.shopify.webhooks import Uninstalled

if TYPE_CHECKING:
    from cplus.shopify.granting import Standing

STANDS: Final = Reason(Code.STILL_INSTALLED, "the app is still installed: Shopify takes its tokens")
UNTOLD: Final = Reason(
    Code.INSTALLATION_UNKNOWN,
    "Shopify did not say whether the app is installed, and the body names no shop",
)
UNTOLD_OF_REDACT: Final = Reason(
    Code.INSTALLATION_UNKNOWN,
    "Shopify did not say whether the app is installed, and the log not either",
)


class AskStanding(Protocol):
    """Asks Shopify whether it takes the app's tokens of a shop."""

    async def __call__(self, shop: str, /) -> Standing | None:
        """The installation whose tokens it takes, None if it takes none. Raises
        ShopifyUnavailable, ShopifyRefused and Throttled if it can't be told."""


class InstallUnderWay(Exception):
    """The log may not know yet of an installation whose tokens are there."""


async def objection(
    one: Delivery, told: Uninstalled, at: datetime, recorder: Recorder, standing: AskStanding
) -> Reason | None:
    """Why the uninstall that says that it happened at `at` does not count; None if it does.

    Raises what kept Shopify from telling, or InstallUnderWay, while another try may tell.
    """
    try:
        stands = await standing(one.shop)
    except (ShopifyUnavailable, ShopifyRefused, Throttled):
        # Also what a shop that was closed answers. What is signed has to say which shop it is.
        if is_of(told.shop, one.shop):
            return None
        if one.receives < TRIES:
            raise
        return UNTOLD
    if stands is None:
        return None
    # The removal of an earlier installation still ends the sessions of that time. Its time is not
    # signed either: from before the tokens were stored, it cannot take them away.
    if not (is_of(told.shop, one.shop, stands.shop_id) and at < stands.since):
        return STANDS
    if await _installed_after(one.shop, at, recorder):
        return None
    if one.receives < TRIES:
        raise InstallUnderWay
    return STANDS


async def redact_objection(
    one: Delivery, recorder: Recorder, standing: AskStanding
) -> Reason | None:
    """Why a shop is not erased that Shopify is said to ask for; None if it is.

    Shopify asks 48 hours after the app was removed, and not if it was installed again by then; but
    what it sent once, anybody who has it can send again. Raises what kept Shopify from telling,
    while another try may tell.
    """
    try:
        stands = await standing(one.shop)
    except (ShopifyUnavailable, ShopifyRefused, Throttled):
        if one.receives < TRIES:
            raise
        # Also what a shop that was closed answers: then the log says whether the app was removed.
        return None if await is_removed(one.shop, recorder) else UNTOLD_OF_REDACT
    return None if stands is None else STANDS


async def _installed_after(shop: str, at: datetime, recorder: Recorder) -> bool:
    newest = await recorder.store.by_ref(shop, INSTALLED_REF, 1)
    return any(
        recorded.occurred_at > at
        for events in await recorder.reader.read(newest, [AppInstalled])
        for recorded in events
    )
