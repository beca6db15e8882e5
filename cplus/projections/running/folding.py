"""Folding a batch of commits in memory. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cplus.projections.base import Projection, Row, Rows
from cplus.subscriptions.decoding import Decoded, Stop, where_in


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
                return Stop.at(commit, event.event.TYPE, type(error).__name__, where_in(error))
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
