"""A conversation that was put off until a moment is woken then."""

from __future__ import annotations

from functools import partial
from typing import Final

from cplus.actors import system
from cplus.consumers.reactions.reaction import Reaction, Reactor
from cplus.consumers.scheduled.due import Due
from cplus.consumers.scheduled.taking import DueWork
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.aggregates.conversation.handling import wake_due
from cplus.events.base import Recorded
from cplus.events.catalogue.handling import ConversationSnoozed
from cplus.events.log.commit import Commit
from cplus.events.names import conversation_id, conversation_stream, woken_claim

SNOOZE: Final = "snooze"
"""What is due: to wake a conversation, by its id and the version that put it off."""


async def _hand_out(commit: Commit, told: Recorded, use: Reactor) -> None:
    snoozed = told.event
    assert isinstance(snoozed, ConversationSnoozed)  # noqa: S101  all that it handles
    if snoozed.until is None:
        return
    # One row for each: of two moments for one row the earlier would stand.
    ref = f"{conversation_id(told.stream)}/{told.version}"
    use.at_step("note_snooze")
    await use.due.put([Due(commit.shop, SNOOZE, ref, snoozed.until)])


async def wake_snoozed(due: Due, use: DueWork) -> None:
    """Wakes the conversation if its moment has come: it may have been put off anew, or be woken."""
    name, _, version = due.ref.partition("/")
    stream, now = conversation_stream(name), use.clock()

    await use.recorder.decide(
        Conversation,
        due.shop,
        stream,
        partial(wake_due, now=now),
        claim=woken_claim(name, version),
        source="rule",
        actor=system("sweep"),
    )


SNOOZES = Reaction(
    name="react-snoozes",
    handles=frozenset({ConversationSnoozed}),
    hand_out=_hand_out,
    steps=("note_snooze",),
)
