"""A customer of the import has an id that the log can hold, or is left out."""

from __future__ import annotations

import httpx
import pytest

from cplus.shopify import AdminClient
from cplus.shopify.queries import customer_of, id_of
from cplus.shopify.values import MAX_INT64


@pytest.mark.parametrize("told", ["0", "-1", str(MAX_INT64 + 1), "9" * 30, "", "one", None, 0])
async def test_a_customer_with_an_id_that_is_none_is_left_out(told: object) -> None:
    node = {"legacyResourceId": told}
    async with httpx.AsyncClient() as http:
        client = AdminClient(http, "https://{shop}", "2026-10", "a.myshopify.com", "a token")
        assert customer_of(client, node) is None
    assert id_of(node) is None


@pytest.mark.parametrize("number", [1, MAX_INT64])
async def test_any_other_id_is_read(number: int) -> None:
    node = {"legacyResourceId": str(number)}
    async with httpx.AsyncClient() as http:
        client = AdminClient(http, "https://{shop}", "2026-10", "a.myshopify.com", "a token")
        found = customer_of(client, node)
    assert found is not None
    assert found.id == id_of(node) == number
