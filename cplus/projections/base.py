"""What a projection is: data and pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from cplus.events.base import Event, Recorded
from cplus.events.catalogue import CATALOGUE

Row: TypeAlias = Mapping[str, Any]
"""A document of a read model, without `_id` and `shop`: the runner adds both."""
Rows: TypeAlias = Mapping[str, Row | None]
"""Rows by key; None is one that is not there."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What the runner counts of the rows of a shop, so that no page has to.

    The counts are stored in the checkpoint, which is written together with the rows.
    """

    of: Callable[[Mapping[str, Row]], Mapping[str, int]]
    """Rows by key -> the numbers by name. Pure. The numbers of two sets of rows add up to those of
    both together, unless a row of one is linked to a row of the other."""
    links: str = ""
    """The field with the keys of the rows that a row can only be counted together with, for
    example because they are one person. An index finds it; a link is never taken away."""
    linked: str = ""
    """The field that is true of a row with a link, in either direction."""


@dataclass(frozen=True, slots=True)
class Projection:
    """A read model by its name, and how it is folded: by `evolve` or by `evolve_together`.

    Folding does no I/O and reads no clock, never changes the row it is given, and an event that
    it saw before changes nothing. An event that is not in `handles`, and of no family in `passes`,
    parks the shop: this code does not know what it means for the rows.
    """

    name: str
    version: int
    """Raised when the fold changes and cannot continue from the rows that are stored
    (docs/read-models.md, "Changing a fold")."""
    handles: frozenset[type[Event]]
    keys: Callable[[Recorded], Iterable[str]]
    """The keys of the rows that the event touches, unique within the shop."""
    passes: frozenset[str] = CATALOGUE.families()
    """Names of families (the modules of `cplus.events.catalogue`): whatever of them is not handled
    is passed over. All that this code knows, but in tests of what is not known."""
    evolve: Callable[[str, Row | None, Recorded], Row | None] | None = None
    """(key, row, event) -> the row as it is after the event; None deletes it."""
    evolve_together: Callable[[Rows, Recorded], Rows] | None = None
    """(rows, event) -> those that changed, as they are after the event. In place of `evolve` where
    one row that the event touches depends on another: it is given all of them."""
    opens: frozenset[type[Event]] = frozenset()
    """Those of `handles` whose personal fields it reads. To read one of another event raises
    FieldNotOpened, which parks the shop. What is not opened costs no key and no decryption."""
    indexes: tuple[tuple[tuple[str, int], ...], ...] = ()
    """Keys of the indexes that the queries need; each begins with the shop, which is added."""
    counts: Counts | None = None
    """What is counted of its rows; None for nothing."""
    generation: int = 1
    """Which of the collections of this name: rows of two generations rest side by side."""

    def __post_init__(self) -> None:
        if (self.evolve is None) == (self.evolve_together is None):
            raise TypeError(f"{self.name} is folded by evolve or by evolve_together, one of them")

    @property
    def collection(self) -> str:
        """The collection of its rows in this generation."""
        return collection_of(self.name, self.version, self.generation)


def collection_of(name: str, version: int, generation: int) -> str:
    """The collection of one generation; the first of a name carries no number."""
    first = f"{name}.v{version}"
    return first if generation == 1 else f"{first}.g{generation}"


def number_of(collection: str) -> int:
    """The number of the generation that the collection is."""
    number = collection.rpartition(".g")[2]
    return int(number) if number.isdecimal() else 1
