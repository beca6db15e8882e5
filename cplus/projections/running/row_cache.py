"""The rows of one shop that a runner keeps in memory from batch to batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cplus.projections.base import Row


@dataclass(frozen=True, slots=True)
class CacheLimits:
    """How much a runner keeps of one shop."""

    rows: int = 20_000
    """Rows that are kept between two batches at most."""
    bytes: int = 16 * 1024 * 1024
    """Bytes of those rows, about; and of the rows that are loaded for one batch."""
    keys: int = 200_000
    """Keys at most of rows that are stored and not kept; none of the others needs to be asked
    for."""


@dataclass(slots=True)
class RowCache:
    """Rows of one shop as they are stored.

    They stay true as long as this runner moves the checkpoint, which only one can, and nobody
    repairs rows.
    """

    limits: CacheLimits
    rows: dict[str, Row | None] = field(default_factory=dict)
    """By key; None is a row that is not there."""
    whole: bool = False
    """Whether a row that is neither in `rows` nor in `forgotten` is known not to be stored."""
    forgotten: set[str] = field(default_factory=set)
    """Keys of rows that are stored, and were let go of."""
    size: int = 0
    """Bytes that were loaded and folded into them: no less than they are."""

    def missing(self, keys: set[str]) -> set[str]:
        """Those of the keys whose rows have to be loaded."""
        unknown = keys - self.rows.keys()
        return unknown & self.forgotten if self.whole else unknown

    def loaded(self, keys: set[str], found: Mapping[str, Row], size: int) -> None:
        """Adds what is stored under these keys: the rows that were found, of `size` bytes."""
        self.size += size
        self.forgotten -= keys
        self.rows.update(dict.fromkeys(keys))
        self.rows.update(found)

    def written(self, changed: Mapping[str, Row | None], size: int) -> None:
        """Adds the rows as they were written, of commits of `size` bytes; lets go of the others
        if there are too many, and of their keys if there are too many of those."""
        limits = self.limits
        self.rows.update(changed)
        self.size += size
        if self.size <= limits.bytes and len(self.rows) <= limits.rows:
            return
        self.forgotten |= self.rows.keys() - changed.keys()
        self.rows, self.size = dict(changed), size
        if size > limits.bytes:
            self.forgotten |= changed.keys()
            self.rows, self.size = {}, 0
        if len(self.forgotten) > limits.keys:
            self.whole, self.forgotten = False, set()
