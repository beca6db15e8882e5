"""Counts what a shop uses against what its plan allows, as its log tells of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from cplus.actors import system
from cplus.clock import Clock
from cplus.events.aggregates.billing_account import BillingAccount, month_of
from cplus.events.base import Recorded
from cplus.events.catalogue.billing import SubscriptionChanged
from cplus.events.catalogue.conversations import (
    ConversationMarkedSpam,
    ConversationUnmarkedSpam,
)
from cplus.events.log.commit import Commit, Draft
from cplus.events.log.outcomes import Outcome
from cplus.events.log.store import EventStore
from cplus.events.names import billing_stream, counted_claim, given_back_ref, started_ref
from cplus.events.recording import Recorder
from cplus.events.repository import decided

log = structlog.get_logger()

MANY: Final = 1_000_000
"""More conversations than are counted one by one."""


@dataclass(frozen=True, slots=True)
class Allowances:
    """What counting needs."""

    recorder: Recorder
    free_conversations: int
    """What an account that is opened now allows in a month."""
    clock: Clock


async def count(commit: Commit, told: Recorded, *, use: Allowances) -> Outcome | None:
    """A conversation began, or is spam, or is not after all: lets the account decide whether that
    reaches what it allows, or frees it; answers what was decided, None if nothing was.

    Doing it again changes nothing and answers the same. Opens the account of a shop that
    installed the app before there were accounts. Raises DecisionOvertaken, OutcomeUnknown.
    """
    shop, month = commit.shop, _month(told)
    if month is None:
        return None
    claim = counted_claim(told.id)
    frees = isinstance(told.event, ConversationMarkedSpam)

    async def decide() -> Draft | None:
        account = await _counted(shop, month, use, frees=frees)
        events = decided(account)
        if not events:
            return None
        return Draft(
            shop=shop,
            claim=claim,
            source="allowance",
            actor=system("allowances"),
            events=events,
            refs=[account.id],
            correlation_id=commit.correlation,
            causation_id=commit.id,
        )

    outcome = await use.recorder.record(shop, claim, decide)
    if outcome is not None:
        log.info("allowance_decided", shop=shop, position=outcome.position)
    return outcome


def _month(told: Recorded) -> str | None:
    """The month of which a place is taken or given back; None if none is."""
    match told.event:
        case ConversationMarkedSpam() | ConversationUnmarkedSpam() as spam:
            return spam.month
    return month_of(told.occurred_at)


async def used(store: EventStore, shop: str, month: str, most: int = MANY) -> int:
    """How many conversations have a place of that month's allowance, up to `most`."""
    given_back = await store.count_ref(shop, given_back_ref(month), MANY)
    return await store.count_ref(shop, started_ref(month), most + given_back) - given_back


async def _counted(shop: str, month: str, use: Allowances, *, frees: bool) -> BillingAccount:
    account: BillingAccount = await use.recorder.load(BillingAccount, shop, billing_stream(shop))
    account.open(conversations=use.free_conversations, now=use.clock())
    reached = month in account.reached
    if reached != frees:  # it changes nothing of that
        return account
    most = account.conversations
    begun = await used(use.recorder.store, shop, month, most)
    account.count(
        month=month,
        started=begun,
        subscribed=not reached and begun >= most and await _subscribed(shop, use.recorder),
        now=use.clock(),
    )
    return account


async def _subscribed(shop: str, recorder: Recorder) -> bool:
    """Whether Shopify's newest word on any subscription is that it is active."""
    newest: dict[str, tuple[tuple[datetime, str], str]] = {}
    async for commit in recorder.store.iterate_ref(shop, billing_stream(shop)):
        for recorded in await recorder.reader.of(commit, SubscriptionChanged):
            told = recorded.event
            assert isinstance(told, SubscriptionChanged)  # noqa: S101  by its type
            at = (recorded.occurred_at, recorded.id)
            before = newest.get(told.subscription_id)
            if before is None or at > before[0]:
                newest[told.subscription_id] = (at, told.status)
    return any(status == "active" for _, status in newest.values())
