"""Folding a batch of commits in memory. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Protocol

from cplus.errors import UnknownEvent
from cplus.events.base import Event, Recorded
from cplus.events.catalogue import Catalogue
from cplus.events.commit import Commit
from cplus.projections.base import Projection, Row, Rows


class Understands(Protocol):
    """Who says of each type of event whether it means something to it: a projection, or the
    reactions."""

    @property
    def handles(self) -> frozenset[type[Event]]:
        """What it reads."""
        ...

    @property
    def ignores(self) -> frozenset[type[Event]]:
        """What it passes by."""
        ...

    @property
    def keys(self) -> Callable[[Recorded], Iterable[str]]:
        """The keys of the rows that an event touches."""
        ...


@dataclass(frozen=True, slots=True)
class Stop:
    """The commit that could not be read or folded."""

    position: int
    seq: int
    """Events of the shop before that commit."""
    type: str
    """The stored type of the event at fault."""
    reason: str
    where: str = field(default="", compare=False)
    """File and line of the projection's code at which it was raised, as `orders.py:41`."""

    @classmethod
    def at(cls, commit: Commit, type_: str, reason: str, where: str = "") -> Stop:
        """In front of the commit."""
        return cls(commit.position, commit.seq, type_, reason, where)


def _where(error: BaseException) -> str:
    """The last line of the file that was called from here on the way to where it was raised."""
    found, frame = "", error.__traceback__ and error.__traceback__.tb_next
    own = frame and frame.tb_frame.f_code.co_filename
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == own:
            found = f"{PurePath(own).name}:{frame.tb_lineno}"
        frame = frame.tb_next
    return found


Touched = tuple[Recorded, Sequence[str]]
"""An event and the keys of the rows that it touches."""


@dataclass(slots=True)
class Decoded:
    """The commits of a batch that this code can read, and what stopped it."""

    commits: list[tuple[Commit, list[Touched]]] = field(default_factory=list)
    stop: Stop | None = None

    def keys(self) -> set[str]:
        """The keys of all rows that the batch touches."""
        return {key for _, events in self.commits for _, keys in events for key in keys}


def decode(reader: Understands, commits: Sequence[Commit], catalogue: Catalogue) -> Decoded:
    """Decodes the events that the reader handles, up to the first that it does not know:
    a type that it neither handles nor ignores, or a schema version that is not in the
    catalogue. What it ignores is not even decoded."""
    handled = {event.TYPE for event in reader.handles}
    ignored = {event.TYPE for event in reader.ignores}
    decoded = Decoded()
    for commit in commits:
        events: list[Touched] = []
        for index, document in enumerate(commit.documents):
            type_ = document["type"]
            if type_ in ignored:
                continue
            if type_ not in handled:
                decoded.stop = Stop.at(commit, type_, "unknown_type")
                return decoded
            try:
                event = commit.event(index, catalogue)
            except UnknownEvent:
                decoded.stop = Stop.at(commit, type_, "unknown_schema")
                return decoded
            except Exception as error:  # noqa: BLE001  whatever it is, it stops this shop only
                decoded.stop = Stop.at(commit, type_, type(error).__name__)
                return decoded
            try:
                keys = tuple(reader.keys(event))
                if not all(type(key) is str for key in keys):
                    raise TypeError("a key is text")
                events.append((event, keys))
            except Exception as error:  # noqa: BLE001  the same
                decoded.stop = Stop.at(commit, type_, type(error).__name__, _where(error))
                return decoded
        decoded.commits.append((commit, events))
    return decoded


def fold(
    projection: Projection,
    decoded: Decoded,
    rows: Mapping[str, Row | None],
    changed: dict[str, Row | None],
) -> Stop | None:
    """Folds commit by commit, each whole or not at all, over the rows as they are stored and as
    they are `changed` by now, to which the rows after it are added (None: deleted); answers what
    stopped it."""
    evolve, together = projection.evolve, projection.evolve_together
    for commit, events in decoded.commits:
        staged: dict[str, Row | None] = {}
        for event, keys in events:
            try:
                if evolve is not None:
                    for key in keys:
                        known = staged if key in staged else changed if key in changed else rows
                        staged[key] = evolve(key, known.get(key), event)
                elif together is not None:
                    staged.update(together(_known(keys, staged, changed, rows), event))
            except Exception as error:  # noqa: BLE001  a fold that raises parks, and no more
                return Stop.at(commit, event.event.TYPE, type(error).__name__, _where(error))
        changed.update(staged)
    return decoded.stop


def _known(keys: Sequence[str], staged: Rows, changed: Rows, rows: Rows) -> Rows:
    """The rows of these keys as they are by now."""
    return {
        key: (staged if key in staged else changed if key in changed else rows).get(key)
        for key in keys
    }


def differing(
    changed: Mapping[str, Row | None], rows: Mapping[str, Row | None]
) -> dict[str, Row | None]:
    """The rows that are no longer what they were."""
    return {key: row for key, row in changed.items() if row != rows.get(key)}
