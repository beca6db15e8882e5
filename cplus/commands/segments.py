"""Segments of customers: saved, removed, and downloaded.

Each returns the position, None if nothing changed; the form with the `key` counts once. Raises
InvalidInput, OutcomeUnknown and DecisionOvertaken.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cplus.actors import Actor, Source
from cplus.commands.conversations.answering import Conversations
from cplus.commands.mail_settings import sealed_for
from cplus.commands.shop_streams import change_of_shop, load_of_shop
from cplus.events.aggregates.segments import Segments
from cplus.events.names import segments_stream
from cplus.events.recording import Recorder
from cplus.events.segment import Definition
from cplus.ids import derived


async def segments_of(recorder: Recorder, shop: str) -> Segments:
    """The segments of the shop, by its log. Those from before the shop was erased are gone."""
    return await load_of_shop(Segments, recorder, shop, segments_stream(shop))


async def save_segment(
    shop: str,
    name: str,
    definition: Definition,
    *,
    segment: str | None = None,
    key: str,
    actor: Actor,
    source: Source,
    use: Conversations,
) -> int | None:
    """Saves a segment, a new one unless the id of one is given; the id of a new one follows from
    the key."""
    decision = partial(
        Segments.save,
        segment=segment or derived("segment", shop, key)[:12],
        name=name,
        definition=definition,
        person=sealed_for(),
        now=use.clock(),
    )
    return await _change(shop, decision, key=key, actor=actor, source=source, use=use)


async def remove_segment(
    shop: str, segment: str, *, key: str, actor: Actor, source: Source, use: Conversations
) -> int | None:
    """Removes a segment."""
    decision = partial(Segments.remove, segment=segment, now=use.clock())
    return await _change(shop, decision, key=key, actor=actor, source=source, use=use)


async def note_export(
    shop: str,
    definition: Definition,
    customers: int,
    *,
    key: str,
    actor: Actor,
    source: Source,
    use: Conversations,
) -> int | None:
    """Records that somebody gets these customers as a file: before they get it."""
    decision = partial(
        Segments.note_export,
        definition=definition,
        customers=customers,
        person=sealed_for(),
        now=use.clock(),
    )
    return await _change(shop, decision, key=key, actor=actor, source=source, use=use)


async def _change(
    shop: str,
    decision: Callable[[Segments], None],
    *,
    key: str,
    actor: Actor,
    source: Source,
    use: Conversations,
) -> int | None:
    stream, recorder = segments_stream(shop), use.recorder
    return await change_of_shop(
        *(Segments, decision, shop, stream),
        key=key,
        source=source,
        actor=actor,
        recorder=recorder,
    )
