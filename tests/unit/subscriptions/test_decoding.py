"""What a follower of the log is given, and in front of what it stops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar

from cplus.events.base import Event, NewEvent
from cplus.events.catalogue import Catalogue, all_events
from cplus.events.catalogue.orders import OrderChanged, OrderDeleted
from cplus.events.catalogue.shops import AppUninstalled
from cplus.events.log.codec import encode
from cplus.events.log.commit import Commit
from cplus.events.reader import EventReader
from cplus.projections.base import Projection
from cplus.subscriptions.decoding import Decoded, decode

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
ORDER = OrderChanged(shopify_order_id=1, name="#1", currency="EUR", total_price="1.00")


class OrderPraised(Event):
    """An event that the code under test does not know."""

    TYPE: ClassVar[str] = "order.praised"
    FAMILY: ClassVar[str] = "orders"


KNOWING = EventReader(Catalogue([*all_events(), OrderPraised]))
FOLLOWER = Projection(
    name="follower",
    version=1,
    handles=frozenset({OrderDeleted}),
    passes=frozenset({"orders"}),
    keys=lambda event: [str(event.number)],
    evolve=lambda _key, row, _event: row,
)


def commits(*groups: Sequence[Event]) -> list[Commit]:
    """A commit for each group of events."""
    made, seq = [], 0
    for position, events in enumerate(groups, start=1):
        stored = [encode(NewEvent("order/1", event, NOW)) for event in events]
        made.append(
            Commit(
                id=f"commit{position}",
                shop="acorn.myshopify.com",
                position=position,
                seq=seq,
                claims=(),
                refs=(),
                recorded_at=NOW,
                source="test",
                actor="test",
                correlation_id=None,
                causation_id=None,
                reason=None,
                documents=stored,
                cause=None,
            )
        )
        seq += len(events)
    return made


def told(decoded: Decoded) -> list[list[int]]:
    return [[event.number for event, _ in events] for _, events in decoded.commits]


DELETED = OrderDeleted(shopify_order_id=1)


async def test_what_is_passed_over_is_left_out_of_its_commit() -> None:
    decoded = await decode(EventReader(), FOLLOWER, commits([ORDER, DELETED], [ORDER], [DELETED]))
    assert (told(decoded), decoded.stop) == ([[2], [], [4]], None)
    assert decoded.keys() == {"2", "4"}


async def test_a_type_outside_the_catalogue_stops_also_if_its_family_is_passed() -> None:
    log = commits([DELETED], [DELETED, OrderPraised()], [DELETED])
    decoded = await decode(EventReader(), FOLLOWER, log)
    assert told(decoded) == [[1]]
    assert decoded.stop is not None
    stop = decoded.stop
    assert (stop.position, stop.seq, stop.type, stop.reason) == (
        *(2, 1),
        "order.praised",
        "unknown_type",
    )
    assert told(await decode(KNOWING, FOLLOWER, log)) == [[1], [2], [4]]


async def test_an_event_of_a_family_that_is_not_named_stops() -> None:
    decoded = await decode(EventReader(), FOLLOWER, commits([DELETED], [AppUninstalled()]))
    assert told(decoded) == [[1]]
    assert decoded.stop is not None
    assert (decoded.stop.type, decoded.stop.reason) == ("app.uninstalled", "unknown_type")


async def test_an_event_of_a_family_that_is_handled_in_full_stops_until_it_is_handled_too() -> None:
    whole = replace(FOLLOWER, handles=frozenset({OrderChanged, OrderDeleted}), passes=frozenset())
    decoded = await decode(KNOWING, whole, commits([ORDER, DELETED], [OrderPraised()]))
    assert told(decoded) == [[1, 2]]
    assert decoded.stop is not None
    assert (decoded.stop.type, decoded.stop.reason) == ("order.praised", "unknown_type")


async def test_a_shape_that_is_newer_than_this_code_stops_where_it_is_handled() -> None:
    class Newer(OrderDeleted):
        VERSION: ClassVar[int] = 2

    log = commits([DELETED], [Newer(shopify_order_id=1)])
    decoded = await decode(EventReader(), FOLLOWER, log)
    assert told(decoded) == [[1]]
    assert decoded.stop is not None
    assert (decoded.stop.type, decoded.stop.reason) == ("order.deleted", "unknown_schema")
    passing = replace(FOLLOWER, handles=frozenset({OrderChanged}))
    assert (await decode(EventReader(), passing, log)).stop is None


async def test_keys_that_cannot_be_told_stop_in_front_of_that_commit() -> None:
    def number_two(event: object) -> list[str]:
        return ["1", 2] if getattr(event, "number", 0) == 2 else ["1"]  # type: ignore[list-item]

    decoded = await decode(
        EventReader(),
        replace(FOLLOWER, keys=number_two),
        commits([DELETED], [DELETED], [OrderPraised()]),
    )
    assert told(decoded) == [[1]]
    assert decoded.stop is not None
    assert (decoded.stop.position, decoded.stop.reason) == (2, "TypeError")
