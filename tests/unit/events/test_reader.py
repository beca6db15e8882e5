"""The reader is the one way to events, and nobody else looks into what is stored."""

from __future__ import annotations

import ast
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest

from cplus.errors import UnknownEvent
from cplus.events.base import Event, NewEvent
from cplus.events.catalogue import Catalogue
from cplus.events.catalogue.orders import OrderDeleted
from cplus.events.catalogue.shops import AppUninstalled
from cplus.events.log.codec import encode
from cplus.events.log.commit import Commit
from cplus.events.reader import EventReader, in_batches
from tests.conftest import ROOT

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
READER = EventReader()


class GiftWrapped(Event):
    """An event that this code does not know."""

    TYPE: ClassVar[str] = "gift.wrapped"


def commit(*events: Event, position: int = 1, seq: int = 0) -> Commit:
    stored = [encode(NewEvent(f"order/{n}", event, NOW)) for n, event in enumerate(events)]
    return Commit(
        id=f"commit{position}",
        shop="acorn.myshopify.com",
        position=position,
        seq=seq,
        claims=(),
        refs=(),
        recorded_at=NOW,
        source="webhook",
        actor="shopify",
        correlation_id=None,
        causation_id=None,
        reason=None,
        documents=stored,
        cause=None,
    )


DELETED = OrderDeleted(shopify_order_id=7)
MIXED = commit(DELETED, AppUninstalled(), DELETED, position=3, seq=10)


async def test_each_event_comes_with_its_place_in_the_log() -> None:
    [[_, told, _]] = await READER.read([MIXED])
    assert (told.event, told.stream, told.version) == (AppUninstalled(), "order/1", None)
    assert (told.position, told.number, told.id) == (3, 12, "commit3/1")
    assert (told.source, told.actor, told.recorded_at) == ("webhook", "shopify", NOW)


async def test_events_of_some_classes_are_found_where_they_are() -> None:
    found = await READER.read([MIXED, commit(), commit(DELETED)], [OrderDeleted])
    assert [[one.number for one in events] for events in found] == [[11, 13], [], [1]]
    assert [one.number for one in await READER.of(MIXED, AppUninstalled)] == [12]
    assert len(await READER.of(MIXED)) == 3


async def test_what_is_not_asked_for_may_be_unknown() -> None:
    log = [commit(GiftWrapped(), DELETED)]
    [[told]] = await READER.read(log, [OrderDeleted])
    assert told.event == DELETED
    with pytest.raises(UnknownEvent):
        await READER.read(log)


async def test_reading_on_gives_what_stands_before_the_commit_at_fault() -> None:
    log = [commit(DELETED), commit(DELETED, GiftWrapped()), commit(DELETED)]
    found, fault = await READER.read_on(log, None)
    assert len(found) == 1
    assert fault is not None
    assert (fault.type, type(fault.error)) == ("gift.wrapped", UnknownEvent)


async def test_old_shapes_come_in_the_newest() -> None:
    class Newer(OrderDeleted):
        VERSION: ClassVar[int] = 2
        cancelled: bool

    catalogue = Catalogue([Newer], {("order.deleted", 1): lambda d: {**d, "cancelled": True}})
    [told] = await EventReader(catalogue).of(commit(DELETED))
    assert told.event == Newer(shopify_order_id=7, cancelled=True)


async def test_commits_come_in_batches_and_none_is_left_over() -> None:
    async def stored() -> AsyncIterator[Commit]:
        for number in range(5):
            yield commit(position=number)

    sizes = [len(batch) async for batch in in_batches(stored(), 2)]
    assert sizes == [2, 2, 1]


def _modules() -> Iterator[Path]:
    own = {ROOT / "cplus" / "events" / "reader.py"}
    for path in sorted((ROOT / "cplus").rglob("*.py")):
        if path not in own and (ROOT / "cplus" / "events" / "log") not in path.parents:
            yield path


def test_nobody_else_looks_into_stored_events() -> None:
    looking = []
    for path in _modules():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr == "documents":
                looking.append(f"{path.relative_to(ROOT)}:{node.lineno}")
            if isinstance(node, ast.ImportFrom) and node.module == "cplus.events.log.codec":
                looking.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert looking == []


MAKE_ONE = {"cplus/privacy/sealed_log.py"}
"""The one place that makes readers, for every process that decodes events."""


def test_a_reader_is_made_in_one_place() -> None:
    making = set()
    for path in [*(ROOT / "cplus").rglob("*.py"), *(ROOT / "lambdas").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            called = isinstance(node, ast.Call) and _name(node.func) == "EventReader"
            handed = isinstance(node, ast.keyword) and _name(node.value) == "EventReader"
            if called or handed:  # handed on as it is, it would be called by somebody else
                making.add(path.relative_to(ROOT).as_posix())
    assert making == MAKE_ONE


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""
