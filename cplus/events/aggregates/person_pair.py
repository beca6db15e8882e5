"""Whether two persons are one, because a merchant says so: state and decisions.

What either of them is, and whom else they were merged with, is no part of it: so two merges never
wait for each other, and each is taken back alone.
"""

from __future__ import annotations

from datetime import datetime
from functools import singledispatchmethod

from cplus.events.aggregates.base import Aggregate
from cplus.events.base import AggregateEvent
from cplus.events.catalogue.merges import PersonsMerged, PersonsUnmerged


class PersonPair(Aggregate):
    """Stream `merge/<person>+<person>`."""

    def __init__(self) -> None:
        self.merged = False

    def merge(self, *, one: str, other: str, now: datetime) -> None:
        """They are one from now on; again changes nothing."""
        if not self.merged:
            small, large = sorted((one, other))
            self.trigger_event(PersonsMerged, person=small, absorbed=large, timestamp=now)

    def unmerge(self, *, one: str, other: str, now: datetime) -> None:
        """They are two again; again changes nothing."""
        if self.merged:
            small, large = sorted((one, other))
            self.trigger_event(PersonsUnmerged, person=small, absorbed=large, timestamp=now)

    @singledispatchmethod
    def evolve(self, event: AggregateEvent) -> None:
        """Changes the state by one event; events it has no case for change nothing."""

    @evolve.register
    def _(self, _event: PersonsMerged) -> None:
        self.merged = True

    @evolve.register
    def _(self, _event: PersonsUnmerged) -> None:
        self.merged = False
