"""What a shop's query budget allows now, by what Shopify said of it last.

Source: Shopify's page on the limits of the GraphQL Admin API. A query runs only if its requested
cost is available; afterwards its actual cost, which is at most that, is what it took.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

DEFAULT_WAIT: Final = 1.0
"""Seconds to wait if Shopify throttles without saying for how long."""

MOST: Final = 1000.0
"""Points that one query may cost."""

_ROUNDING: Final = 0.01  # seconds


@dataclass
class Budget:
    """The points of one shop's bucket, which grow at a steady rate up to a maximum."""

    clock: Callable[[], float] = time.monotonic
    _maximum: float = 0.0
    _rate: float = 0.0
    _available: float = 0.0
    _at: float = 0.0
    _requested: dict[Hashable, float] = field(default_factory=dict)

    def heard(self, query: Hashable, cost: Mapping[str, Any]) -> bool:
        """Notes the `extensions.cost` of an answer to the query; answers whether it could be
        read."""
        status = cost.get("throttleStatus")
        try:
            requested = float(cost["requestedQueryCost"])
            maximum, available, rate = (
                float(status[name])  # type: ignore[index]
                for name in ("maximumAvailable", "currentlyAvailable", "restoreRate")
            )
        except (KeyError, TypeError, ValueError, OverflowError):
            return False
        # JSON readers take NaN and Infinity for numbers: no wait could be told by them.
        if not all(map(math.isfinite, (requested, maximum, available, rate))):
            return False
        if not (rate > 0 and maximum > 0):
            return False
        self._maximum, self._rate, self._available = maximum, rate, available
        self._at = self.clock()
        self._requested[query] = requested
        return True

    def wait(self, query: Hashable) -> float:
        """Seconds until the query fits; 0 if it does, or if nothing is known of the budget yet.

        (requested - available) / restore rate, less the time since Shopify said so. A query that
        was not asked before may cost as much as any.
        """
        if self._rate <= 0:
            return 0.0
        requested = self._requested.get(query, min(MOST, self._maximum))
        left = (requested - self._available) / self._rate - (self.clock() - self._at)
        # A little more than that: a request that comes a moment too early is throttled.
        return left + _ROUNDING if left > 0 else 0.0

    def knows(self, query: Hashable) -> bool:
        """Whether the query was asked before."""
        return query in self._requested

    def too_dear(self, query: Hashable) -> bool:
        """Whether the query costs more than the bucket ever holds."""
        return self._requested.get(query, 0.0) > self._maximum > 0

    @property
    def point(self) -> float:
        """Seconds until one more point is available."""
        return 1 / self._rate if self._rate > 0 else DEFAULT_WAIT


def seconds(retry_after: str) -> float:
    """The seconds of a Retry-After header; DEFAULT_WAIT if it does not say."""
    try:
        told = float(retry_after)
    except ValueError:
        return DEFAULT_WAIT
    return max(told, 0.1) if math.isfinite(told) else DEFAULT_WAIT
