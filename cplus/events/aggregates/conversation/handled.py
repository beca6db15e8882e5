"""How staff works on a conversation, as its events tell it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from cplus.events.aggregates.conversation.last_changes import TAG, LastChanges
from cplus.events.base import AggregateEvent
from cplus.events.catalogue.handling import (
    ConversationAssigned,
    ConversationPrioritized,
    ConversationSnoozed,
    ConversationTagged,
    ConversationWoken,
    Priority,
)


@dataclass(slots=True)
class Handling:
    """What these events say by now."""

    assignee: str | None = None
    """The id of who looks after it."""
    snoozed_until: datetime | None = None
    snoozed_for_reply: bool = False
    tags: list[str] = field(default_factory=list)
    """Ids, in the order in which they were put on it."""
    priority: Priority = "normal"

    @property
    def snoozed(self) -> bool:
        """Whether it is put off."""
        return self.snoozed_until is not None or self.snoozed_for_reply

    def evolve(self, event: AggregateEvent, changes: LastChanges) -> None:
        """Changes the state by one event, and notes what it was before."""
        match event:
            case ConversationAssigned():
                changes.note("assignee", event, self.assignee)
                self.assignee = event.assignee
            case ConversationSnoozed():
                changes.note("snooze", event, (self.snoozed_until, self.snoozed_for_reply))
                self.snoozed_until = event.until
                self.snoozed_for_reply = event.until_reply
            case ConversationWoken():
                changes.note("snooze", event, (self.snoozed_until, self.snoozed_for_reply))
                self.snoozed_until, self.snoozed_for_reply = None, False
            case ConversationTagged():
                for tag in (*event.added, *event.removed):
                    changes.note(TAG + tag, event, tag in self.tags)
                left = [tag for tag in self.tags if tag not in event.removed]
                self.tags = [*left, *(tag for tag in event.added if tag not in left)]
            case ConversationPrioritized():
                changes.note("priority", event, self.priority)
                self.priority = event.priority
