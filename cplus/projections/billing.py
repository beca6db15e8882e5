"""Billing: a row for each subscription of the shop to the app, by Shopify's id of it."""

from __future__ import annotations

from collections.abc import Iterable

from cplus.events.base import Recorded
from cplus.events.catalogue import (
    AppInstalled,
    AppUninstalled,
    ConversationClosed,
    ConversationReopened,
    ConversationStarted,
    CustomerChanged,
    CustomerConsentChanged,
    CustomerDeleted,
    CustomerImported,
    ImportEnded,
    ImportPageLoaded,
    ImportStarted,
    MailBounced,
    MailComplained,
    MailDelivered,
    MailRejected,
    MailSent,
    MessageReceived,
    OrderChanged,
    OrderDeleted,
    PersonsJoined,
    ReplyWritten,
    ShopChanged,
    SubscriptionChanged,
)
from cplus.projections.base import Projection, Row
from cplus.projections.facts import newest, types


def keys(event: Recorded) -> Iterable[str]:
    """The subscription's id."""
    return [getattr(event.event, "subscription_id")]  # noqa: B009  the one event here has it


def evolve(_key: str, row: Row | None, event: Recorded) -> Row | None:
    """The newest state wins."""
    subscription = event.event
    assert isinstance(subscription, SubscriptionChanged)  # noqa: S101  nothing else is handled
    return newest(
        row,
        event,
        {
            "name": subscription.name,
            "status": subscription.status,
            "price": subscription.price,
            "capped_amount": subscription.capped_amount,
            "currency": subscription.currency,
            "interval": subscription.interval,
            "plan": subscription.plan,
            "created_at": subscription.created_at,
        },
    )


BILLING = Projection(
    name="billing",
    version=1,
    handles=types(SubscriptionChanged),
    ignores=types(
        AppInstalled,
        AppUninstalled,
        ConversationClosed,
        ConversationReopened,
        ConversationStarted,
        CustomerChanged,
        CustomerConsentChanged,
        CustomerDeleted,
        CustomerImported,
        ImportEnded,
        ImportPageLoaded,
        ImportStarted,
        MailBounced,
        MailComplained,
        MailDelivered,
        MailRejected,
        MailSent,
        MessageReceived,
        OrderChanged,
        OrderDeleted,
        PersonsJoined,
        ReplyWritten,
        ShopChanged,
    ),
    keys=keys,
    evolve=evolve,
    indexes=((("at", -1), ("_id", -1)),),
)
