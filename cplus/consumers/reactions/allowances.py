"""A conversation that began is counted against what the shop's plan allows."""

from __future__ import annotations

from cplus.consumers.reactions.reaction import Reaction, Reactor
from cplus.events.base import Recorded
from cplus.events.catalogue.conversations import ConversationStarted
from cplus.events.log.commit import Commit


async def _hand_out(commit: Commit, started: Recorded, use: Reactor) -> None:
    assert isinstance(started.event, ConversationStarted)  # noqa: S101  all that it handles
    if started.event.by == "merchant":
        return  # what the merchant begins counts against no plan
    use.at_step("count")
    await use.count(commit, started)


ALLOWANCES = Reaction(
    name="react-allowances",
    handles=frozenset({ConversationStarted}),
    hand_out=_hand_out,
    steps=("count",),
    needs=("nudges_topic",),  # what it decides is nudged
    was_react=True,
)
