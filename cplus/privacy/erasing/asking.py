"""Somebody asks that a person be erased: the first event of every erasure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from cplus.errors import NotFound
from cplus.events.base import Event, NewEvent
from cplus.events.catalogue.privacy import ErasureRequested, ShopErasureRequested
from cplus.events.log.commit import Commit, Draft
from cplus.events.log.outcomes import settled
from cplus.events.log.store import EventStore
from cplus.events.names import erasure_claim, erasure_stream
from cplus.events.reader import EventReader, in_batches
from cplus.events.recording import Recorder
from cplus.privacy.erasing.listing import list_named

DONE_WITHIN: Final = timedelta(days=30)
"""How long an erasure may take, and the answer to a customer who asks for their data. Source:
Shopify, "Mandatory compliance webhooks"."""

_BATCH: Final = 200


class Asked(NamedTuple):
    """An erasure that was asked for."""

    erasure: str
    person: str
    at: datetime
    commit: Commit
    """The commit that asks for it."""


async def ask(
    recorder: Recorder,
    shop: str,
    person: str,
    *,
    erasure: str,
    source: str,
    actor: str,
    at: datetime,
) -> int:
    """Records that the person is to be erased, and answers the position; asked again for the same
    erasure, it is the same one. Raises OutcomeUnknown."""
    event = ErasureRequested(erasure=erasure, person=person, due_at=at + DONE_WITHIN)
    return await _ask(recorder, shop, erasure, event, [person], source, actor, at)


async def ask_for_shop(
    recorder: Recorder, shop: str, *, erasure: str, source: str, actor: str, at: datetime
) -> int:
    """Records that the shop is to be erased, and answers the position; asked again for the same
    erasure, it is the same one. Raises OutcomeUnknown."""
    event = ShopErasureRequested(erasure=erasure, due_at=at + DONE_WITHIN)
    return await _ask(recorder, shop, erasure, event, [], source, actor, at)


async def _ask(
    recorder: Recorder,
    shop: str,
    erasure: str,
    event: Event,
    refs: Sequence[str],
    source: str,
    actor: str,
    at: datetime,
) -> int:
    stream = erasure_stream(erasure)
    draft = Draft(
        shop=shop,
        claim=erasure_claim(erasure, "requested"),
        source=source,
        actor=actor,
        events=[NewEvent(stream, event, at)],
        refs=[stream, *refs],
    )
    [outcome] = await recorder.append([draft])
    return settled(outcome).position


async def asked_for(store: EventStore, reader: EventReader, shop: str, erasure: str) -> Asked:
    """The request for this erasure; raises NotFound."""
    for one in await _asked(store, reader, shop, erasure_stream(erasure)):
        if one.erasure == erasure:
            return one
    raise NotFound(what="erasure")


async def asked_before(
    store: EventStore, reader: EventReader, shop: str, person: str, persons: Collection[str]
) -> Asked | None:
    """The last erasure of somebody with one of these ids that counts for `person`, who is one of
    them: it was asked for of this id, or erased it, or goes on.

    Who was joined with somebody only after their erasure is not erased by it.
    """
    found = [one for ref in persons for one in await _asked(store, reader, shop, ref)]
    for one in sorted(found, key=lambda one: one.commit.position, reverse=True):
        if one.person == person:
            return one
        if one.person in persons:
            named = await list_named(store, reader, shop, one.erasure)
            if named.completed is None or person in named.by_id:
                return one
    return None


async def _asked(store: EventStore, reader: EventReader, shop: str, ref: str) -> list[Asked]:
    found: list[Asked] = []
    async for batch in in_batches(store.iterate_ref(shop, ref, batch=_BATCH), _BATCH):
        events = await reader.read(batch, [ErasureRequested], opened=False)
        for commit, one in zip(batch, events, strict=True):
            for recorded in one:
                event = recorded.event
                if isinstance(event, ErasureRequested):
                    asked = Asked(event.erasure, event.person, recorded.occurred_at, commit)
                    found.append(asked)
    return found
