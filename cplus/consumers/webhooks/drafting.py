"""Makes the commit that a webhook is to become: as it came, with the events that it means."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, Protocol

import structlog

from cplus.clock import Clock
from cplus.consumers.erased_shops import ErasedShops
from cplus.consumers.shopify_facts import Resolve
from cplus.consumers.webhooks.deliveries import EVENT_BRIDGE, RECEIVED, VIA, Delivery
from cplus.consumers.webhooks.meaning import Asking, meaning, note
from cplus.consumers.webhooks.uninstalls import AskStanding
from cplus.consumers.webhooks.whose import AskShopId
from cplus.envelopes import Stored
from cplus.errors import CommitTooLarge, InvalidDraft, InvalidInput
from cplus.events.base import Cause, NewEvent
from cplus.events.causes import cause_of
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import Outcome
from cplus.events.names import delivery_ref
from cplus.events.reasons import Code, Reason
from cplus.events.recording import Recorder
from cplus.mongo import Collection
from cplus.privacy.mentions import Mentions, Named, mentions
from cplus.shopify.contacts import Contacts
from cplus.shopify.shop_ids import ShopIds
from cplus.shopify.webhooks import is_required

log = structlog.get_logger()

_FAULTS: Final = (Code.UNREADABLE, Code.FAILED)


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

    async def named(self, shop: str, told: Mentions) -> Named:
        """Whom a body names."""


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
        log.warning("webhook_of_erased_shop", shop=one.shop, topic=one.topic, reason=reason.words)
        cause = Cause("webhook", headers=_told(one, unread=False))
        return Drafted(one, to_record(one, (), cause, reason))
    if one.stored is None:
        return await read_draft(one, one.body or b"", use)
    async with large:
        return await read_draft(one, await use.bodies.get(one.shop, one.stored), use)


async def erased_before(one: Delivery, use: Webhooks) -> Reason | None:
    """Why nothing is kept of it, as the shop was erased; None if it is."""
    # The erasure of a shop names nobody, and may come once more while it is not erased.
    if one.topic == "shop/redact":
        return None
    return await use.erased.objection(one.shop, one.triggered_at or one.received_at)


async def read_draft(one: Delivery, body: bytes, use: Webhooks) -> Drafted:
    """The commit of a delivery whose bytes these are; raises as `draft_of` does."""
    found = await meaning(one, body, asking(use))
    if found.reason and found.reason.code in _FAULTS and is_required(one.topic):
        raise InvalidInput(reason=found.reason.words)
    await note(one, found, use.ids, use.contacts)
    if found.reason:
        log.warning(
            "webhook_untranslated", shop=one.shop, topic=one.topic, reason=found.reason.words
        )
    headers = _told(one, unread=not found.events)
    cause = await cause_of(
        "webhook", one.shop, body, use.bodies, headers=headers, stored=one.stored
    )
    draft = to_record(one, found.events, cause, found.reason)
    named = await use.persons.named(one.shop, mentions(body).besides(found.events))
    # What names nobody, or nobody who is known for sure, is kept for 30 days.
    strangers = named.strangers or not draft.persons()
    return Drafted(one, replace(draft, about=named.persons, strangers=strangers))


def asking(use: Webhooks) -> Asking:
    """Whom is asked about a webhook that came."""
    return Asking(
        resolve=use.persons.resolve,
        shop_id=use.shop_id,
        standing=use.standing,
        other_host=use.ids.other_host,
        recorder=use.recorder,
    )


def cannot_be_stored(error: InvalidDraft | CommitTooLarge) -> Reason:
    """Why a webhook has no event whose events no commit can hold."""
    return Reason(Code.TOO_LARGE, f"its events cannot be stored ({type(error).__name__})")


def to_record(
    one: Delivery, events: Sequence[NewEvent], cause: Cause, reason: Reason | None
) -> Draft:
    """The commit of a delivery."""
    return Draft(
        shop=one.shop,
        claim=one.claim,
        source="webhook",
        actor="shopify",
        events=events,
        cause=cause,
        refs=_refs(one, events),
        correlation_id=one.headers.get("x-shopify-event-id"),
        reason=reason.words if reason else None,
        code=reason.code if reason else None,
    )


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
