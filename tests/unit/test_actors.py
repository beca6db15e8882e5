"""Who acts: what a commit keeps of them, and what no id can be."""

from __future__ import annotations

import pytest

from cplus.actors import ADMIN, LOCAL, MERCHANT, Actor, merchant, operator, system
from cplus.errors import InvalidActor


@pytest.mark.parametrize(
    ("actor", "kept", "shown"),
    [
        (merchant("548380009"), "merchant/548380009", "Staff member 548380009"),
        (merchant("ada", " Ada Brandt "), "merchant/ada", "Ada Brandt"),
        (operator("jo"), "operator/jo", "jo"),
        (MERCHANT, "merchant", "merchant"),
        (ADMIN, "merchant/admin", "Shop admin"),
        (LOCAL, "merchant/local", "Local user"),
    ],
)
def test_a_commit_keeps_the_id_and_people_read_the_name(
    actor: Actor, kept: str, shown: str
) -> None:
    assert (str(actor), actor.shown) == (kept, shown)
    assert actor.author == kept.rpartition("/")[2]


def test_a_part_of_the_system_is_named_by_its_function() -> None:
    assert system("outbound-email") == "system/outbound-email"


@pytest.mark.parametrize(
    "value", ["", " ", "a b", "a/b", "a\n", "ü", "x" * 65, "<script>", "a,b", "\udc80"]
)
def test_what_cannot_be_an_id_is_refused(value: str) -> None:
    for make in (merchant, operator, system):
        with pytest.raises(InvalidActor):
            make(value)


@pytest.mark.parametrize("called", ["x" * 101, "two\nlines", "\u202egnp.exe", "\0"])
def test_a_name_is_one_short_line(called: str) -> None:
    with pytest.raises(InvalidActor):
        merchant("ada", called)


def test_an_error_does_not_repeat_the_name() -> None:
    with pytest.raises(InvalidActor) as raised:
        operator("Ada Brandt")
    assert "Brandt" not in f"{raised.value}{raised.value.values}"
