"""What an append answers for each commit that it was asked to write."""

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
    """The cause was recorded before: this commit is the answer that was given then."""

    commit: Commit

    @property
    def position(self) -> int:
        """Where the commit stands."""
        return self.commit.position


@dataclass(frozen=True, slots=True)
class Conflict:
    """A stream is not where the draft expected it: load again, decide again."""

    stream: str
    expected: int
    """The version that the draft stood on."""
    actual: int
    """The version that the stream is at."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows whether it was recorded: ask again with the same claim."""

    claim: str
    error: BaseException


Outcome: TypeAlias = Appended | AlreadyRecorded | Conflict | Unknown


def settled(outcome: Outcome) -> Appended | AlreadyRecorded:
    """The outcome where it is one of success; raises StreamConflict or OutcomeUnknown."""
    if isinstance(outcome, Conflict):
        raise StreamConflict(
            stream=outcome.stream, expected=outcome.expected, actual=outcome.actual
        )
    if isinstance(outcome, Unknown):
        raise OutcomeUnknown(claim=outcome.claim) from outcome.error
    return outcome
