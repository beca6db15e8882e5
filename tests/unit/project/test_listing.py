"""docs/listing.md says of each requirement where it is met, and what a machine can see of them."""

from __future__ import annotations

import re
import struct
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import graphql

from cplus.local.shopify.subset import app_documents
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "listing.md"
STATES = {"met", "partly met", "not met yet", "once listed", "does not apply"}
REVIEW = (
    *(("1.1", 16), ("1.2", 3), ("1.3", 1), ("2.1", 4), ("2.2", 9), ("2.3", 4), ("3.1", 1)),
    *(("3.2", 5), ("4.1", 2), ("4.2", 3), ("4.3", 8), ("4.4", 5), ("4.5", 6), ("5", 11)),
)
"""How many requirements each group of the App Store's had in November 2026; of 5, categories."""
BADGE = (
    *(("1.1", 2), ("1.2", 3), ("2.1", 3), ("2.2", 1), ("2.3", 1), ("3.1", 5), ("3.2", 2)),
    *(("4.1", 6), ("4.2", 6), ("4.3", 7), ("5.6", 4)),
)
"""The same of Built for Shopify; of its categories, that of mail."""


@dataclass(frozen=True)
class Requirement:
    """A row of the page."""

    section: str
    number: str
    """What Shopify asks, where it has no number."""
    state: str
    how: str


def _rows() -> Iterator[Requirement]:
    section = ""
    for line in PAGE.read_text("utf-8").splitlines():
        section = line.removeprefix("## ") if line.startswith("## ") else section
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line[:1] == "|" else []
        if cells and set(cells[0]) != {"-"} and len(cells) > 2 and cells[-2] in STATES:
            yield Requirement(section, cells[0], cells[-2], cells[-1])


ROWS = tuple(_rows())


def _numbers(section: str) -> list[str]:
    return [row.number for row in ROWS if row.section == section]


def _all(*groups: tuple[str, int]) -> list[str]:
    return [f"{group}.{one}" for group, many in groups for one in range(1, many + 1)]


def test_no_requirement_is_left_out() -> None:
    assert _numbers("Review") == _all(*REVIEW)
    assert _numbers("Built for Shopify") == _all(*BADGE)
    assert _numbers("Protected customer data") == _all(("L1", 9), ("L2", 7))
    assert len(_numbers("What every public app must do besides")) >= 10
    # A row with a state that is none is not read as a row.
    numbered = re.findall(r"^\| (L?\d[\d.]*) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert numbered == [row.number for row in ROWS if row.number in numbered]


def test_what_is_met_says_how_and_what_is_not_says_what_is_missing() -> None:
    for row in ROWS:
        missing = "**Missing**" in row.how
        if row.state in {"partly met", "not met yet"}:
            assert missing, f"{row.number}: say what is missing"
        if row.state == "met":
            assert row.how, f"{row.number}: say how"
            assert not missing, f"{row.number} is met and something is missing"


def test_each_test_that_is_named_exists_where_it_is_said_to_be() -> None:
    named = re.findall(r"\[`(test_\w+)`\]\(\.\./([\w/.]+)\)", PAGE.read_text("utf-8"))
    assert len(named) > 50
    for test, path in named:
        source = (ROOT / path).read_text("utf-8")
        assert re.search(rf"^(?:async )?def {test}\(", source, re.MULTILINE), f"{path}: {test}"
    bare = re.findall(r"(?<!\[)`(test_\w+)`", PAGE.read_text("utf-8"))
    assert bare == [], "name a test by a link to its file"


# What can be seen of the app without starting it

APP = tomllib.loads((ROOT / "shopify.app.toml").read_text("utf-8"))


LENGTHS = {"name": 30, "subtitle": 62, "introduction": 100, "details": 500, "feature": 80}
"""Characters of each field at most."""
_CLAIM = re.compile(
    r"\d|[$€£%]|\b(?:best|first|only|leading|guarantee\w*|free|trial|most|fastest|review\w*|stars?)\b",
    re.IGNORECASE,
)


def test_the_text_of_the_listing_keeps_to_what_shopify_allows() -> None:
    section = PAGE.read_text("utf-8").partition("#### What the listing says")[2]
    fields = re.findall(r"^\| (\w+) \| (.+) \|$", section.partition("####")[0], re.MULTILINE)[1:]
    assert Counter(name for name, _ in fields) == {
        **dict.fromkeys(LENGTHS, 1),
        "feature": 5,
        "languages": 1,
    }
    for name, text in fields:
        assert len(text) <= LENGTHS.get(name, 80), f"{name}: {len(text)} characters"
        assert not _CLAIM.search(text), f"{name}: no figures, prices or claims"
        assert "shopify" not in text.lower(), f"{name}: a trademark"
    assert dict(fields)["name"] == APP["name"]


def test_the_icon_is_as_shopify_wants_it() -> None:
    head = (ROOT / "docs" / "images" / "icon.png").read_bytes()[:26]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height, depth, colours = struct.unpack(">IIBB", head[16:26])
    assert (width, height, depth) == (1200, 1200, 8)
    assert colours == 2, "without an alpha channel: no corner is see-through"


NEEDS_A_REASON = {
    *("read_all_orders", "write_payment_mandate", "write_checkout_extensions_apis"),
    *("read_advanced_dom_pixel_events", "read_checkout_extensions_chat"),
}
"""Scopes that review asks about (3.2)."""


def test_no_scope_is_asked_for_that_needs_a_reason_of_its_own() -> None:
    asked = APP["access_scopes"]
    scopes = {one.strip() for one in asked["scopes"].split(",")}
    scopes |= set(asked.get("optional_scopes", []))
    assert scopes.isdisjoint(NEEDS_A_REASON)
    assert not {one for one in scopes if "theme" in one or "script_tag" in one}


def test_the_admin_api_is_asked_by_graphql_alone() -> None:
    found = []
    for file in (ROOT / "cplus").rglob("*.py"):
        found += re.findall(r"admin/api/[^\s\"')]*", file.read_text("utf-8"))
    assert len(found) >= 2
    assert [one for one in found if not one.endswith("/graphql.json")] == []


def test_the_app_asks_shopify_to_change_nothing() -> None:
    """But to run an operation that reads in bulk."""
    changed = set()
    for text in app_documents().values():
        for one in graphql.parse(text).definitions:
            if isinstance(one, graphql.OperationDefinitionNode) and one.operation.value != "query":
                fields = one.selection_set.selections
                changed |= {field.name.value for field in fields if hasattr(field, "name")}
    assert changed <= {"bulkOperationRunQuery", "bulkOperationCancel"}


_PRESSURE = re.compile(
    r"\breview (?:us|our|this|the) app|\brate (?:us|our|this|the) app|\bleave (?:us )?a review"
    r"|\b(?:five|5)[ -]stars?\b|\blimited time|\bact now|\bonly today|\bcountdown",
    re.IGNORECASE,
)
_OPENS = re.compile(
    r"<dialog\b[^>]*\bopen\b|\bshowModal\(|\bshowPopover\(|\brequestFullscreen\(|\b(?:alert|prompt)\("
    r"|variant=.max.|\bautoplay\b"
)


def test_no_page_asks_for_a_review_or_opens_anything_by_itself() -> None:
    web = ROOT / "cplus" / "web"
    files = [*(web / "templates").rglob("*.html"), *(web / "static").glob("*.js")]
    assert len(files) > 20
    for file in files:
        text = file.read_text("utf-8")
        assert not _PRESSURE.search(text), file.name
        assert not _OPENS.search(text), file.name
    # Nor does anything move by itself: what moves follows a pointer or the keyboard.
    css = (web / "static" / "app.css").read_text("utf-8")
    assert "infinite" not in css
