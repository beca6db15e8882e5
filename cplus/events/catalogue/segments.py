"""Segments of customers that a merchant saved, and lists of customers that left the app (stream
`segments/<host>`).

Names and definitions are the merchant's own words, sealed as those of the settings are.
"""

from __future__ import annotations

from typing import ClassVar

from cplus.events.base import AggregateEvent, Personal


class SegmentSaved(AggregateEvent):
    """The merchant saved which customers a segment has, under a name; or changed one."""

    TYPE: ClassVar[str] = "segments.saved"
    person: str
    """Whose key seals it: an id that nothing else has; all segments of a shop share one."""
    segment: str
    """Its id."""
    revision: int
    """Counts how often it was saved, from 1: who keeps both knows which persons were meant."""
    name: Personal[str | None]
    definition: Personal[str | None]
    """JSON, as `events/segment.py` has it."""
    anew: bool = False
    """As in SignatureSet."""


class SegmentRemoved(AggregateEvent):
    """The merchant removed a segment. Nobody in it changes."""

    TYPE: ClassVar[str] = "segments.removed"
    segment: str
    anew: bool = False
    """As in SignatureSet."""


class CustomersExported(AggregateEvent):
    """Somebody downloads customers as a file; recorded before they get it."""

    TYPE: ClassVar[str] = "segments.exported"
    person: str
    """As in SegmentSaved."""
    definition: Personal[str | None]
    """Of whom, as in SegmentSaved."""
    customers: int
    """How many the file has."""
    anew: bool = False
    """As in SignatureSet."""
