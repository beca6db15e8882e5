"""Whom a body names, whatever it looks like."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cplus.privacy.mentions import mentions

BOTH = {"ann@example.com", "o'brien@example.com"}


@pytest.mark.parametrize(
    ("body", "addresses", "ids"),
    [
        ({"email": "Ann@Example.com"}, {"ann@example.com"}, set()),
        ({"a": [{"b": "Call <ann@example.com>, o'brien@example.com."}]}, BOTH, set()),
        ({"customer": {"id": 7}, "id": 9}, set(), {7}),
        ({"orders": [{"customer": {"legacyResourceId": "7"}}]}, set(), {7}),
        ({"customer_id": 8}, set(), {8}),
        ({"nodes": [{"legacyResourceId": "9", "defaultEmailAddress": None}]}, set(), {9}),
        ({"customer": {"id": True}, "customer_id": -1, "url": "@b", "x": "a@"}, set(), set()),
        ({"customer": {"id": 2**70, "legacyResourceId": "²"}}, set(), set()),
    ],
)
def test_addresses_and_customers_are_found_wherever_they_stand(
    body: object, addresses: set[str], ids: set[int]
) -> None:
    found = mentions(json.dumps(body).encode())
    assert found.addresses == addresses
    assert found.shopify_ids == ids


def test_a_file_of_lines_names_all_even_if_a_line_is_cut() -> None:
    lines = b'{"legacyResourceId": "1", "defaultEmailAddress": {"emailAddress": "a@b.example"}}\n'
    found = mentions(lines + lines.replace(b"1", b"2") + b'{"emailAddress": "c@d.example')
    assert found.addresses == {"a@b.example", "c@d.example"}
    assert found.shopify_ids == {1, 2}


def test_a_body_that_is_nested_too_deeply_is_read_as_text() -> None:
    deep = b"[" * 200_000 + b'"a@b.example"'
    assert mentions(deep).addresses == {"a@b.example"}


@given(st.binary() | st.recursive(st.text(), st.lists).map(json.dumps).map(str.encode))
def test_no_body_is_refused(body: bytes) -> None:
    mentions(body)
