"""Rows that earlier releases stored are folded on: a release changes none of them by itself."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from cplus.projections.base import Projection
from cplus.projections.groups import ALL
from cplus.projections.testing import fold_all
from tests.unit.projections.rows_of_releases import ROWS, golden_events, rows_of

RELEASES = sorted(ROWS.glob("*.json"))
# A release has no rows of a read model that came after it.
STORED = [(release, one) for release in RELEASES for one in ALL if one.name in rows_of(release)]


@pytest.mark.parametrize(
    ("release", "projection"), STORED, ids=lambda value: getattr(value, "name", None)
)
def test_rows_of_an_earlier_release_are_folded_on(release: Path, projection: Projection) -> None:
    shops = rows_of(release)[projection.name]
    assert shops
    events = [
        event._replace(told_at=told_at)
        for minutes in (-60 * 24, 0, 60 * 24)  # what happened before, at the same time, after
        for event in golden_events(version=1000, moved=timedelta(minutes=minutes))
        for told_at in (None, event.occurred_at)
    ]
    for before in shops:
        for event in events:
            after = fold_all(projection, (event,), before)
            again = fold_all(projection, (event,), after)
            assert again == after, f"{event.event} changed its own rows {after} to {again}"
            if projection.counts is not None:
                projection.counts.of(after)
