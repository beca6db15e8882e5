"""The base of all aggregates: it starts empty, and its stream is its id."""

from __future__ import annotations

from typing import Self

from eventsourcing.domain import BaseAggregate


class Aggregate(BaseAggregate[str]):
    """State of one stream, folded from its own events by `evolve`.

    It does no I/O and reads no clock: every decision gets the time, and the outside facts that it
    depends on, as arguments. A decision that would change nothing triggers nothing.
    """

    @classmethod
    def empty(cls, stream: str) -> Self:
        """The aggregate before its first event, at version 0."""
        made = cls.__new__(cls)
        # The library creates an aggregate from its first event: it sets the time then and calls
        # `__init__` itself. Here both happen before the first event.
        # No time is known yet; the library's annotation has no None.
        made.__base_init__(originator_id=stream, originator_version=0, timestamp=None)  # type: ignore[arg-type]
        # A subclass might take arguments, mypy warns; those of this project take none.
        made.__init__()  # type: ignore[misc]
        return made
