"""What is decided about a shop as a whole, in a stream of its own: settings, segments, saved
replies, team.

What was decided before the shop was erased counts no more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from cplus.actors import Actor, Source
from cplus.events.aggregates.of_shop import OfShop
from cplus.events.log.commit import Draft
from cplus.events.names import SHOP_ERASED_REF, claimed_stream, command_claim
from cplus.events.recording import Recorder
from cplus.events.repository import decided

T = TypeVar("T", bound=OfShop)


async def load_of_shop(kind: type[T], recorder: Recorder, shop: str, stream: str) -> T:
    """The aggregate by the shop's log."""
    [found] = await load_all_of_shop(recorder, shop, (kind, stream))
    loaded: T = found
    return loaded


async def load_all_of_shop(
    recorder: Recorder, shop: str, *wanted: tuple[type[OfShop], str]
) -> list[Any]:
    """The aggregates of these streams by the shop's log, by one query: every page loads some."""
    streams = [stream for _, stream in wanted]
    commits = await recorder.store.of_streams(shop, streams, [SHOP_ERASED_REF])
    erased = max((one.position for one in commits if SHOP_ERASED_REF in one.refs), default=0)
    found = []
    for kind, stream in wanted:
        own = [one for one in commits if stream in map(claimed_stream, one.claims)]
        aggregate = await recorder.made_of(kind, stream, own)
        if own and own[-1].position < erased:
            aggregate.forget()
        found.append(aggregate)
    return found


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
