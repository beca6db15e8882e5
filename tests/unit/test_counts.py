"""How counts read."""

from __future__ import annotations

import pytest

from cplus.cli.audit import Report as Audited
from cplus.cli.verify import Report as Verified
from cplus.counts import counted
from cplus.projections.verify import Difference


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


def test_a_verify_of_one_shop_with_one_row_says_no_plural() -> None:
    one = Difference("acorn.myshopify.com", "shop", "differs", ("name",))
    report = Verified("shops", "shops.v1", 1, 1, 1, [one], [])
    assert report.text().endswith("shops.v1: 1 shop, 1 event, 1 row, 1 difference")


def test_an_audit_says_its_counts_as_all_commands_do() -> None:
    assert Audited(1, 1, 1, [], [], []).text() == (
        "1 shop, 1 commit against the roots of 1 day: as they were written"
    )
    assert Audited(2, 12_000, None, [], [], []).text().startswith("2 shops, 12,000 commits: ")
