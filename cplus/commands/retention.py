"""A merchant decides for how long people are kept who only wrote."""

from __future__ import annotations

from typing import Final

from cplus.actors import Actor, Source
from cplus.commands.erasing import Erasures
from cplus.errors import InvalidInput
from cplus.events.base import NewEvent
from cplus.events.catalogue.privacy import RetentionSet
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import settled
from cplus.events.log.store import EventStore
from cplus.events.names import RETENTION_REF, SHOP_ERASED_REF, command_claim, shop_stream
from cplus.events.reader import EventReader
from cplus.wording import worded

LONGEST: Final = 120
"""Months at most."""


async def set_retention(
    shop: str, months: int | None, *, key: str, source: Source, actor: Actor, use: Erasures
) -> int:
    """Records for how many months people are kept who only wrote, None for ever; returns the
    position. The form with this `key` counts once. Raises InvalidInput and OutcomeUnknown."""
    if months is not None and not 1 <= months <= LONGEST:
        raise InvalidInput(
            reason=worded("people are kept for 1 to %(most)s months, or for ever", most=LONGEST)
        )
    stream = shop_stream(shop)
    draft = Draft(
        shop=shop,
        claim=command_claim(key),
        source=source,
        actor=str(actor),
        events=[NewEvent(stream, RetentionSet(months=months), use.clock())],
        refs=[stream, RETENTION_REF],
    )
    [outcome] = await use.recorder.append([draft])
    return settled(outcome).position


async def retention_of(store: EventStore, reader: EventReader, shop: str) -> int | None:
    """For how many months people are kept who only wrote; None for ever. What was decided before
    the shop was erased counts no more."""
    newest = await store.by_ref(shop, RETENTION_REF, 1)
    if not newest:
        return None
    erased = await store.by_ref(shop, SHOP_ERASED_REF, 1)
    if erased and erased[0].position > newest[0].position:
        return None
    [recorded] = await reader.of(newest[0], RetentionSet)
    assert isinstance(recorded.event, RetentionSet)  # noqa: S101  the only one that was asked for
    return recorded.event.months
