"""What tests of the runner and of those around it fold: a projection that shows what is folded
twice, a shop, and how something is told to it."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar

from cplus.aws import Aws, Queue
from cplus.consumers.batches.sqs import SqsRecord, records
from cplus.consumers.folding.rebuilding import handle
from cplus.deadline import Deadline
from cplus.events.base import Event, NewEvent, Recorded
from cplus.events.catalogue import Catalogue, all_events
from cplus.events.catalogue.imports import ImportPageLoaded
from cplus.events.catalogue.shops import AppUninstalled
from cplus.events.log.commit import Draft
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.projections.base import Counts, Projection, Row
from cplus.projections.running.runner import Runner

SHOP = "acorn.myshopify.com"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


class GiftWrapped(Event):
    """An event that an older release does not know."""

    TYPE: ClassVar[str] = "gift.wrapped"
    FAMILY: ClassVar[str] = "gifts"


WITH_GIFTS = EventReader(Catalogue([*all_events(), GiftWrapped]))
"""Of a release that knows the event."""


def count(_key: str, row: Row | None, event: Recorded) -> Row | None:
    """Deliberately not idempotent: an event that is folded twice shows."""
    before = row or {"events": 0, "last": 0}
    return {"events": before["events"] + 1, "last": event.number}


def fails(_key: str, _row: Row | None, _event: Recorded) -> Row | None:
    """A fold with a fault: it parks every shop."""
    raise ZeroDivisionError


def tally(rows: Mapping[str, Row]) -> Mapping[str, int]:
    """How many rows there are, and the events that they have counted."""
    return {"rows": len(rows), "events": sum(row["events"] for row in rows.values())}


COUNTER = Projection(
    name="counter",
    version=1,
    handles=frozenset({AppUninstalled, ImportPageLoaded}),
    passes=frozenset({"shops"}),
    keys=lambda event: ["all", f"mod/{event.number % 3}"],
    evolve=count,
    counts=Counts(tally),
)


async def write(store: EventStore, *events: Event, shop: str = SHOP, per_commit: int = 1) -> None:
    """Tells the events to the log, so many in a commit."""
    start = (await store.head(shop)).position
    groups = [events[i : i + per_commit] for i in range(0, len(events), per_commit)]
    await store.append(
        [
            Draft(
                shop=shop,
                claim=f"test/{start + number}",
                source="webhook",
                actor="shopify",
                events=[NewEvent(f"shop/{shop}", event, NOW) for event in group],
            )
            for number, group in enumerate(groups, start=1)
        ]
    )


def nudge(position: Any, shop: str = SHOP, message_id: str = "n1") -> SqsRecord:
    """The message that tells of a commit."""
    body = json.dumps({"shop": shop, "position": position})
    return SqsRecord(message_id, body, "project-test", {})


def soon() -> Deadline:
    """A deadline that no test comes to."""
    return Deadline.within(60)


class Killed(BaseException):
    """The process is gone."""


HURRIED = (False, True)
"""Every other function has no time left."""


def _leaping() -> Callable[[], float]:
    """A clock on which ten seconds pass with each look at it."""
    return itertools.count(0.0, 10.0).__next__


@asynccontextmanager
async def on_lambda(
    aws: Aws, url: str, runner: Runner, queue: Queue, in_time: Iterable[bool] = (True,)
) -> AsyncIterator[None]:
    """Reads the queue as Lambda does; what failed or was killed comes back at once. `in_time` says
    of one message after the other, again and again, whether there is time for it."""
    sqs, times = await aws.client("sqs"), itertools.cycle(in_time)

    async def read() -> None:
        while True:
            answer = await sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)
            for message in answer.get("Messages", []):
                taken = {"messageId": message["MessageId"], "body": message["Body"]}
                try:
                    limit = soon() if next(times) else Deadline(50.0, _leaping())
                    batch = records({"Records": [taken]})
                    done = not await handle(batch, runner, queue.send, limit)
                except Killed:
                    done = False
                handle_of = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
                if done:
                    await sqs.delete_message(**handle_of)
                else:
                    await sqs.change_message_visibility(**handle_of, VisibilityTimeout=0)

    readers = [asyncio.create_task(read()) for _ in range(2)]
    try:
        yield
    finally:
        for reader in readers:
            reader.cancel()
        for outcome in await asyncio.gather(*readers, return_exceptions=True):
            assert isinstance(outcome, asyncio.CancelledError), outcome
