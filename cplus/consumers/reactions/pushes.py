"""Browsers of a shop's staff are told of a new message, and whoever a note mentions of that, if
they want it."""

from __future__ import annotations

from cplus.consumers.reactions.reaction import Reaction, Reactor
from cplus.events.base import Recorded
from cplus.events.catalogue.conversations import MessageReceived
from cplus.events.catalogue.handling import MembersMentioned
from cplus.events.log.commit import Commit


async def _hand_out(commit: Commit, told: Recorded, use: Reactor) -> None:
    use.at_step("push_news")
    if isinstance(told.event, MembersMentioned):
        await use.pushes.mentioned(commit.shop, told)
    else:
        await use.pushes.received(commit.shop, commit, told)


PUSHES = Reaction(
    name="react-pushes",
    handles=frozenset({MessageReceived, MembersMentioned}),
    hand_out=_hand_out,
    steps=("push_news",),
    needs=("send_queue",),
)
