"""A reply that the merchant wrote is handed out to be sent, or noted for the time at which it is to
go."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Final

from cplus.aws import LONGEST_DELAY
from cplus.consumers.reactions.reaction import Reaction, Reactor
from cplus.consumers.scheduled.due import Due
from cplus.consumers.scheduled.taking import DueWork
from cplus.events.base import Recorded
from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.log.commit import Commit

SCHEDULED: Final = "reply"
"""What is due: to hand out a reply that was scheduled, by the id of its message."""

_QUEUE: Final = "send_queue"
"""The setting with the URL of the queue that it hands out to."""


async def _hand_out(commit: Commit, written: Recorded, use: Reactor) -> None:
    reply = written.event
    assert isinstance(reply, ReplyWritten)  # noqa: S101  all that it handles
    use.at_step("send_reply")
    wait = _seconds_until(reply.send_at, use.clock())
    if wait > LONGEST_DELAY and reply.send_at is not None:
        await use.due.put([Due(commit.shop, SCHEDULED, reply.message_id, reply.send_at)])
        return
    message = {"shop": commit.shop, "message_id": reply.message_id}
    await use.send(use.setting(_QUEUE), message, group=commit.shop, delay=wait)


async def hand_out_scheduled(due: Due, use: DueWork) -> None:
    """Hands out a reply whose time has come. One that was taken back meanwhile is not sent: the
    sender asks the log."""
    message = {"shop": due.shop, "message_id": due.ref}
    await use.send(use.setting(_QUEUE), message, group=due.shop)


def _seconds_until(moment: datetime | None, now: datetime) -> int:
    return 0 if moment is None else max(0, math.ceil((moment - now).total_seconds()))


REPLIES = Reaction(
    name="react-replies",
    handles=frozenset({ReplyWritten}),
    hand_out=_hand_out,
    steps=("send_reply",),
    needs=(_QUEUE,),
    was_react=True,
)
