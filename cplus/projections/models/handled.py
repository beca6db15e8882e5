"""How the shop's staff works on a conversation, in its row. Pure.

A row has the fields only once they were told: `assignee`, `snoozed`, `snoozed_until`,
`snoozed_for_reply`, `tags`, `priority`, `mentions` (when each member was mentioned last) and
`mentioned` (who was). One without them is nobody's, not put off, without tags and of normal
priority, and mentions nobody.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cplus.events.base import Event
from cplus.events.catalogue.handling import (
    ConversationAssigned,
    ConversationPrioritized,
    ConversationSnoozed,
    ConversationTagged,
    ConversationWoken,
    MembersMentioned,
)
from cplus.projections.base import Row


def handled(row: Row, event: Event, at: datetime) -> dict[str, Any]:
    """The fields that the event changes, which came at that moment."""
    match event:
        case ConversationAssigned():
            return {"assignee": event.assignee}
        case ConversationSnoozed():
            return _snoozed(snoozed=True, until=event.until, for_reply=event.until_reply)
        case ConversationWoken():
            return _snoozed(snoozed=False, until=None, for_reply=False)
        case ConversationTagged():
            left = [tag for tag in row.get("tags", ()) if tag not in event.removed]
            return {"tags": [*left, *(tag for tag in event.added if tag not in left)]}
        case ConversationPrioritized():
            return {"priority": event.priority}
        case MembersMentioned():
            told = {**row.get("mentions", {}), **dict.fromkeys(event.members, at)}
            return {"mentions": told, "mentioned": sorted(told)}
    return {}


def _snoozed(*, snoozed: bool, until: Any, for_reply: bool) -> dict[str, Any]:
    return {"snoozed": snoozed, "snoozed_until": until, "snoozed_for_reply": for_reply}
