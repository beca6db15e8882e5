"""The catalogue finds its events by itself, and knows which family each belongs to."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from cplus.errors import EventTypeTaken
from cplus.events.base import Event
from cplus.events.catalogue import CATALOGUE, Catalogue, all_events
from cplus.events.catalogue.orders import OrderChanged
from tests.conftest import ROOT

FOLDER = ROOT / "cplus" / "events" / "catalogue"


class LampLit(Event):
    """An event of a made-up family: this test names no live one, so families may grow."""

    TYPE: ClassVar[str] = "lamp.lit"
    FAMILY: ClassVar[str] = "lamps"


class LampPraised(Event):
    """An event that nobody has thought about yet."""

    TYPE: ClassVar[str] = "lamp.praised"
    FAMILY: ClassVar[str] = "lamps"


class RugSold(Event):
    """An event of another family."""

    TYPE: ClassVar[str] = "rug.sold"
    FAMILY: ClassVar[str] = "rugs"


def test_each_module_is_a_family_and_each_class_in_it_an_event_of_it() -> None:
    modules = {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}
    assert CATALOGUE.families() == modules
    for module in modules:
        in_it = {e.__name__ for e in all_events() if module == e.FAMILY}
        assert in_it == _classes(FOLDER / f"{module}.py")


def _classes(path: Path) -> set[str]:
    lines = path.read_text().splitlines()
    return {line[6:].partition("(")[0] for line in lines if line.startswith("class ")}


def test_no_stored_type_is_there_twice() -> None:
    assert len({event.TYPE for event in all_events()}) == sum(
        len(_classes(path)) for path in FOLDER.glob("*.py") if path.stem != "__init__"
    )


def test_two_classes_of_one_stored_type_are_refused_by_name() -> None:
    class LampOn(Event):
        TYPE: ClassVar[str] = "lamp.lit"
        FAMILY: ClassVar[str] = "lamps"

    with pytest.raises(EventTypeTaken) as refused:
        Catalogue([LampLit, RugSold, LampOn])
    for said in ("LampLit", "LampOn", "'lamp.lit'"):
        assert said in str(refused.value)
    assert Catalogue([LampLit, LampLit]).all_events() == [LampLit], "one class under two names"


def test_of_a_family_everything_is_passed_but_what_is_handled() -> None:
    made_up = Catalogue([LampLit, LampPraised, RugSold])
    assert made_up.passed({"lamps"}, {LampLit}) == {LampPraised.TYPE}
    assert made_up.passed({"lamps", "rugs"}, {LampLit}) == {LampPraised.TYPE, RugSold.TYPE}
    assert made_up.passed(frozenset(), {LampLit}) == set()


def test_a_new_shape_of_an_event_is_of_the_same_family() -> None:
    class Newer(OrderChanged):
        TYPE: ClassVar[str] = "order.changed"
        VERSION: ClassVar[int] = 2

    assert Newer.FAMILY == "orders"
