"""What a search answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cplus.projections.queries.views.conversations import Conversation, Message


@dataclass(frozen=True, slots=True)
class Hit:
    """A conversation in which something was found."""

    conversation: Conversation
    message: Message
    """The newest of those that match, as far as was searched."""
    more: int
    """How many older messages of the conversation match too, as far as was searched."""


@dataclass(frozen=True, slots=True)
class Hits:
    """What was found, the newest message first."""

    items: Sequence[Hit]
    next: str | None
    """The cursor of what follows; None if everything was searched."""
    back_to: datetime | None
    """Up to when messages were searched, if the time for one answer was over before the page was
    full: what is older comes with `next`."""
