"""Decides what a webhook means: its events, or why it has none.

Deciding writes nothing of its own. What is to be noted besides, `note` does afterwards; so a trial
decides as the real thing does, with an `Asking` that asks nobody.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import structlog

from cplus.consumers.shopify_facts import Resolve
from cplus.consumers.webhooks.deliveries import Delivery
from cplus.consumers.webhooks.notice import Notice
from cplus.consumers.webhooks.translate import translate
from cplus.consumers.webhooks.uninstalls import AskStanding, objection, redact_objection
from cplus.consumers.webhooks.whose import (
    BY_ANOTHER_HOST,
    OF_ANOTHER_TOPIC,
    UNTOLD,
    AskShopId,
    whose,
)
from cplus.errors import InvalidInput
from cplus.events.base import NewEvent
from cplus.events.reasons import Code, Reason
from cplus.events.recording import Recorder
from cplus.shopify.compliance import Compliance, ShopRedact
from cplus.shopify.contacts import Contacts
from cplus.shopify.payloads import NamedShop, Webhook
from cplus.shopify.shop_ids import ShopIds
from cplus.shopify.webhooks import Shop, Uninstalled, parse

log = structlog.get_logger()

# What a translation raises when the payload or the code is at fault, and not the database.
_UNTRANSLATABLE: Final = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError),
    *(RecursionError, TypeError, ValueError),
)


@dataclass(frozen=True, slots=True)
class Asking:
    """Whom a decision asks."""

    resolve: Resolve
    """The directory of persons."""
    shop_id: AskShopId
    standing: AskStanding
    other_host: Callable[[str, int], Awaitable[str | None]]
    """Says by which other host the shop with an id is known."""
    recorder: Recorder


class Meaning(NamedTuple):
    """What a webhook means."""

    events: Sequence[NewEvent] = ()
    reason: Reason | None = None
    """Why it means nothing; None also for a topic that is not known, and for what is read well and
    says nothing new."""
    payload: Webhook | None = None
    """What was read; None if it could not be, or is not known to be of the shop."""


async def meaning(one: Delivery, body: bytes, asking: Asking) -> Meaning:
    """What the delivery means whose bytes these are. Raises what kept Shopify or the directory from
    telling."""
    read: Webhook | None = None
    try:
        payload = parse(one.topic, body if one.payload is None else one.payload)
        if payload is None:
            return Meaning()
        if reason := await _not_of_this_shop(one, payload, asking):
            return Meaning(reason=reason)
        read = payload
        events, reason = await _decided(one, payload, asking)
    except InvalidInput as error:
        words = str(error.values.get("reason", error))
        return Meaning((), Reason(Code.UNREADABLE, words), read)
    except _UNTRANSLATABLE as error:
        words = f"{one.topic}: the translation failed ({type(error).__name__})"
        return Meaning((), Reason(Code.FAILED, words), read)
    return Meaning(() if reason else events, reason, read)


async def note(one: Delivery, found: Meaning, ids: ShopIds, contacts: Contacts) -> None:
    """Notes what the webhook says besides its events, which the log is not to hold."""
    named = found.payload and found.payload.shop
    if named and named.id is not None and named.host:  # then the body names both, and is signed
        await ids.compare(one.shop, named.id)
    if isinstance(found.payload, Shop) and found.events:
        # No part of the event: the log never forgets, and they are personal data.
        at = _notice(one).when(found.payload.updated_at)
        await contacts.remember(one.shop, found.payload.addresses, at)


def _notice(one: Delivery) -> Notice:
    return Notice(one.shop, one.topic, one.webhook_id, one.triggered_at, one.received_at)


async def _decided(
    one: Delivery, payload: Webhook, asking: Asking
) -> tuple[Sequence[NewEvent], Reason | None]:
    if isinstance(payload, Compliance) and payload.is_of_another_topic:
        return (), OF_ANOTHER_TOPIC
    events = await translate(_notice(one), payload, asking.resolve)
    reason = None
    if isinstance(payload, ShopRedact):
        reason = await redact_objection(one, asking.recorder, asking.standing)
    if isinstance(payload, Uninstalled):
        at = events[0].occurred_at
        reason = await objection(one, payload, at, asking.recorder, asking.standing)
    return events, reason


async def _not_of_this_shop(one: Delivery, payload: Webhook, asking: Asking) -> Reason | None:
    """Why the webhook is not known to be of the shop of its headers, as `whose` says it, or better:
    a shop may come by another host than the one by which it is known."""
    reason = await whose(one, payload, asking.shop_id)
    named: NamedShop | None = payload.shop
    if reason != UNTOLD or named is None or named.id is None:
        return reason
    before = await asking.other_host(one.shop, named.id)
    if before is None:
        return reason
    log.warning("shop_has_another_host", shop=one.shop, before=before, shop_id=named.id)
    return BY_ANOTHER_HOST
