"""The segments of a shop, and what of its customers was downloaded."""

from __future__ import annotations

from datetime import datetime
from functools import singledispatchmethod
from typing import Final, NamedTuple

from cplus.errors import InvalidInput
from cplus.events.aggregates.of_shop import OfShop
from cplus.events.aggregates.tags import plain_name
from cplus.events.base import AggregateEvent
from cplus.events.catalogue.segments import CustomersExported, SegmentRemoved, SegmentSaved
from cplus.events.segment import Definition
from cplus.wording import worded

MAX_SEGMENTS: Final = 100


class Segment(NamedTuple):
    """A segment of customers."""

    id: str
    name: str
    stored: str
    """Its definition as it is stored."""
    revision: int

    @property
    def definition(self) -> Definition:
        """Which persons it has. Raises InvalidInput if this code cannot read it."""
        return Definition.read(self.stored)


class Segments(OfShop):
    """Stream `segments/<host>`."""

    def _begin(self) -> None:
        self.segments: dict[str, Segment] = {}
        """By their ids, in the order in which they were made."""
        self.sealed_as = ""
        """Whose key seals them; empty before the first."""

    def save(
        self, *, segment: str, name: str, definition: Definition, person: str, now: datetime
    ) -> None:
        """Saves a segment with this id, or changes it; the same again changes nothing. Raises
        InvalidInput for a name that cannot be, and if there are too many."""
        name, before = plain_name(name), self.segments.get(segment)
        others = (one.name.casefold() for one in self.segments.values() if one.id != segment)
        if name.casefold() in others:
            raise InvalidInput(reason=worded("there is a segment with this name already"))
        if before is None and len(self.segments) >= MAX_SEGMENTS:
            reason = worded("a shop can have up to %(most)s segments", most=MAX_SEGMENTS)
            raise InvalidInput(reason=reason)
        if before is None or (before.name, before.stored) != (name, definition.stored):
            self._set(
                SegmentSaved,
                person=self.sealed_as or person,
                segment=segment,
                revision=before.revision + 1 if before else 1,
                name=name,
                definition=definition.stored,
                now=now,
            )

    def remove(self, *, segment: str, now: datetime) -> None:
        """Removes the segment; again changes nothing."""
        if segment in self.segments:
            self._set(SegmentRemoved, segment=segment, now=now)

    def note_export(
        self, *, definition: Definition, customers: int, person: str, now: datetime
    ) -> None:
        """Somebody downloads these customers."""
        self._set(
            CustomersExported,
            person=self.sealed_as or person,
            definition=definition.stored,
            customers=customers,
            now=now,
        )

    @singledispatchmethod
    def evolve(self, event: AggregateEvent) -> None:
        """Changes the state by one event; events it has no case for change nothing."""

    @evolve.register
    def _(self, event: SegmentSaved) -> None:
        self._apply(anew=event.anew)
        self.sealed_as = event.person
        found = Segment(event.segment, event.name or "", event.definition or "", event.revision)
        self.segments[event.segment] = found

    @evolve.register
    def _(self, event: SegmentRemoved) -> None:
        self._apply(anew=event.anew)
        self.segments.pop(event.segment, None)

    @evolve.register
    def _(self, event: CustomersExported) -> None:
        self._apply(anew=event.anew)
        self.sealed_as = event.person
