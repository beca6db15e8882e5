"""Follows each shop's log from a checkpoint of its own and hands out what new events ask for.

It does nothing itself: importing and sending have queues of their own, whose work may come
twice. So an event may be handed out twice, and never not at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

import structlog

from cplus.clock import Clock
from cplus.consumers.sqs import SqsRecord
from cplus.errors import InvalidInput, UnknownEvent
from cplus.events.base import Event, Recorded
from cplus.events.catalogue import (
    CATALOGUE,
    AppInstalled,
    AppUninstalled,
    Catalogue,
    ConversationClosed,
    ConversationReopened,
    ConversationStarted,
    CustomerChanged,
    CustomerConsentChanged,
    CustomerDeleted,
    CustomerImported,
    ImportEnded,
    ImportPageLoaded,
    ImportStarted,
    MailBounced,
    MailComplained,
    MailDelivered,
    MailRejected,
    MailSent,
    MessageReceived,
    OrderChanged,
    OrderDeleted,
    PersonsJoined,
    ReplyWritten,
    ShopChanged,
    SubscriptionChanged,
)
from cplus.events.commit import Commit
from cplus.events.store import EventStore
from cplus.mongo import Collection, DuplicateKeyError
from cplus.shopify.hosts import shop_host

log = structlog.get_logger()

NAME: Final = "react"
VERSION: Final = 1
BATCH: Final = 200
"""Commits between two moves of the checkpoint."""

HANDLES: Final[frozenset[type[Event]]] = frozenset({AppInstalled, AppUninstalled, ReplyWritten})
IGNORES: Final[frozenset[type[Event]]] = frozenset(
    {
        *(ConversationClosed, ConversationReopened, ConversationStarted, CustomerChanged),
        *(CustomerConsentChanged, CustomerDeleted, CustomerImported, ImportEnded),
        *(ImportPageLoaded, ImportStarted, MailBounced, MailComplained, MailDelivered),
        *(MailRejected, MailSent, MessageReceived, OrderChanged, OrderDeleted, PersonsJoined),
        *(ShopChanged, SubscriptionChanged),
    }
)
_HANDLED: Final = frozenset(event.TYPE for event in HANDLES)
_IGNORED: Final = frozenset(event.TYPE for event in IGNORES)
_SIDE_BY_SIDE: Final = 8


class Send(Protocol):
    """Puts a message on a queue."""

    async def __call__(self, queue: str, message: Mapping[str, Any], *, group: str) -> None:
        """`queue` is its URL, `group` the shop. Raises whatever the queue raises."""


@dataclass(frozen=True, slots=True)
class Reactor:
    """What the reactions work with."""

    store: EventStore
    checkpoints: Collection
    send: Send
    import_queue: str
    send_queue: str
    forget: Callable[[str, datetime], Awaitable[None]]
    """Drops the access tokens of a shop that were saved before the moment."""
    clock: Clock
    catalogue: Catalogue = CATALOGUE


@dataclass(frozen=True, slots=True)
class Followed:
    """How far a shop's log was followed."""

    position: int
    parked: bool = False
    """Whether an event of unknown meaning stands right behind that position."""


async def handle(records: Sequence[SqsRecord], use: Reactor) -> list[str]:
    """Follows each shop that the nudges name; answers the ids of the messages that failed.

    Failed are: no nudge, a hand-out that a queue refused, and a nudge that tells of a position
    which the log does not show yet. A parked shop is no failure: the sweep asks for it again.
    """
    failed: list[str] = []
    nudged: dict[str, list[tuple[int, str]]] = {}
    for record in records:
        try:
            shop, position = _nudge(record)
        except InvalidInput as error:
            log.error("nudge_unreadable", message_id=record.message_id, reason=str(error))
            failed.append(record.message_id)
        else:
            nudged.setdefault(shop, []).append((position, record.message_id))
    places = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def attempt(shop: str) -> Followed:
        async with places:
            try:
                return await follow(shop, use)
            except Exception as error:  # noqa: BLE001  one shop must not hold up the others
                log.warning("react_failed", shop=shop, error=type(error).__name__)
                return Followed(-1)

    for shop, followed in zip(nudged, await asyncio.gather(*map(attempt, nudged)), strict=True):
        failed += [
            message_id
            for position, message_id in nudged[shop]
            if followed.position < position and not followed.parked
        ]
    return failed


def _nudge(record: SqsRecord) -> tuple[str, int]:
    message = record.json()
    position = message.get("position")
    if not isinstance(position, int) or isinstance(position, bool):
        raise InvalidInput(reason="the nudge names no position")
    return shop_host(message.get("shop")), position


async def follow(shop: str, use: Reactor) -> Followed:
    """Hands out everything of the shop's log behind its checkpoint, and moves the checkpoint.

    Raises what a queue raises; the checkpoint then stands before what was not handed out. Who
    loses the race for the checkpoint reads it again.
    """
    while True:
        row = await use.checkpoints.find_one({"_id": f"{NAME}/{shop}"})
        position: int = row["position"] if row else 0
        commits = await use.store.read(shop, position, BATCH)
        if not commits:
            return Followed(position)
        wanted, known, unknown = _read(commits, use.catalogue)
        await _hand_out(shop, wanted, use)
        parked = _parked(unknown, row, use.clock()) if unknown else None
        last = known[-1] if known else None
        if not await _move(shop, row, last, parked, use):
            continue
        if parked:
            log.error("react_parked", shop=shop, at=parked["position"], type=parked["type"])
            return Followed(last.position if last else position, parked=True)


def _read(
    commits: Sequence[Commit], catalogue: Catalogue
) -> tuple[list[Recorded], list[Commit], tuple[Commit, UnknownEvent] | None]:
    """What is to be handed out, the commits that are understood, and the first that is not."""
    wanted: list[Recorded] = []
    for number, commit in enumerate(commits):
        events = []
        for index, document in enumerate(commit.documents):
            if document["type"] in _IGNORED:
                continue
            try:
                if document["type"] not in _HANDLED:
                    raise UnknownEvent(type=document["type"], schema=document["schema"])
                events.append(commit.event(index, catalogue))
            except UnknownEvent as error:
                return wanted, list(commits[:number]), (commit, error)
        wanted += events
    return wanted, list(commits), None


async def _hand_out(shop: str, events: Sequence[Recorded], use: Reactor) -> None:
    places = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def one(recorded: Recorded) -> None:
        async with places:
            await _react(shop, recorded, use)

    answers = await asyncio.gather(*map(one, events), return_exceptions=True)
    for answer in answers:  # raised only when all have ended: nothing is left running
        if isinstance(answer, BaseException):
            raise answer


async def _react(shop: str, recorded: Recorded, use: Reactor) -> None:
    match recorded.event:
        case AppInstalled():
            # Named by the event: handing it out twice asks for one import.
            import_id = recorded.id.replace("/", "-")
            message = {"shop": shop, "import_id": import_id, "cursor": None, "page": 1}
            await use.send(use.import_queue, message, group=shop)
        case ReplyWritten() as reply:
            message = {"shop": shop, "message_id": reply.message_id}
            await use.send(use.send_queue, message, group=shop)
        case AppUninstalled():
            await use.forget(shop, recorded.occurred_at)
    log.info("handed_out", shop=shop, position=recorded.position, type=recorded.event.TYPE)


def _parked(
    unknown: tuple[Commit, UnknownEvent], row: Mapping[str, Any] | None, now: datetime
) -> dict[str, Any]:
    commit, error = unknown
    before = (row or {}).get("parked") or {}
    again = before.get("position") == commit.position
    return {
        "position": commit.position,
        "type": error.values["type"],
        "reason": "unknown_type",
        "since": before["since"] if again else now,
    }


async def _move(
    shop: str,
    row: Mapping[str, Any] | None,
    last: Commit | None,
    parked: Mapping[str, Any] | None,
    use: Reactor,
) -> bool:
    """Moves the checkpoint to `last`; False when somebody else moved it first."""
    changes: dict[str, Any] = {"parked": parked, "updated_at": use.clock()}
    if last is not None:
        changes |= {"position": last.position, "seq": last.seq + len(last.documents)}
    place = {"_id": f"{NAME}/{shop}"}
    if row is not None:
        fence = {**place, "position": row["position"]}
        moved = await use.checkpoints.update_one(fence, {"$set": changes})
        return bool(moved.matched_count)
    fresh = {"projection": NAME, "version": VERSION, "shop": shop, "position": 0, "seq": 0}
    try:
        await use.checkpoints.insert_one({**place, **fresh, **changes})
    except DuplicateKeyError:
        return False
    return True
