"""A customer wrote: the shop may answer by itself."""

from __future__ import annotations

from cplus.consumers.reactions.reaction import Reaction, Reactor
from cplus.events.base import Recorded
from cplus.events.catalogue.conversations import MessageReceived
from cplus.events.log.commit import Commit


async def _hand_out(commit: Commit, received: Recorded, use: Reactor) -> None:
    use.at_step("auto_reply")
    await use.auto_reply(commit, received)


AUTO_REPLIES = Reaction(
    name="react-auto-replies",
    handles=frozenset({MessageReceived}),
    hand_out=_hand_out,
    steps=("auto_reply",),
    needs=("nudges_topic",),  # what is wished for is nudged
)
