"""Folding a batch of commits in memory. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cplus.errors import UnknownEvent
from cplus.events.base import Recorded
from cplus.events.catalogue import Catalogue
from cplus.events.commit import Commit
from cplus.projections.base import Projection, Row


@dataclass(frozen=True, slots=True)
class Stop:
    """The commit that could not be read or folded."""

    position: int
    type: str
    """The stored type of the event at fault."""
    reason: str


@dataclass(slots=True)
class Decoded:
    """The commits of a batch that this code can read, and what stopped it."""

    commits: list[tuple[Commit, list[Recorded]]]
    stop: Stop | None = None

    def keys(self, projection: Projection) -> set[str]:
        """The keys of all rows that the batch touches. A fold that raises here raises again
        when its commit is folded, and is dealt with there."""
        found: set[str] = set()
        for _, events in self.commits:
            for event in events:
                try:
                    found.update(projection.keys(event))
                except Exception:  # noqa: BLE001
                    return found
        return found


def decode(projection: Projection, commits: Sequence[Commit], catalogue: Catalogue) -> Decoded:
    """Decodes the events that the projection handles, up to the first that it does not know:
    a type that it neither handles nor ignores, or a schema version that is not in the
    catalogue. What it ignores is not even decoded."""
    handled = {event.TYPE for event in projection.handles}
    ignored = {event.TYPE for event in projection.ignores}
    decoded = Decoded([])
    for commit in commits:
        events: list[Recorded] = []
        for index, document in enumerate(commit.documents):
            type_ = document["type"]
            if type_ in ignored:
                continue
            if type_ not in handled:
                decoded.stop = Stop(commit.position, type_, "unknown_type")
                return decoded
            try:
                events.append(commit.event(index, catalogue))
            except UnknownEvent:
                decoded.stop = Stop(commit.position, type_, "unknown_schema")
                return decoded
            except Exception as error:  # noqa: BLE001  whatever it is, it stops this shop only
                decoded.stop = Stop(commit.position, type_, type(error).__name__)
                return decoded
        decoded.commits.append((commit, events))
    return decoded


def fold(
    projection: Projection, decoded: Decoded, rows: Mapping[str, Row]
) -> tuple[dict[str, Row | None], Commit | None, Stop | None]:
    """Folds commit by commit, each whole or not at all; answers the rows that are no longer
    what they were (None: deleted), the last commit that was folded, and what stopped it."""
    changed: dict[str, Row | None] = {}
    last: Commit | None = None
    for commit, events in decoded.commits:
        staged: dict[str, Row | None] = {}
        for event in events:
            try:
                for key in projection.keys(event):
                    known = staged if key in staged else changed if key in changed else rows
                    staged[key] = projection.evolve(key, known.get(key), event)
            except Exception as error:  # noqa: BLE001  a fold that raises parks, and no more
                stop = Stop(commit.position, event.event.TYPE, type(error).__name__)
                return _differing(changed, rows), last, stop
        changed.update(staged)
        last = commit
    return _differing(changed, rows), last, decoded.stop


def _differing(changed: Mapping[str, Row | None], rows: Mapping[str, Row]) -> dict[str, Row | None]:
    return {key: row for key, row in changed.items() if row != rows.get(key)}
