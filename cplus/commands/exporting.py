"""A merchant exports what is kept about a person, which is recorded before they get any of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from cplus.actors import Actor, Source
from cplus.clock import Clock
from cplus.errors import NotFound
from cplus.events.base import NewEvent
from cplus.events.catalogue.privacy import DataRequested, ExportFormat, PersonExported
from cplus.events.log.commit import Commit, Draft
from cplus.events.log.outcomes import settled
from cplus.events.names import data_request_stream, export_claim
from cplus.events.recording import Recorder
from cplus.ids import random_id
from cplus.privacy.all_ids import FindAllIds


@dataclass(frozen=True, slots=True)
class Exports:
    """What this command needs."""

    recorder: Recorder
    all_ids: FindAllIds
    clock: Clock


async def export_person(
    shop: str,
    person: str,
    *,
    file: ExportFormat,
    actor: Actor,
    source: Source,
    use: Exports,
    request_id: int | None = None,
) -> list[str]:
    """Records that somebody gets what is kept about a person, and which request it answers; returns
    every id of the person. Each export is one of its own, also if it is repeated.

    Raises NotFound if the shop's log does not name the person, or has no such request of theirs,
    and OutcomeUnknown: then nothing may be handed out.
    """
    if not await use.recorder.store.by_ref(shop, person, 1):
        raise NotFound(what="person")
    # The read model may be parked or behind: it is not asked who turned out to be the same.
    ids = await use.all_ids(shop, [person])
    asked = None if request_id is None else await _request(shop, request_id, ids, use)
    event = PersonExported(person=person, request_id=request_id, format=file)
    draft = Draft(
        shop=shop,
        claim=export_claim(random_id()),
        source=source,
        actor=str(actor),
        events=[NewEvent(person, event, use.clock())],
        refs=[person, *([data_request_stream(request_id)] if request_id is not None else [])],
        correlation_id=asked.correlation if asked else None,
        causation_id=asked.id if asked else None,
    )
    [outcome] = await use.recorder.append([draft])
    settled(outcome)
    return ids


async def _request(shop: str, request_id: int, ids: Collection[str], use: Exports) -> Commit:
    """The commit of the request, which must be one of the person with these ids."""
    # The exports that answered it before have the ref too.
    stream = data_request_stream(request_id)
    for commit in await use.recorder.store.page_of_ref(shop, stream, limit=1):
        for recorded in await use.recorder.reader.of(commit, DataRequested):
            if isinstance(recorded.event, DataRequested) and recorded.event.person in ids:
                return commit
    raise NotFound(what="request")
