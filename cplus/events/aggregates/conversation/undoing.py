"""What takes back what was done with a conversation."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from cplus.events.aggregates.conversation import handling
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.aggregates.conversation.last_changes import TAG


def undo(
    talk: Conversation, *, versions: Collection[int], known: Collection[str], now: datetime
) -> None:
    """Brings back what the events of these versions changed, but for what was changed since, also
    if that made it the same again. `known` are the tags that the shop has by now; a snooze whose
    time has passed stays ended. Raises InvalidInput if it was merged or erased since."""
    before = talk.changes.of(versions)
    match before.get("open"):
        case True:
            talk.reopen(now)
        case False:
            talk.close(now)
    match before.get("spam"):
        case True:
            talk.mark_spam(now)
        case False:
            talk.unmark_spam(now)
    if "snooze" in before:
        until, for_reply = before["snooze"]
        _snooze_again(talk, until, for_reply, now)
    if "assignee" in before:
        handling.assign(talk, assignee=before["assignee"], now=now)
    if "priority" in before:
        handling.prioritize(talk, priority=before["priority"], now=now)
    tags = {what.removeprefix(TAG): had for what, had in before.items() if what.startswith(TAG)}
    if tags:
        on = [tag for tag, had in tags.items() if had and tag in known]
        off = [tag for tag, had in tags.items() if not had]
        handling.tag(talk, added=on, removed=off, known=known, now=now)


def _snooze_again(
    talk: Conversation, until: datetime | None, for_reply: bool, now: datetime
) -> None:
    if until is None and not for_reply:
        handling.wake(talk, now=now)
    else:
        handling.snooze_again(talk, until=until, until_reply=for_reply, now=now)
