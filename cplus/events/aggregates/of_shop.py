"""What a shop has one of: its team, settings, segments, saved replies."""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime
from typing import Any

from cplus.events.aggregates.base import Aggregate
from cplus.events.base import AggregateEvent


class OfShop(Aggregate):
    """Stream `…/<host>`, which begins anew once the shop was erased: the first event after that
    says so (`anew`), and nothing before it counts."""

    def __init__(self) -> None:
        self._anew = False
        self._begin()

    @abstractmethod
    def _begin(self) -> None:
        """Sets the state to that of a shop of which nothing is recorded."""

    def forget(self) -> None:
        """The shop was erased since its last event: what is decided next begins anew."""
        self._begin()
        self._anew = True

    def _set(self, kind: type[AggregateEvent], *, now: datetime, **fields: Any) -> None:
        self.trigger_event(kind, anew=self._anew, timestamp=now, **fields)

    def _apply(self, *, anew: bool) -> None:
        """Before each event changes the state."""
        self._anew = False
        if anew:
            self._begin()
