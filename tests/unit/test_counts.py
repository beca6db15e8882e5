"""How counts and times read."""

from __future__ import annotations

import pytest

from cplus.counts import counted, lasting


def test_one_shop_is_said_in_the_singular() -> None:
    assert counted(1, "shop") == "1 shop"


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 shops"), (2, "2 shops"), (2000, "2,000 shops")]
)
def test_any_other_number_is_said_in_the_plural_with_separators(number: int, said: str) -> None:
    assert counted(number, "shop") == said


def test_the_verb_goes_with_the_number() -> None:
    assert counted(1, "row differs", "rows differ") == "1 row differs"
    assert counted(1200, "row differs", "rows differ") == "1,200 rows differ"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0.0 s"),
        (59.94, "59.9 s"),
        (59.99, "60.0 s"),
        (185.7, "3 min 5 s"),
        (3_600, "1 h 0 min"),
        (86_399, "23 h 59 min"),
        (100_000, "1 day 3 h"),
        (1_234 * 86_400, "1,234 days 0 h"),
    ],
)
def test_a_time_is_said_in_the_two_largest_of_its_units(seconds: float, said: str) -> None:
    assert lasting(seconds) == said
