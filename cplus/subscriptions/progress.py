"""How far a follower of the log came in one call."""

from __future__ import annotations

from dataclasses import dataclass

from cplus.subscriptions.checkpoints import Parked


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a projection came in a shop."""

    projection: str
    shop: str
    position: int
    commits: int
    """How many were read and passed in this call."""
    done: bool
    """Nothing is left to do now: the end of the log was reached, or it is parked. False where
    the deadline came first."""
    parked: Parked | None
