"""A conversation that began, or is spam or no more, is counted against what the plan allows."""

from __future__ import annotations

from cplus.consumers.reactions.reaction import Reaction, Reactor
from cplus.events.base import Recorded
from cplus.events.catalogue.conversations import (
    ConversationMarkedSpam,
    ConversationStarted,
    ConversationUnmarkedSpam,
)
from cplus.events.log.commit import Commit


async def _hand_out(commit: Commit, told: Recorded, use: Reactor) -> None:
    if isinstance(told.event, ConversationStarted) and told.event.by == "merchant":
        return  # what the merchant begins counts against no plan
    use.at_step("count")
    await use.count(commit, told)


ALLOWANCES = Reaction(
    name="react-allowances",
    handles=frozenset({ConversationStarted, ConversationMarkedSpam, ConversationUnmarkedSpam}),
    hand_out=_hand_out,
    steps=("count",),
    needs=("nudges_topic",),  # what it decides is nudged
    was_react=True,
)
