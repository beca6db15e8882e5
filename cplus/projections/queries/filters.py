"""Which conversations a list shows: of one view, and what is chosen besides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cplus.events.catalogue.handling import Priority
from cplus.projections.queries.views import ConversationState

# A conversation that was never marked as spam, put off or assigned has no such field.
_TOLD: Final[Mapping[str, Any]] = {"spam": {"$ne": True}}
_ACTIVE: Final[Mapping[str, Any]] = {"open": True, **_TOLD, "snoozed": {"$ne": True}}
STATES: Final[Mapping[ConversationState, Mapping[str, Any]]] = {
    "all": _TOLD,
    "open": _ACTIVE,
    "unanswered": {"unanswered": True},
    "mine": _ACTIVE,
    "mentions": _TOLD,
    "unassigned": {"assignee": None, **_ACTIVE},
    "snoozed": {"snoozed": True, "open": True, **_TOLD},
    "closed": {"open": False, **_TOLD},
    "spam": {"spam": True},
}


@dataclass(frozen=True, slots=True)
class Filter:
    """What a conversation must be to be listed; by default, everything but spam is."""

    state: ConversationState = "all"
    member: str = ""
    """Whose conversations are `mine`, and who is mentioned: the id of a member of staff."""
    assignee: str | None = None
    """The id of who looks after it; empty for nobody, None for whoever."""
    tag: str | None = None
    """The id of a tag that it has."""
    priority: Priority | None = None
    since: datetime | None = None
    """Its newest message came at that time or later."""
    until: datetime | None = None
    """Its newest message came before that."""
    has_files: bool = False
    """A message of the customer had files."""

    @property
    def order(self) -> tuple[str, bool]:
        """The field by which the list is ordered, and whether it rises: what waits for a reply,
        the longest wait first; else the newest message first."""
        return ("waiting_since", True) if self.state == "unanswered" else ("last_message_at", False)

    def wanted(self) -> dict[str, Any]:
        """The same as a filter of rows."""
        found: dict[str, Any] = dict(STATES[self.state])
        if self.state == "mine":
            found["assignee"] = self.member
        if self.state == "mentions":
            found["mentioned"] = self.member
        parts: list[dict[str, Any]] = []
        if self.assignee is not None:
            parts.append({"assignee": self.assignee or None})
        if self.tag is not None:
            parts.append({"tags": self.tag})
        if self.priority is not None:
            # A row that was told of none is of normal priority.
            normal = {"$in": ["normal", None]}
            parts.append({"priority": normal if self.priority == "normal" else self.priority})
        if self.since is not None:
            parts.append({"last_message_at": {"$gte": self.since}})
        if self.until is not None:
            parts.append({"last_message_at": {"$lt": self.until}})
        if self.has_files:
            parts.append({"has_files": True})
        return {**found, **({"$and": parts} if parts else {})}
