"""Counts what a shop uses against what its plan allows, as its log tells of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog

from cplus.actors import system
from cplus.clock import Clock
from cplus.events.aggregates.billing_account import BillingAccount, month_of
from cplus.events.base import Recorded
from cplus.events.catalogue.billing import SubscriptionChanged
from cplus.events.log.commit import Commit, Draft
from cplus.events.log.outcomes import Outcome
from cplus.events.names import billing_stream, counted_claim, started_ref
from cplus.events.recording import Recorder
from cplus.events.repository import decided

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Allowances:
    """What counting needs."""

    recorder: Recorder
    free_conversations: int
    """What an account that is opened now allows in a month."""
    clock: Clock


async def count(commit: Commit, started: Recorded, *, use: Allowances) -> Outcome | None:
    """A conversation began: lets the account decide whether that reaches what it allows;
    answers what was decided, None if nothing was.

    Doing it again changes nothing and answers the same. Opens the account of a shop that
    installed the app before there were accounts. Raises DecisionOvertaken, OutcomeUnknown.
    """
    shop, month = commit.shop, month_of(started.occurred_at)
    claim = counted_claim(started.id)

    async def decide() -> Draft | None:
        account = await _counted(shop, month, use)
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


async def _counted(shop: str, month: str, use: Allowances) -> BillingAccount:
    account: BillingAccount = await use.recorder.load(BillingAccount, shop, billing_stream(shop))
    account.open(conversations=use.free_conversations, now=use.clock())
    if month in account.reached:
        return account
    most = account.conversations
    begun = await use.recorder.store.count_ref(shop, started_ref(month), most)
    account.count(
        month=month,
        started=begun,
        subscribed=begun >= most and await _subscribed(shop, use.recorder),
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
