"""States that Shopify names, as people read them."""

from __future__ import annotations

from typing import Final

from cplus.web.kit.i18n import translated
from cplus.wording import worded

# Of orders, fulfillments, parcels, subscriptions, customers and their consent: the enumerations
# OrderDisplayFinancialStatus, OrderDisplayFulfillmentStatus, FulfillmentStatus,
# FulfillmentEventStatus, AppSubscriptionStatus, CustomerState and
# CustomerEmailMarketingState of Shopify's Admin API. One that is not here shows as Shopify spells
# it.
_KNOWN: Final = (
    worded("Authorized"),
    worded("Expired"),
    worded("Paid"),
    worded("Partially paid"),
    worded("Partially refunded"),
    worded("Pending"),
    worded("Refunded"),
    worded("Voided"),
    worded("Fulfilled"),
    worded("In progress"),
    worded("On hold"),
    worded("Open"),
    worded("Partial"),
    worded("Partially fulfilled"),
    worded("Pending fulfillment"),
    worded("Request declined"),
    worded("Restocked"),
    worded("Scheduled"),
    worded("Unfulfilled"),
    worded("Success"),
    worded("Attempted delivery"),
    worded("Carrier picked up"),
    worded("Confirmed"),
    worded("Delayed"),
    worded("Delivered"),
    worded("Failure"),
    worded("In transit"),
    worded("Label printed"),
    worded("Label purchased"),
    worded("Out for delivery"),
    worded("Picked up"),
    worded("Ready for pickup"),
    worded("Error"),
    worded("Cancelled"),
    worded("Active"),
    worded("Accepted"),
    worded("Declined"),
    worded("Frozen"),
    worded("Free"),
    worded("Test"),
    worded("Enabled"),
    worded("Disabled"),
    worded("Invited"),
    worded("Subscribed"),
    worded("Not subscribed"),
    worded("Unsubscribed"),
    worded("Invalid"),
    worded("Redacted"),
)
_INTERVALS: Final = {"every_30_days": worded("every 30 days"), "annual": worded("annual")}
_BY_NAME: Final = {str(one): one for one in _KNOWN}


def words(value: str | None) -> str:
    """A state as Shopify names it, for people: `not_subscribed` is `Not subscribed`."""
    plain = (value or "").replace("_", " ").strip().capitalize()
    return translated(_BY_NAME.get(plain, plain)) or "–"


def interval(value: str) -> str:
    """How often a subscription is paid, to follow its price."""
    return translated(_INTERVALS.get(value.lower(), words(value).lower()))
