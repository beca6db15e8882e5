"""The results of an append, one per commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from cplus.errors import OutcomeUnknown, StreamConflict
from cplus.events.log.commit import Commit


@dataclass(frozen=True, slots=True)
class Appended:
    """The commit is in the log, at this position."""

    shop: str
    position: int
    id: str


@dataclass(frozen=True, slots=True)
class AlreadyRecorded:
    """The cause was recorded before: this commit was the answer then."""

    commit: Commit

    @property
    def position(self) -> int:
        """The position of the commit."""
        return self.commit.position


@dataclass(frozen=True, slots=True)
class Conflict:
    """A stream is not at the expected version: load again, decide again."""

    stream: str
    expected: int
    """The version that the draft was based on."""
    actual: int
    """The version that the stream is at."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """It is unknown whether it was recorded: ask again with the same claim."""

    claim: str
    error: BaseException


Outcome: TypeAlias = Appended | AlreadyRecorded | Conflict | Unknown


def settled(outcome: Outcome) -> Appended | AlreadyRecorded:
    """The outcome if it is a success; raises StreamConflict or OutcomeUnknown."""
    if isinstance(outcome, Conflict):
        raise StreamConflict(
            stream=outcome.stream, expected=outcome.expected, actual=outcome.actual
        )
    if isinstance(outcome, Unknown):
        raise OutcomeUnknown(claim=outcome.claim) from outcome.error
    return outcome
