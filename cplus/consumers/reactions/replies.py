"""A reply that the merchant wrote is handed out to be sent."""

from __future__ import annotations

from typing import Final

from cplus.consumers.reactions.reaction import Reaction, Reactor
from cplus.events.base import Recorded
from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.log.commit import Commit

_QUEUE: Final = "send_queue"
"""The setting with the URL of the queue that it hands out to."""


async def _hand_out(commit: Commit, written: Recorded, use: Reactor) -> None:
    reply = written.event
    assert isinstance(reply, ReplyWritten)  # noqa: S101  all that it handles
    message = {"shop": commit.shop, "message_id": reply.message_id}
    use.at_step("send_reply")
    await use.send(use.setting(_QUEUE), message, group=commit.shop)


REPLIES = Reaction(
    name="react-replies",
    handles=frozenset({ReplyWritten}),
    hand_out=_hand_out,
    steps=("send_reply",),
    needs=(_QUEUE,),
    was_react=True,
)
