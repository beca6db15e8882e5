"""Follows each shop's log for one reaction, from the reaction's own checkpoint, and hands out what
new events ask for.

What takes long a reaction does not do itself: importing and sending have queues of their own, whose
work may come twice. So an event may be handed out twice, and never not at all.

Checkpoints, reading, decoding and parking are those of the projections. What differs is the step
between two checkpoints: the runner writes rows in the transaction that moves the checkpoint, and
this hands out first and moves it after, for no transaction spans a queue.

A commit that cannot be handed out is tried again after each of PAUSES, and then parks the shop for
this reaction. How often it was tried stands in the checkpoint.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from cplus.consumers.batches.messages import start_by
from cplus.consumers.batches.nudges import each_shop
from cplus.consumers.batches.sqs import SqsRecord
from cplus.consumers.reactions.carrying_over import REACT
from cplus.consumers.reactions.handing_out import SIDE_BY_SIDE, Time, first_left
from cplus.consumers.reactions.reaction import Reaction, Reactor
from cplus.deadline import Deadline
from cplus.events.base import Recorded
from cplus.events.log.commit import Commit
from cplus.events.log.commits import CORRELATED
from cplus.mongo import Database
from cplus.subscriptions.checkpoints import (
    CHECKPOINTS,
    Checkpoint,
    Fenced,
    Retry,
    begin_checkpoint,
    checkpoint_id,
    move_checkpoint,
)
from cplus.subscriptions.decoding import decode
from cplus.subscriptions.progress import Progress
from cplus.subscriptions.reading import Batch, read_batch

log = structlog.get_logger()

PAUSES: Final = (
    timedelta(seconds=10),
    timedelta(seconds=50),
    *(timedelta(minutes=minutes) for minutes in (2, 4, 8, 15, 30, 60, 60, 60, 60)),
)
"""How long a commit that could not be handed out waits for its second try, its third, ...: five
hours, since a queue that is down for minutes must not park every shop. After the last it parks."""
_TOO_FAR: Final = 2 * max(PAUSES)
"""No next try is this far ahead, but for one that a wrong clock wrote: it is due now. Twice the
longest pause, since the clocks of two functions may differ a little."""


def steps_of(reaction: Reaction) -> tuple[str, ...]:
    """Everything that is done for a reaction with what is stored or sent, in this order:
    `begin_checkpoint` if there is none, `take_over` if `react` was further on."""
    take_over = ("take_over",) if reaction.was_react else ()
    before = ("read_checkpoint", *take_over, "read_log", "begin_checkpoint")
    return (*before, *reaction.steps, "move_checkpoint")


async def handle(
    records: Sequence[SqsRecord], reactions: Sequence[Reaction], use: Reactor, limit: Deadline
) -> list[str]:
    """Follows each shop that the nudges name for each reaction; answers the ids of the messages
    that failed.

    Failed are: no nudge, a nudge that tells of a position which the log does not show yet, one of
    a position that a reaction did not come to well before `limit`, when Lambda ends the function,
    and one of a shop whose checkpoint could not be read or written. What could not be handed out is
    no failure: the checkpoint says when it is tried again, and the sweep asks for that. Nor is a
    parked shop.
    """
    deadline = start_by(limit)

    async def look(shop: str, until: int) -> int:
        return min(await asyncio.gather(*(one(reaction, shop, until) for reaction in reactions)))

    async def one(reaction: Reaction, shop: str, until: int) -> int:
        try:
            followed = await follow(reaction, shop, use, until=until, deadline=deadline)
        except Exception as error:  # noqa: BLE001  one must hold up no other
            name = type(error).__name__
            log.warning("react_failed", reaction=reaction.name, shop=shop, error=name)
            return -1
        return until if followed.done and followed.stopped else followed.position

    return await each_shop(records, look, limit, SIDE_BY_SIDE)


async def follow(
    reaction: Reaction,
    shop: str,
    use: Reactor,
    *,
    until: int | None = None,
    deadline: Deadline | None = None,
    now: bool = False,
) -> Progress:
    """Hands out everything of the shop's log behind the reaction's checkpoint, or up to what cannot
    be handed out; answers how far it came.

    `until` is a position that the log is said to have. Nothing is handed out after `deadline`, and
    the checkpoint is then moved up to what was not. A hand-out that takes longer than
    `use.seconds`, or half of the time until `deadline`, has failed with a TimeoutError. A commit
    that failed before is tried when its pause is over, and one that is parked after its last try
    not at all; with `now`, each at once. Raises what the database raises. If somebody else moves
    the checkpoint first, it is read again.
    """
    time = Time.until(deadline, use.seconds)
    count, passed = 0, use.reader.passed(reaction.passes, reaction.handles)
    while True:
        before = await _where(reaction, shop, use)
        progress = _progress(reaction, shop, before, count)
        if deadline is not None and deadline.passed():
            return progress
        if not now and _waits(before, use.clock()):
            return replace(progress, done=True)
        # What failed before is tried alone: nothing behind it is handed out each time.
        limit = 1 if before.retry or before.parked else use.batch
        use.at_step("read_log")
        batch = await read_batch(
            use.store, passed, shop, before.position,
            limit=limit, until=until, fields=CORRELATED,
        )  # fmt: skip
        if batch is None:
            return replace(progress, done=True)
        if not before.stored:
            use.at_step("begin_checkpoint")
            before = await begin_checkpoint(use.database, reaction, shop, use.clock())
            if before != Checkpoint(stored=True):
                continue  # somebody else was quicker
        after, cut_off = await _handed_out(reaction, before, batch, use, time)
        if after != before:
            use.at_step("move_checkpoint")
            try:
                await move_checkpoint(use.database, reaction, shop, before, after, use.clock())
            except Fenced:
                continue
            count += after.position - before.position
        now = False
        _say(reaction, shop, before, after)
        if cut_off:
            return _progress(reaction, shop, after, count)
        if after.parked or after.retry or batch.end:
            return replace(_progress(reaction, shop, after, count), done=True)


async def due(
    database: Database, reactions: Sequence[Reaction], now: datetime
) -> dict[str, set[str]]:
    """The names of the reactions that have something to try again, by shop."""
    asked = {
        "$or": [{"retry.next_at": {"$lte": now}}, {"retry.next_at": {"$gt": now + _TOO_FAR}}],
        "projection": {"$in": [reaction.name for reaction in reactions]},
    }
    found: dict[str, set[str]] = {}
    rows = database[CHECKPOINTS].find(asked, {"shop": 1, "projection": 1})
    for row in await rows.to_list(None):
        found.setdefault(row["shop"], set()).add(row["projection"])
    return found


async def _where(reaction: Reaction, shop: str, use: Reactor) -> Checkpoint:
    """The reaction's checkpoint, which is taken on to that of `react` if that one is further on."""
    own, old = (checkpoint_id(name, shop) for name in (reaction.collection, REACT))
    asked = [own, old] if reaction.was_react else [own]
    while True:
        use.at_step("read_checkpoint")
        rows = await use.database[CHECKPOINTS].find({"_id": {"$in": asked}}).to_list(None)
        found = {row["_id"]: row for row in rows}
        at, react = Checkpoint.of(found.get(own)), Checkpoint.of(found.get(old))
        if react.position <= at.position:
            return at
        use.at_step("take_over")
        if not at.stored:
            await begin_checkpoint(use.database, reaction, shop, use.clock(), react)
            continue
        further = replace(at, position=react.position, seq=react.seq, parked=None, retry=None)
        try:
            await move_checkpoint(use.database, reaction, shop, at, further, use.clock())
        except Fenced:
            continue


def _waits(at: Checkpoint, now: datetime) -> bool:
    """Whether nothing is to be tried at the moment."""
    if at.retry is not None:
        return now < at.retry.next_at <= now + _TOO_FAR
    return at.parked is not None and at.parked.tries > 0


def _progress(reaction: Reaction, shop: str, at: Checkpoint, passed: int) -> Progress:
    return Progress(reaction.name, shop, at.position, passed, done=False,
                    parked=at.parked, retry=at.retry)  # fmt: skip


async def _handed_out(
    reaction: Reaction, before: Checkpoint, batch: Batch, use: Reactor, time: Time
) -> tuple[Checkpoint, bool]:
    """Hands out what the batch asks for. Answers where the checkpoint belongs then: behind the
    batch, or in front of the first commit that could not be read or handed out, or for which there
    was no time; and whether it was for the time."""
    for commits in batch.slices():
        decoded = await decode(use.reader, reaction, commits)
        if left := await first_left(reaction, decoded, use, time):
            if left.error is None:
                return _in_front_of(before, left.commit), True
            return _failed(before, left.commit, left.recorded, left.error, use.clock()), False
        if stop := decoded.stop:
            at = stop.position, stop.seq, stop.type, stop.reason
            return before.stopped(*at, use.clock()), False
    return _behind(before, batch.position, batch.seq), False


def _behind(before: Checkpoint, position: int, seq: int) -> Checkpoint:
    return replace(before, position=position, seq=seq, parked=None, retry=None)


def _in_front_of(before: Checkpoint, commit: Commit) -> Checkpoint:
    """Moved up to the commit; what is known of earlier tries of it stays."""
    known = before.retry or before.parked
    if known is not None and known.position == commit.position:
        return before
    return _behind(before, commit.position - 1, commit.seq)


def _failed(
    before: Checkpoint, commit: Commit, recorded: Recorded, error: BaseException, now: datetime
) -> Checkpoint:
    """In front of the commit, to try it again after a pause; parked there after the last."""
    type_, reason = recorded.event.TYPE, type(error).__name__
    known = before.retry or before.parked
    if known is None or known.position != commit.position:
        tries, since = 1, now
    else:
        tries, since = min(known.tries, len(PAUSES)) + 1, known.since
    if tries > len(PAUSES):
        return before.stopped(commit.position, commit.seq, type_, reason, now, tries)
    pause = PAUSES[tries - 1]
    retry = Retry(commit.position, type_, reason, tries, since, now + pause)
    position, seq = commit.position - 1, commit.seq
    return replace(before, position=position, seq=seq, parked=None, retry=retry)


def _say(reaction: Reaction, shop: str, before: Checkpoint, after: Checkpoint) -> None:
    said = {"reaction": reaction.name, "shop": shop}
    if (retry := after.retry) is not None:
        log.warning("react_failed", **said, error=retry.reason, at=retry.position,
                    type=retry.type, tries=retry.tries)  # fmt: skip
    if (parked := after.parked) is not None and parked is not before.parked:
        log.error("react_parked", **said, at=parked.position, type=parked.type,
                  reason=parked.reason)  # fmt: skip
