"""Follows each shop's log from a checkpoint of its own and hands out what new events ask for.

What takes long it does not do itself: importing and sending have queues of their own, whose work
may come twice. So an event may be handed out twice, and never not at all.

Checkpoints, decoding, parking and the loop over nudges are those of the projections. What differs
is the step between two checkpoints: the runner writes rows in the transaction that moves the
checkpoint, and this hands out first and moves it after, for no transaction spans a queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Protocol

import structlog

from cplus.clock import Clock
from cplus.consumers.batches.messages import start_by
from cplus.consumers.batches.nudges import each_shop
from cplus.consumers.batches.sqs import SqsRecord
from cplus.deadline import Deadline
from cplus.events import catalogue
from cplus.events.base import Event, Recorded
from cplus.events.catalogue import (
    CATALOGUE,
    AppInstalled,
    AppUninstalled,
    Catalogue,
    ConversationStarted,
    ReplyWritten,
)
from cplus.events.log.commit import Commit
from cplus.events.log.outcomes import Outcome
from cplus.events.log.store import ROOM, EventStore
from cplus.events.names import install_import
from cplus.mongo import Database
from cplus.subscriptions.checkpoints import (
    Checkpoint,
    Fenced,
    begin_checkpoint,
    move_checkpoint,
    read_checkpoint,
)
from cplus.subscriptions.decoding import Decoded, decode
from cplus.subscriptions.progress import Progress

log = structlog.get_logger()

NAME: Final = "react"
BATCH: Final = 200
"""Commits between two moves of the checkpoint."""
STEPS: Final = (
    "read_checkpoint",
    "read_log",
    "begin_checkpoint",
    "send_import",
    "send_reply",
    "count",
    "forget_tokens",
    "end_sessions",
    "move_checkpoint",
)
"""Everything that the reactions do with what is stored or sent, each batch in this order but for
what lies between `begin_checkpoint`, where there is none, and `move_checkpoint`: of that, what the
events ask for, side by side."""

HANDLES: Final[frozenset[type[Event]]] = frozenset(
    {AppInstalled, AppUninstalled, ConversationStarted, ReplyWritten}
)
IGNORES: Final[frozenset[type[Event]]] = frozenset(
    {
        catalogue.AccountOpened,
        catalogue.AllowanceReached,
        catalogue.ConversationClosed,
        catalogue.ConversationReopened,
        catalogue.CustomerChanged,
        catalogue.CustomerConsentChanged,
        catalogue.CustomerDeleted,
        catalogue.CustomerImported,
        catalogue.ImportEnded,
        catalogue.ImportPageLoaded,
        catalogue.ImportStarted,
        catalogue.MailBounced,
        catalogue.MailComplained,
        catalogue.MailDelivered,
        catalogue.MailRejected,
        catalogue.MailSent,
        catalogue.MessageReceived,
        catalogue.OrderChanged,
        catalogue.OrderDeleted,
        catalogue.PersonsJoined,
        catalogue.ShopChanged,
        catalogue.SubscriptionChanged,
    }
)
_SIDE_BY_SIDE: Final = 8


@dataclass(frozen=True, slots=True)
class Reactions:
    """Who follows the log here; it keeps no rows."""

    name: str = NAME
    collection: str = NAME
    version: int = 1
    handles: frozenset[type[Event]] = HANDLES
    ignores: frozenset[type[Event]] = IGNORES

    @property
    def keys(self) -> Callable[[Recorded], Iterable[str]]:
        """No event touches a row."""
        return lambda _recorded: ()


REACTIONS: Final = Reactions()


class Send(Protocol):
    """Puts a message on a queue."""

    async def __call__(self, queue: str, message: Mapping[str, Any], *, group: str) -> None:
        """`queue` is its URL, `group` the shop. Raises whatever the queue raises."""


@dataclass(frozen=True, slots=True)
class Reactor:
    """What the reactions work with."""

    store: EventStore
    database: Database
    send: Send
    import_queue: str
    send_queue: str
    forget_tokens: Callable[[str, datetime], Awaitable[None]]
    """Drops the access tokens that a shop has from before the moment."""
    end_sessions: Callable[[str, datetime], Awaitable[None]]
    """Ends the sessions that a shop has from before the moment."""
    count: Callable[[Commit, Recorded], Awaitable[Outcome | None]]
    """Counts a conversation that began against what the shop's plan allows, and nudges where that
    decided something, now or before."""
    clock: Clock
    catalogue: Catalogue = CATALOGUE
    batch: int = BATCH
    at_step: Callable[[str], None] = lambda _step: None
    """Is told the name of each step before it is taken (see STEPS), for tests that die there."""


async def handle(records: Sequence[SqsRecord], use: Reactor, limit: Deadline) -> list[str]:
    """Follows each shop that the nudges name; answers the ids of the messages that failed.

    Failed are: no nudge, a hand-out that a queue refused, a nudge that tells of a position
    which the log does not show yet, and one of a position that was not come to well before
    `limit`, when Lambda ends the function. A parked shop is no failure: the sweep asks for it
    again.
    """
    deadline = start_by(limit)

    async def look(shop: str, until: int) -> int:
        followed = await follow(shop, use, deadline=deadline)
        return until if followed.done and followed.parked else followed.position

    return await each_shop(records, look, limit, _SIDE_BY_SIDE)


async def follow(shop: str, use: Reactor, *, deadline: Deadline | None = None) -> Progress:
    """Hands out everything of the shop's log behind its checkpoint; answers how far it came.

    No batch begins after `deadline`. Raises
    what a queue raises; the checkpoint then stands before what was not handed out. Who loses the
    race for the checkpoint reads it again.
    """
    passed = 0
    while True:
        use.at_step("read_checkpoint")
        before = await read_checkpoint(use.database, REACTIONS, shop)
        if deadline is not None and deadline.passed():
            return _progress(shop, before, passed, done=False)
        use.at_step("read_log")
        commits = await use.store.read(shop, before.position, use.batch, room=ROOM)
        if not commits:
            return _progress(shop, before, passed, done=True)
        if not before.stored:
            use.at_step("begin_checkpoint")
            before = await begin_checkpoint(use.database, REACTIONS, shop, use.clock())
            if before.position:
                continue  # somebody else was quicker
        decoded = decode(REACTIONS, commits, use.catalogue)
        await _hand_out(shop, decoded, use)
        after = _after(before, decoded, use.clock())
        if after != before:
            use.at_step("move_checkpoint")
            try:
                await move_checkpoint(use.database, REACTIONS, shop, before, after, use.clock())
            except Fenced:
                continue
            passed += after.position - before.position
        if (parked := after.parked) is not None:
            if parked is not before.parked:
                log.error("react_parked", shop=shop, at=parked.position, type=parked.type)
            return _progress(shop, after, passed, done=True)


def _progress(shop: str, at: Checkpoint, passed: int, *, done: bool) -> Progress:
    return Progress(NAME, shop, at.position, passed, done, at.parked)


def _after(before: Checkpoint, decoded: Decoded, now: datetime) -> Checkpoint:
    if stop := decoded.stop:
        return before.stopped(stop.position, stop.seq, stop.type, stop.reason, now)
    last, _ = decoded.commits[-1]
    seq = last.seq + len(last.documents)
    return replace(before, position=last.position, seq=seq, parked=None)


async def _hand_out(shop: str, decoded: Decoded, use: Reactor) -> None:
    places = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def one(commit: Commit, recorded: Recorded) -> None:
        async with places:
            await _react(shop, commit, recorded, use)

    works = [one(commit, recorded) for commit, events in decoded.commits for recorded, _ in events]
    answers = await asyncio.gather(*works, return_exceptions=True)
    for answer in answers:  # raised only when all have ended: nothing is left running
        if isinstance(answer, BaseException):
            raise answer


async def _react(shop: str, commit: Commit, recorded: Recorded, use: Reactor) -> None:
    match recorded.event:
        case AppInstalled():
            import_id = install_import(recorded.id)
            message = {"shop": shop, "import_id": import_id, "cursor": None, "page": 1}
            # Carried along, so that no page has to look for the install.
            message |= {"correlation_id": commit.correlation, "causation_id": commit.id}
            use.at_step("send_import")
            await use.send(use.import_queue, message, group=shop)
        case ReplyWritten() as reply:
            message = {"shop": shop, "message_id": reply.message_id}
            use.at_step("send_reply")
            await use.send(use.send_queue, message, group=shop)
        case ConversationStarted():
            use.at_step("count")
            await use.count(commit, recorded)
        case AppUninstalled():
            use.at_step("forget_tokens")
            await use.forget_tokens(shop, recorded.occurred_at)
            use.at_step("end_sessions")
            await use.end_sessions(shop, recorded.occurred_at)
    log.info("handed_out", shop=shop, position=recorded.position, type=recorded.event.TYPE)
