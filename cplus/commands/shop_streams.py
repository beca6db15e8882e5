"""What is decided about a shop as a whole, in a stream of its own: settings, segments, saved
replies, team.

What was decided before the shop was erased counts no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from cplus.actors import Actor, Source
from cplus.events.aggregates.of_shop import OfShop
from cplus.events.log.commit import Draft
from cplus.events.names import SHOP_ERASED_REF, command_claim
from cplus.events.recording import Recorder
from cplus.events.repository import decided

T = TypeVar("T", bound=OfShop)


async def load_of_shop(kind: type[T], recorder: Recorder, shop: str, stream: str) -> T:
    """The aggregate by the shop's log."""
    # Every page loads some: it waits for both at once.
    found, erased = await asyncio.gather(
        recorder.load(kind, shop, stream), recorder.store.by_ref(shop, SHOP_ERASED_REF, 1)
    )
    if found.version and erased:
        newest = await recorder.store.by_ref(shop, stream, 1)
        if newest and newest[0].position < erased[0].position:
            found.forget()
    loaded: T = found
    return loaded


async def change_of_shop(
    kind: type[T],
    decision: Callable[[T], None],
    shop: str,
    stream: str,
    *,
    key: str,
    source: Source,
    actor: Actor,
    recorder: Recorder,
) -> int | None:
    """Records what was decided; returns the position, None if it changed nothing. The form with
    this `key` counts once. Raises what the decision does, OutcomeUnknown and DecisionOvertaken."""
    claim = command_claim(key)

    async def decide() -> Draft | None:
        found = await load_of_shop(kind, recorder, shop, stream)
        decision(found)
        events = decided(found)
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

    outcome = await recorder.record(shop, claim, decide)
    return None if outcome is None else outcome.position
