"""What every aggregate has: it begins empty, and its stream is its id."""

from __future__ import annotations

from typing import Self

from eventsourcing.domain import BaseAggregate


class Aggregate(BaseAggregate[str]):
    """State of one stream, folded from its own events by `evolve`.

    It does no I/O and reads no clock: every decision is told the time, and the facts from
    outside that it depends on. A decision that would change nothing triggers nothing.
    """

    @classmethod
    def empty(cls, stream: str) -> Self:
        """The aggregate before its first event, at version 0."""
        made = cls.__new__(cls)
        # The library makes an aggregate with its first event, and types it so: a time is there
        # from the first one on, and `__init__` is for it to call. Here both come before it.
        made.__base_init__(originator_id=stream, originator_version=0, timestamp=None)  # type: ignore[arg-type]
        made.__init__()  # type: ignore[misc]
        return made
