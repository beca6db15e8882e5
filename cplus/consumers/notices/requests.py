"""Whether the merchant still has to answer a customer's request for their data, by the log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cplus.consumers.erased_shops import is_removed
from cplus.events.base import Event, Recorded
from cplus.events.catalogue.mail import MailBounced, MailComplained
from cplus.events.catalogue.privacy import (
    DataRequested,
    NoticeBounced,
    NoticeComplained,
    PersonErased,
    PersonExported,
)
from cplus.events.log.commit import Commit
from cplus.events.log.store import EventStore
from cplus.events.names import SHOP_ERASED_REF, data_request_stream
from cplus.events.recording import Recorder
from cplus.mail import normal_address, parse_event

_BATCH: Final = 50
_REFUSING: Final[tuple[type[Event], ...]] = (
    MailBounced,
    MailComplained,
    NoticeBounced,
    NoticeComplained,
)

ERASED_SHOP: Final = "the shop was erased"
ANSWERED: Final = "the request was answered before"
OVERDUE: Final = "the time to answer the request was over"
REMOVED: Final = "the app was removed from the shop"
ERASED: Final = "the customer was erased"


@dataclass(frozen=True, slots=True)
class DataRequest:
    """A customer's request, as it was first told."""

    commit: Commit
    id: int
    person: str
    due_at: datetime


async def find_request(recorder: Recorder, shop: str, request_id: int) -> DataRequest | None:
    """The request; None if the shop's log has none with this number. Shopify may tell of one by two
    webhooks: it is due by the first."""
    found: list[tuple[Recorded, Commit]] = []
    stream = data_request_stream(request_id)  # of one request alone, also as a ref
    async for commit in recorder.store.iterate_ref(shop, stream, batch=_BATCH):
        found += [(one, commit) for one in await _events(recorder, commit, DataRequested)]
    if not found:
        return None
    first, commit = min(found, key=lambda one: one[0].occurred_at)
    asked = first.event
    assert isinstance(asked, DataRequested)  # noqa: S101  all that was read
    return DataRequest(commit, request_id, asked.person, asked.due_at)


async def objection(
    recorder: Recorder, shop: str, request: DataRequest, now: datetime
) -> str | None:
    """Why the merchant needs no mail about the request any more; None if one helps."""
    if now >= request.due_at:
        return OVERDUE
    store = recorder.store
    erased = await store.by_ref(shop, SHOP_ERASED_REF, 1)
    if erased and erased[0].position > request.commit.position:
        return ERASED_SHOP
    if await is_removed(shop, recorder):
        return REMOVED
    async for commit in store.iterate_ref(shop, data_request_stream(request.id), batch=_BATCH):
        if await _events(recorder, commit, PersonExported):
            return ANSWERED
    return ERASED if await _is_erased(store, recorder, shop, request.person) else None


async def refusing_addresses(recorder: Recorder, shop: str, request_id: int) -> set[str]:
    """The addresses at which a mail about the request bounced for good or was marked as spam, as
    far as what SES told of that can still be read. No event names an address."""
    store, found = recorder.store, set[str]()
    async for commit in store.iterate_ref(shop, data_request_stream(request_id), batch=_BATCH):
        events = [one for kind in _REFUSING for one in await _events(recorder, commit, kind)]
        if not any(getattr(one.event, "permanent", True) for one in events):
            continue
        told = await store.by_claim(shop, commit.claims[0], cause=True)
        [cause] = await recorder.reader.causes([told] if told else [])
        if cause is not None and cause.body is not None:
            sent_to = parse_event(cause.body.decode()).sent_to
            found.update(filter(None, map(normal_address, sent_to)))
    return found


async def _is_erased(store: EventStore, recorder: Recorder, shop: str, person: str) -> bool:
    # An erasure names each id of a person. It is among the last of what is known of them.
    async for commit in store.iterate_ref(shop, person, newest_first=True, batch=_BATCH):
        for recorded in await _events(recorder, commit, PersonErased):
            if getattr(recorded.event, "person") == person:  # noqa: B009  it has one
                return True
    return False


async def _events(
    recorder: Recorder,
    commit: Commit,
    kind: type[Event],
) -> list[Recorded]:
    """The events of this class in the commit, whose personal fields stay closed."""
    if kind.TYPE not in commit.types:
        return []
    [events] = await recorder.reader.read([commit], [kind], opened=False)
    return events
