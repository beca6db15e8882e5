"""The log: what happened, one immutable commit after another, one log per shop."""

from __future__ import annotations

from cplus.events.base import Cause, Event, NewEvent, Recorded
from cplus.events.commit import Commit, Draft, Head
from cplus.events.nudges import Nudger, TopicNudger, heads_of
from cplus.events.outcomes import (
    AlreadyRecorded,
    Appended,
    Conflict,
    Outcome,
    Unknown,
    settled,
)
from cplus.events.persons import PersonDirectory, Resolved
from cplus.events.repository import Repository, decided
from cplus.events.store import EventStore
from cplus.ids import random_id

__all__ = [
    "AlreadyRecorded",
    "Appended",
    "Cause",
    "Commit",
    "Conflict",
    "Draft",
    "Event",
    "EventStore",
    "Head",
    "NewEvent",
    "Nudger",
    "Outcome",
    "PersonDirectory",
    "Recorded",
    "Repository",
    "Resolved",
    "TopicNudger",
    "Unknown",
    "decided",
    "heads_of",
    "random_id",
    "settled",
]
