"""What a merchant sets for their shop, most of it for its mail, and what is set by now."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date
from functools import partial

from cplus.actors import Actor, Source
from cplus.commands.conversations.answering import Conversations
from cplus.commands.shop_streams import change_of_shop, load_of_shop
from cplus.events.aggregates.hours import Interval
from cplus.events.aggregates.settings import ShopSettings
from cplus.events.names import person, settings_stream
from cplus.events.recording import Recorder
from cplus.ids import random_id

Decision = Callable[[ShopSettings], None]


async def settings_of(recorder: Recorder, shop: str) -> ShopSettings:
    """What is set in the shop, by its log. What was set before the shop was erased counts no
    more."""
    return await load_of_shop(ShopSettings, recorder, shop, settings_stream(shop))


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


async def set_lead_days(
    shop: str, days: int, *, key: str, source: Source, actor: Actor, use: Conversations
) -> int | None:
    """Sets when an order counts as bought after a conversation, as `ShopSettings.set_lead_days`;
    returns and raises as `set_signature`."""
    decision = partial(ShopSettings.set_lead_days, days=days, now=use.clock())
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
    stream, recorder = settings_stream(shop), use.recorder
    return await change_of_shop(
        *(ShopSettings, decision, shop, stream),
        key=key,
        source=source,
        actor=actor,
        recorder=recorder,
    )


def sealed_for() -> str:
    """Somebody new under whose key the words of a setting are sealed: nobody is known by it."""
    return person(random_id())
