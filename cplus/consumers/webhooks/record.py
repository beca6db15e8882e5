"""Records each webhook once, as it came, with the events that it means."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import structlog

from cplus import collector
from cplus.consumers.batches.messages import Batch, Item
from cplus.consumers.batches.sqs import SqsRecord
from cplus.consumers.webhooks.compliance import REQUIRED
from cplus.consumers.webhooks.deliveries import read
from cplus.consumers.webhooks.drafting import Drafted, Webhooks, cannot_be_stored, draft_of
from cplus.deadline import Deadline
from cplus.errors import CommitTooLarge, InvalidDraft
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import Appended, Outcome, settled
from cplus.events.log.store import EventStore
from cplus.events.names import DELIVERY_REF, delivery_ref
from cplus.events.recording import Recorder
from cplus.mongo import BulkWriteError, Collection, Database, duplicates
from cplus.privacy.joining import join, joins

log = structlog.get_logger()

REDELIVERIES: Final = "redeliveries"
"""The collection of deliveries whose webhook was recorded before."""

KEPT: Final = 30 * 24 * 3600
"""Seconds that a redelivery is remembered."""

_SIDE_BY_SIDE: Final = 50  # all of a batch, so that the directory is asked for all at once
_LARGE: Final = 16  # bodies from the bucket in memory at once, of 4 MB at most


class Unwritable(Exception):
    """No commit can hold the delivery, not even without its events."""


async def handle(records: Sequence[SqsRecord], use: Webhooks, limit: Deadline) -> list[str]:
    """Records the batch in one append; answers the ids of the messages that failed.

    What names no shop, and what could not be stored now, fails alone. What cannot be read or
    translated becomes a commit with no events and the reason; but what Shopify requires of every
    app fails, until it is a dead letter: somebody has to look. `limit` is when Lambda ends the
    function.
    """
    batch = Batch(records, limit, _SIDE_BY_SIDE)
    large = asyncio.Semaphore(_LARGE)
    # A batch makes many objects and few cycles.
    with collector.seldom():
        drafted = await batch.each(
            batch.read(lambda record: read(record, use.clock)),
            lambda delivery: draft_of(delivery, use, large),
            lambda delivery: {"shop": delivery.shop, "topic": delivery.topic},
        )
        outcomes = await _append(use.recorder, [item.value.draft for item in drafted])
    recorded = [
        Item(item.records, Drafted(item.value.delivery, item.value.draft, outcome))
        for item, outcome in zip(drafted, outcomes, strict=True)
    ]
    _log([item.value for item in recorded])
    done = await batch.each(
        [item for item in recorded if _is_unsettled(item.value)],
        lambda drafted: _settle(drafted, use),
        lambda drafted: {"shop": drafted.delivery.shop, "topic": drafted.delivery.topic},
    )
    again = [(item.records, item.value) for item in done if item.value is not None]
    if again:
        sent = [record for records, _ in again for record in records]
        rows = Item(sent, [row for _, row in again])
        await batch.each([rows], lambda rows: _remember(rows, use.redeliveries))
    return batch.failed


async def _append(recorder: Recorder, drafts: Sequence[Draft]) -> Sequence[Outcome | None]:
    """The outcome of each draft; None where no commit can hold it."""
    try:
        return await recorder.append(drafts)
    except (InvalidDraft, CommitTooLarge):
        # Nothing was written. What cannot be a commit goes in without its events.
        checked = [_checked(recorder.store, draft) for draft in drafts]
    outcomes = iter(await recorder.append([draft for draft in checked if draft is not None]))
    return [None if draft is None else next(outcomes) for draft in checked]


def _checked(store: EventStore, draft: Draft) -> Draft | None:
    """The draft as it can be written: as it is, or without its events, or not at all."""
    try:
        store.check(draft)
    except (InvalidDraft, CommitTooLarge) as error:
        if not draft.events or any(isinstance(one.event, REQUIRED) for one in draft.events):
            log.error("webhook_unwritable", shop=draft.shop, error=type(error).__name__)
            return None
        why = cannot_be_stored(error)
        refs = [ref for ref in draft.refs if ref.startswith(DELIVERY_REF)]
        return _checked(
            store, replace(draft, events=(), refs=refs, reason=why.words, code=why.code)
        )
    return draft


def _log(recorded: Sequence[Drafted]) -> None:
    """Logs what was recorded in each shop, in one line: what came is in the log itself."""
    topics, positions = defaultdict[str, Counter[str]](Counter), dict[str, int]()
    for one in recorded:
        if isinstance(one.outcome, Appended):
            topics[one.draft.shop][one.delivery.topic] += 1
            positions[one.draft.shop] = one.outcome.position
    for shop, position in positions.items():
        log.info("webhooks_recorded", shop=shop, topics=dict(topics[shop]), position=position)


def _is_unsettled(recorded: Drafted) -> bool:
    """Whether more is to be done than to record it."""
    return not isinstance(recorded.outcome, Appended) or bool(joins(recorded.draft))


async def _settle(recorded: Drafted, use: Webhooks) -> dict[str, Any] | None:
    """Does what is to be done once the outcome is known; returns the row that remembers it, if it
    is a redelivery."""
    if recorded.outcome is None:
        raise Unwritable
    one, outcome = recorded.delivery, settled(recorded.outcome)
    await join(use.recorder.reader, recorded.draft, outcome, use.persons.join)
    if isinstance(outcome, Appended) or delivery_ref(one.delivery) in outcome.commit.refs:
        return None
    log.info("webhook_redelivered", shop=one.shop, topic=one.topic, position=outcome.position)
    return {
        "_id": f"{one.shop}/{one.topic}/{one.webhook_id}/{one.delivery}",
        "shop": one.shop,
        "topic": one.topic,
        "at": one.received_at,
    }


async def _remember(rows: Sequence[Mapping[str, Any]], redeliveries: Collection) -> None:
    try:
        await redeliveries.insert_many(rows, ordered=False)
    except BulkWriteError as error:
        duplicates(error)  # SQS gave us the same delivery again


async def ensure_indexes(database: Database) -> None:
    """Makes the index by which old redeliveries go."""
    await database[REDELIVERIES].create_index("at", expireAfterSeconds=KEPT, name="expiry")
