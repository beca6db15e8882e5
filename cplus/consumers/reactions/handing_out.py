"""Hands out what the events of a batch ask for, some side by side, each for a limited time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

import structlog

from cplus.consumers.reactions.reaction import Reaction, Reactor
from cplus.deadline import Deadline
from cplus.events.base import Recorded
from cplus.events.log.commit import Commit
from cplus.subscriptions.decoding import Decoded

log = structlog.get_logger()

SIDE_BY_SIDE: Final = 8


@dataclass(frozen=True, slots=True)
class Time:
    """How long a call may hand out."""

    deadline: Deadline
    """Then it ends, and what is being handed out is cut off."""
    each: float
    """Seconds for each hand-out; one that takes longer has failed."""

    @classmethod
    def until(cls, deadline: Deadline | None, each: float) -> Time:
        """From now to `deadline`. A hand-out has at most half of that: one that hangs from the
        beginning must fail before it is cut off, or nobody would ever count it."""
        deadline = deadline or Deadline.never()
        return cls(deadline, min(each, deadline.remaining() / 2))


@dataclass(frozen=True, slots=True)
class Left:
    """An event that was not handed out."""

    commit: Commit
    recorded: Recorded
    error: BaseException | None
    """Why it failed; None if there was no time for it."""


async def first_left(reaction: Reaction, decoded: Decoded, use: Reactor, time: Time) -> Left | None:
    """Hands out each event, until one fails or the time runs out; answers the first of the log
    that was not handed out. Everything before that was."""
    places = asyncio.Semaphore(SIDE_BY_SIDE)
    left: list[Left] = []

    async def one(commit: Commit, recorded: Recorded) -> None:
        async with places:
            if left or time.deadline.passed():  # it begins in the order of the log
                left.append(Left(commit, recorded, None))
            elif (ended := await _hand_out(reaction, commit, recorded, use, time)) is not None:
                left.append(ended)

    works = [one(commit, recorded) for commit, events in decoded.commits for recorded, _ in events]
    answers = await asyncio.gather(*works, return_exceptions=True)
    for answer in answers:  # raised only when all have ended: nothing is left running
        if answer is not None:
            raise answer
    return min(left, key=lambda one: one.recorded.number, default=None)


async def _hand_out(
    reaction: Reaction, commit: Commit, recorded: Recorded, use: Reactor, time: Time
) -> Left | None:
    seconds = time.deadline.remaining()
    cut = seconds < time.each
    limit = asyncio.timeout(min(seconds, time.each))
    try:
        async with limit:
            try:
                await reaction.hand_out(commit, recorded, use)
            except asyncio.CancelledError as error:
                if _is_cancelled():
                    raise
                return Left(commit, recorded, error)  # it raised that by itself
    except Exception as error:  # noqa: BLE001  whatever it is, it is tried again
        return Left(commit, recorded, None if cut and limit.expired() else error)
    type_, position = recorded.event.TYPE, recorded.position
    log.info("handed_out", reaction=reaction.name, shop=commit.shop, position=position,
             type=type_)  # fmt: skip
    return None


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
