"""Given, when, then: for who tests a fold.

    given(ORDERS, OrderChanged(...)).when(OrderDeleted(...)).then({"7": {"deleted": True}})

Nothing here reads a clock or asks a database. A scenario is never changed: each `when` answers a
new one.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from cplus.events.base import AggregateEvent, Event, Recorded
from cplus.projections.base import Projection, Row, Rows

SHOP = "acorn.myshopify.com"
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


def told(
    event: Event,
    number: int = 1,
    *,
    minutes: int | None = None,
    stream: str = "",
    version: int | None = None,
) -> Recorded:
    """The event as event `number` of the shop, `minutes` (the number, where it is not given)
    after the beginning of 2026. What an aggregate decided brings its own place and time."""
    occurred_at = BEGINNING + timedelta(minutes=number if minutes is None else minutes)
    if isinstance(event, AggregateEvent):
        stream, version, occurred_at = (
            event.originator_id,
            event.originator_version,
            event.timestamp,
        )
    return Recorded(
        shop=SHOP,
        position=number,
        number=number,
        id=f"commit{number:06d}/0",
        stream=stream,
        version=version,
        occurred_at=occurred_at,
        recorded_at=BEGINNING + timedelta(minutes=number),
        source="test",
        actor="test",
        event=event,
    )


def fold_all(
    projection: Projection, events: tuple[Recorded, ...], before: Mapping[str, Row] | None = None
) -> dict[str, Row]:
    """The rows that the events make of those from `before`, by key. Raises AssertionError for an
    event that the projection neither handles nor passes over, which would park the shop, and where
    it changes a row that it is given, which the runner would not write."""
    rows: dict[str, Row] = dict(before or {})
    for one in events:
        event, kind = one, type(one.event)
        if kind not in projection.handles and kind.FAMILY in projection.passes:
            continue
        assert kind in projection.handles, (  # noqa: S101
            f"{projection.name} neither handles nor passes over {kind.__name__}"
        )
        if kind not in projection.opens:  # as the runner gives it
            event = event._replace(event=event.event.model_copy().closed())
        given: Rows = {key: rows.get(key) for key in projection.keys(event)}
        unchanged = copy.deepcopy(given)
        touched: Rows = {}
        if projection.evolve is not None:
            touched = {key: projection.evolve(key, row, event) for key, row in given.items()}
        elif projection.evolve_together is not None:
            touched = projection.evolve_together(given, event)
        assert given == unchanged, (  # noqa: S101
            f"{projection.name} changed in place what it was given for {kind.__name__}: "
            f"{unchanged} became {given}; a fold answers new rows"
        )
        for key, row in touched.items():
            if row is None:
                rows.pop(key, None)
            else:
                rows[key] = row
    return rows


@dataclass(frozen=True)
class Scenario:
    """A projection and what it was told, in this order."""

    projection: Projection
    before: tuple[Recorded, ...] = ()
    events: tuple[Recorded, ...] = ()

    def when(self, *events: Event | Recorded) -> Scenario:
        """The same, and then these events."""
        before = self.events
        return replace(self, before=before, events=before + _numbered(events, len(before)))

    def when_told_again(self) -> Scenario:
        """The same, and then every event once more, as it was."""
        return self.when(*self.events)

    def rows(self) -> dict[str, Row]:
        """All rows, by key."""
        return fold_all(self.projection, self.events)

    def then(self, expected: Mapping[str, Mapping[str, object]]) -> Scenario:
        """There are exactly these rows, and they hold at least these fields."""
        rows = self.rows()
        assert sorted(rows) == sorted(expected), (  # noqa: S101
            f"rows {sorted(rows)}, expected {sorted(expected)}"
        )
        for key, fields in expected.items():
            found = {name: rows[key].get(name) for name in fields}
            assert found == dict(fields), f"row {key!r}: {found}, expected {dict(fields)}"  # noqa: S101
        return self

    def then_nothing_changed(self) -> Scenario:
        """The events of the last `when` made no difference."""
        was, now = fold_all(self.projection, self.before), self.rows()
        assert was == now, f"rows were {was}, and are {now}"  # noqa: S101
        return self

    def then_the_same_in_any_order(self, tries: int = 20, seed: int = 1) -> Scenario:
        """Shuffled, and some events told twice, they make the same rows: what a fold of facts
        from Shopify promises."""
        rows, chance = self.rows(), random.Random(seed)
        for _ in range(tries):
            again = chance.sample(self.events, chance.randint(0, len(self.events)))
            events = [*self.events, *again]
            chance.shuffle(events)
            found = fold_all(self.projection, tuple(events))
            order = [event.number for event in events]
            assert found == rows, f"in the order {order}: {found}, expected {rows}"  # noqa: S101
        return self


def given(projection: Projection, *events: Event | Recorded) -> Scenario:
    """A projection that was told these events, numbered from 1, a minute apart."""
    return Scenario(projection, (), _numbered(events, 0))


def _numbered(events: tuple[Event | Recorded, ...], after: int) -> tuple[Recorded, ...]:
    return tuple(
        event if isinstance(event, Recorded) else told(event, number)
        for number, event in enumerate(events, start=after + 1)
    )
