"""Deadlines: until when work may go on, by a clock that nobody sets."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment by which work has to end."""

    at: float
    """A moment of `clock`, in seconds."""
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def within(cls, seconds: float, clock: Callable[[], float] = time.monotonic) -> Self:
        """The moment that is `seconds` from now."""
        return cls(clock() + seconds, clock)

    @classmethod
    def never(cls) -> Self:
        """A deadline that no work comes to."""
        return cls(math.inf)

    def remaining(self) -> float:
        """Seconds left; 0 once it has passed."""
        return max(0.0, self.at - self.clock())

    def passed(self) -> bool:
        """Whether no time is left."""
        return self.clock() >= self.at

    def or_within(self, seconds: float) -> Deadline:
        """This deadline, or the moment that is `seconds` from now if that comes first."""
        return Deadline(min(self.at, self.clock() + seconds), self.clock)

    def with_margin(self, seconds: float, share: float) -> Deadline:
        """An earlier deadline: `seconds` earlier, or `share` (0 to 1) of what remains if that is
        less, so that a short time is not all margin."""
        return Deadline(self.at - min(seconds, share * self.remaining()), self.clock)
