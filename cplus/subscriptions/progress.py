"""How far a follower of the log came in one call."""

from __future__ import annotations

from dataclasses import dataclass

from cplus.subscriptions.checkpoints import Parked, Retry


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a projection or a reaction came in a shop."""

    projection: str
    """Its name."""
    shop: str
    position: int
    commits: int
    """How many were read and passed in this call."""
    done: bool
    """Nothing is left to do now: the end of the log was reached, or it is parked, or waits for its
    next try. False where the deadline came first."""
    parked: Parked | None
    retry: Retry | None = None
    """What a reaction failed on and tries again; projections have none."""

    @property
    def stopped(self) -> bool:
        """It stands in front of a commit that it cannot pass now."""
        return self.parked is not None or self.retry is not None
