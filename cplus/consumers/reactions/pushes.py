"""Browsers of a shop's staff are told of a new message, if anybody wants that."""

from __future__ import annotations

from cplus.consumers.reactions.reaction import Reaction, Reactor
from cplus.events.base import Recorded
from cplus.events.catalogue.conversations import MessageReceived
from cplus.events.log.commit import Commit


async def _hand_out(commit: Commit, received: Recorded, use: Reactor) -> None:
    use.at_step("push_news")
    await use.pushes.received(commit.shop, commit, received)


PUSHES = Reaction(
    name="react-pushes",
    handles=frozenset({MessageReceived}),
    hand_out=_hand_out,
    steps=("push_news",),
    needs=("send_queue",),
)
