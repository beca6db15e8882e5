"""What a merchant sets for the mail of their shop, and what is set by now."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date
from functools import partial

from cplus.actors import Actor, Source
from cplus.commands.conversations.answering import Conversations
from cplus.events.aggregates.hours import Interval
from cplus.events.aggregates.settings import ShopSettings
from cplus.events.log.commit import Draft
from cplus.events.log.store import EventStore
from cplus.events.names import SHOP_ERASED_REF, command_claim, person, settings_stream
from cplus.events.recording import Recorder
from cplus.events.repository import decided
from cplus.ids import random_id

Decision = Callable[[ShopSettings], None]


async def settings_of(recorder: Recorder, shop: str) -> ShopSettings:
    """What is set in the shop, by its log. What was set before the shop was erased counts no
    more."""
    stream = settings_stream(shop)
    settings: ShopSettings = await recorder.load(ShopSettings, shop, stream)
    if settings.version and await is_erased_since(recorder.store, shop, stream):
        settings.forget()
    return settings


async def set_signature(
    shop: str,
    text: str,
    *,
    own: bool = False,
    key: str,
    source: Source,
    actor: Actor,
    use: Conversations,
) -> int | None:
    """Sets what stands below replies: below the shop's, or with `own` below those of this actor.

    Returns the position, None if nothing changed. The form with this `key` counts once. Raises
    InvalidInput, OutcomeUnknown and DecisionOvertaken.
    """
    decision = partial(
        ShopSettings.set_signature,
        text=text,
        user=actor.author if own else None,
        person=sealed_for(),
        now=use.clock(),
    )
    return await change(shop, decision, key=key, source=source, actor=actor, use=use)


async def set_hours(
    shop: str,
    week: Sequence[Sequence[Interval]],
    closed: Collection[date],
    *,
    key: str,
    source: Source,
    actor: Actor,
    use: Conversations,
) -> int | None:
    """Sets when the shop is open, as `ShopSettings.set_hours`; returns and raises as
    `set_signature`."""
    decision = partial(ShopSettings.set_hours, week=week, closed=closed, now=use.clock())
    return await change(shop, decision, key=key, source=source, actor=actor, use=use)


async def set_auto_reply(
    shop: str,
    *,
    away: bool,
    away_text: str,
    acknowledge: bool,
    acknowledge_text: str,
    key: str,
    source: Source,
    actor: Actor,
    use: Conversations,
) -> int | None:
    """Sets what the shop answers by itself, as `ShopSettings.set_auto_reply`; returns and raises as
    `set_signature`."""
    decision = partial(
        ShopSettings.set_auto_reply,
        away=away,
        away_text=away_text,
        acknowledge=acknowledge,
        acknowledge_text=acknowledge_text,
        person=sealed_for(),
        now=use.clock(),
    )
    return await change(shop, decision, key=key, source=source, actor=actor, use=use)


async def change(
    shop: str,
    decision: Decision,
    *,
    key: str,
    source: Source,
    actor: Actor,
    use: Conversations,
) -> int | None:
    """Records what the merchant decided about the shop's settings; returns the position, None if
    it changed nothing. The form with this `key` counts once. Raises what the decision does,
    OutcomeUnknown and DecisionOvertaken."""
    stream, claim = settings_stream(shop), command_claim(key)

    async def decide() -> Draft | None:
        settings = await settings_of(use.recorder, shop)
        decision(settings)
        events = decided(settings)
        if not events:
            return None
        return Draft(
            shop=shop,
            claim=claim,
            source=source,
            actor=str(actor),
            events=events,
            refs=[stream],
        )

    outcome = await use.recorder.record(shop, claim, decide)
    return None if outcome is None else outcome.position


def sealed_for() -> str:
    """Somebody new under whose key the words of a setting are sealed: nobody is known by it."""
    return person(random_id())


async def is_erased_since(store: EventStore, shop: str, stream: str) -> bool:
    """Whether the shop was erased after the last event of the stream."""
    erased = await store.by_ref(shop, SHOP_ERASED_REF, 1)
    if not erased:
        return False
    newest = await store.by_ref(shop, stream, 1)
    return bool(newest) and newest[0].position < erased[0].position
