"""Makes the commit that a webhook is to become: as it came, with the events that it means."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import structlog

from cplus.clock import Clock
from cplus.consumers.erased_shops import ErasedShops
from cplus.consumers.shopify_facts import Resolve
from cplus.consumers.webhooks.deliveries import EVENT_BRIDGE, RECEIVED, VIA, Delivery
from cplus.consumers.webhooks.notice import Notice
from cplus.consumers.webhooks.translate import translate
from cplus.consumers.webhooks.uninstalls import AskStanding, objection, redact_objection
from cplus.consumers.webhooks.whose import BY_ANOTHER_HOST, UNTOLD, AskShopId, whose
from cplus.envelopes import Stored
from cplus.errors import InvalidInput
from cplus.events.base import Cause, NewEvent
from cplus.events.causes import cause_of
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import Outcome
from cplus.events.names import delivery_ref
from cplus.events.recording import Recorder
from cplus.mongo import Collection
from cplus.shopify.compliance import OF_ANOTHER_TOPIC, Compliance, ShopRedact
from cplus.shopify.contacts import Contacts
from cplus.shopify.payloads import NamedShop, Webhook
from cplus.shopify.shop_ids import ShopIds
from cplus.shopify.webhooks import Shop, Uninstalled, is_required, parse

log = structlog.get_logger()

# What a translation raises when the payload or the code is at fault, and not the database.
_UNTRANSLATABLE: Final = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError),
    *(RecursionError, TypeError, ValueError),
)


class Bodies(Protocol):
    """Where large bodies rest."""

    async def put(self, shop: str, clear: bytes) -> Stored:
        """Stores the body, encrypted under a key of its own; answers where, and the key."""

    async def get(self, shop: str, stored: Stored) -> bytes:
        """The bytes; raises KeyError when there are none, and ObjectBroken."""


class Persons(Protocol):
    """The directory of persons."""

    @property
    def resolve(self) -> Resolve:
        """Says who somebody is."""

    async def join(self, shop: str, person: str, absorbed: str) -> None:
        """Makes two persons one."""


class Drafted(NamedTuple):
    """A delivery, the commit that it is to become, and the outcome of the append."""

    delivery: Delivery
    draft: Draft
    outcome: Outcome | None = None
    """None if no commit can hold it."""


@dataclass(frozen=True, slots=True)
class Webhooks:
    """What the webhooks are recorded with."""

    recorder: Recorder
    persons: Persons
    bodies: Bodies
    redeliveries: Collection
    standing: AskStanding
    shop_id: AskShopId
    ids: ShopIds
    erased: ErasedShops
    contacts: Contacts
    clock: Clock


async def draft_of(one: Delivery, use: Webhooks, large: asyncio.Semaphore) -> Drafted:
    """The commit of a delivery; `large` limits how many bodies from the bucket are in memory.

    What cannot be read or translated has no events and the reason; but for what Shopify requires of
    every app, InvalidInput is raised. Raises what kept Shopify or the directory from telling.
    """
    if reason := await erased_before(one, use):
        log.warning("webhook_of_erased_shop", shop=one.shop, topic=one.topic, reason=reason)
        cause = Cause("webhook", headers=_told(one, unread=False))
        return Drafted(one, _to_record(one, (), cause, reason))
    if one.stored is None:
        return await read_draft(one, one.body or b"", use)
    async with large:
        return await read_draft(one, await use.bodies.get(one.shop, one.stored), use)


async def erased_before(one: Delivery, use: Webhooks) -> str | None:
    """Why nothing is kept of it, as the shop was erased; None if it is."""
    # The erasure of a shop names nobody, and may come once more while it is not erased.
    if one.topic == "shop/redact":
        return None
    return await use.erased.objection(one.shop, one.triggered_at or one.received_at)


async def read_draft(one: Delivery, body: bytes, use: Webhooks) -> Drafted:
    """The commit of a delivery whose bytes these are; raises as `draft_of` does."""
    events: Sequence[NewEvent] = ()
    reason = None
    try:
        payload = parse(one.topic, body if one.payload is None else one.payload)
        if payload is not None:
            events, reason = await _meant(one, payload, use)
    except InvalidInput as error:
        if is_required(one.topic):
            raise
        reason = str(error.values.get("reason", error))
    except _UNTRANSLATABLE as error:
        reason = f"{one.topic}: the translation failed ({type(error).__name__})"
        if is_required(one.topic):
            raise InvalidInput(reason=reason) from None
    if reason:
        log.warning("webhook_untranslated", shop=one.shop, topic=one.topic, reason=reason)
    headers = _told(one, unread=not events)
    cause = await cause_of(
        "webhook", one.shop, body, use.bodies, headers=headers, stored=one.stored
    )
    return Drafted(one, _to_record(one, events, cause, reason))


def _to_record(
    one: Delivery, events: Sequence[NewEvent], cause: Cause, reason: str | None
) -> Draft:
    return Draft(
        shop=one.shop,
        claim=one.claim,
        source="webhook",
        actor="shopify",
        events=events,
        cause=cause,
        refs=_refs(one, events),
        correlation_id=one.headers.get("x-shopify-event-id"),
        reason=reason,
    )


async def _meant(
    one: Delivery, payload: Webhook, use: Webhooks
) -> tuple[Sequence[NewEvent], str | None]:
    """The events that the webhook means, or why it means none."""
    reason = await whose(one, payload, use.shop_id)
    if payload.shop is not None:
        reason = await _by_another_host(one.shop, payload.shop, reason, use.ids)
    if not reason and isinstance(payload, Compliance) and payload.is_of_another_topic:
        reason = OF_ANOTHER_TOPIC
    if reason:
        return (), reason
    notice = Notice(one.shop, one.topic, one.webhook_id, one.triggered_at, one.received_at)
    events = await translate(notice, payload, use.persons.resolve)
    if isinstance(payload, Shop):
        # No part of the event: the log never forgets, and they are personal data.
        await use.contacts.remember(one.shop, payload.addresses, notice.when(payload.updated_at))
    if isinstance(payload, ShopRedact):
        reason = await redact_objection(one, use.recorder, use.standing)
    if isinstance(payload, Uninstalled):
        at = events[0].occurred_at
        reason = await objection(one, payload, at, use.recorder, use.standing)
    return (() if reason else events), reason


async def _by_another_host(
    shop: str, named: NamedShop, reason: str | None, ids: ShopIds
) -> str | None:
    """Why the webhook means nothing, as `whose` said it, or better: a shop may come by another host
    than the one by which it is known."""
    if named.id is None or reason not in (None, UNTOLD):
        return reason
    if reason is None:
        if named.host:  # then the body names both, and is signed
            await ids.compare(shop, named.id)
        return None
    before = await ids.other_host(shop, named.id)
    if before is None:
        return reason
    log.warning("shop_has_another_host", shop=shop, before=before, shop_id=named.id)
    return BY_ANOTHER_HOST


def _told(one: Delivery, *, unread: bool) -> dict[str, str]:
    """What stands beside the body; of what may be translated later, also when it came."""
    headers = {**one.headers, "delivery": one.delivery}
    if one.payload is not None:
        headers[VIA] = EVENT_BRIDGE  # the body is EventBridge's envelope around the payload
    if unread:
        headers[RECEIVED] = one.received_at.isoformat()
    return headers


def _refs(one: Delivery, events: Sequence[NewEvent]) -> list[str]:
    persons = [person for new in events for person in new.event.persons()]
    # The delivery is a ref and not only a header of the cause: refs come with every commit that is
    # read, so a redelivery differs from SQS's own repeat without loading bodies.
    refs = [*(new.stream for new in events), *persons, delivery_ref(one.delivery)]
    return list(dict.fromkeys(refs))
