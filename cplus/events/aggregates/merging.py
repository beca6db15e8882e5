"""What two conversations decide when the one is merged into the other, and when that is undone.

Only a conversation that is merged into none goes into another that is merged into none, and both
streams record it in one commit. So whoever follows a conversation to what it was merged into comes
to an end, whatever is merged at once.
"""

from __future__ import annotations

from datetime import datetime

from cplus.errors import InvalidInput
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.aggregates.conversation.handling import wake
from cplus.events.catalogue.conversations import ConversationMerged, ConversationUnmerged
from cplus.wording import worded


def merge(source: Conversation, target: Conversation, now: datetime) -> None:
    """`source` goes into `target`, which is open from now on if `source` was, and in which whoever
    waits in `source` waits too. Again changes nothing.

    Raises InvalidInput where that is not possible, with the reason in words.
    """
    if source.merged_into == target.conversation_id:
        return
    if reason := refusal(source, target, now):
        raise InvalidInput(reason=reason)
    names = {"source": source.conversation_id, "into": target.conversation_id}
    lends, was_open = source.awaited, source.open
    source.trigger_event(
        ConversationMerged, **names, lends=lends, open=False, waiting=lends, timestamp=now
    )
    target.trigger_event(
        ConversationMerged,
        **names,
        lends=lends,
        open=target.open or was_open,
        waiting=target.awaited or lends,
        timestamp=now,
    )
    if lends:
        wake(target, now=now)


def refusal(source: Conversation, target: Conversation, now: datetime) -> str | None:
    """Why the one cannot be merged into the other; None if it can."""
    refusals = [
        (worded("a conversation cannot be merged into itself"), source.id == target.id),
        (
            worded("one of them was already merged into another conversation"),
            source.merged_into is not None or target.merged_into is not None,
        ),
        (worded("the person of one of them was erased"), source.erased or target.erased),
        (worded("one of them is marked as spam"), source.spam or target.spam),
        (
            worded("a message in it waits to be sent: undo that, or wait until it is sent"),
            any(moment > now for moment in source.waits.values()),
        ),
        (worded("a reply in it did not arrive: look after that first"), bool(source.failed)),
    ]
    return next((words for words, holds in refusals if holds), None)


def unmerge(source: Conversation, target: Conversation, now: datetime) -> None:
    """Both are on their own again: `source` is open if it was before, and what came to `target`
    since stays there. Again changes nothing."""
    if source.merged_into != target.conversation_id or source.split_undone:
        return
    names = {"source": source.conversation_id, "into": target.conversation_id}
    waits = target.waiting or bool(target.lent - {source.conversation_id})
    source.trigger_event(
        ConversationUnmerged,
        **names,
        open=(source.was_open or source.open) and not source.erased,
        waiting=source.awaited and not source.erased,
        timestamp=now,
    )
    target.trigger_event(
        ConversationUnmerged,
        **names,
        open=target.open,
        waiting=waits and not target.erased,
        timestamp=now,
    )
