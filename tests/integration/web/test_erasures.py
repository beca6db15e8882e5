"""The page of an erasure, and the certificate that can be downloaded there."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from cplus.aws import Aws
from cplus.events.audit.roots import anchor_day
from cplus.events.catalogue.privacy import ErasureCompleted, ErasureRequested, PersonErased
from cplus.events.names import erasure_claim, erasure_stream
from cplus.privacy.ledger import Erased
from tests.integration.intake import new_bucket
from tests.integration.web.harness import SHOP, Harness

ADA, PAGE = "person/ada", "/privacy/erasures/e1"


@pytest.fixture
async def roots(aws: Aws) -> str:
    """The bucket of roots."""
    return await new_bucket(aws, "roots")


@pytest.fixture
async def web(mongo_uri: str, database: str, aws: Aws, roots: str) -> AsyncIterator[Harness]:
    async with Harness(mongo_uri, database, aws, roots_bucket=roots).opened() as harness:
        yield harness


async def requested(web: Harness) -> None:
    now = web.clock()
    asked = ErasureRequested(
        erasure="e1",
        person=ADA,
        shopify_customer_id=7012,
        email="ada@example.com",
        due_at=now + timedelta(days=30),
    )
    await web.record(SHOP, erasure_stream("e1"), asked)


async def completed(web: Harness) -> None:
    erased = PersonErased(erasure="e1", person=ADA)
    position = await web.record(SHOP, ADA, erased)
    digest = (await web.parts.store.head(SHOP)).hash.hex()
    commits = ((position, digest),)
    await web.parts.ledger.write(Erased(SHOP, "e1", (ADA,), web.clock(), commits, 1, 3))
    done = ErasureCompleted(erasure="e1", person=ADA, keys=1, objects=3)
    stream, claim = erasure_stream("e1"), erasure_claim("e1", "completed")
    await web.record(SHOP, stream, done, refs=[stream], claim=claim)


async def test_an_erasure_says_how_far_it_is_and_ends_with_a_certificate(
    web: Harness, browser: httpx.AsyncClient, roots: str, aws: Aws
) -> None:
    await requested(web)
    assert "will be erased within minutes" in (await browser.get(PAGE)).text
    assert (await browser.get(f"{PAGE}/certificate")).status_code == 404
    await completed(web)
    page = (await browser.get(PAGE)).text
    assert "1 key, 3 stored files" in page
    assert "Not yet: each day is closed at 23:30 UTC" in page
    root = await anchor_day(web.parts.store.log, aws, roots, web.clock().date())
    page = (await browser.get(PAGE)).text
    assert root.value.hex() in page
    assert (await web.parts.store.head(SHOP)).position == 3
    assert "Customer no. 7012" in page
    assert "ada@example.com" not in page
    file = await browser.get(f"{PAGE}/certificate")
    assert file.headers["content-disposition"] == 'attachment; filename="erasure-e1.json"'
    assert file.headers["cache-control"] == "no-store"
    told = json.loads(file.content)
    assert (told["root"]["value"], len(told["commits"])) == (root.value.hex(), 1)
    assert "ada@example.com" not in file.text


@pytest.mark.parametrize("erasure", ["e2", "e1%2F", "a.b", "%00", "e" * 200])
async def test_an_erasure_that_the_shop_does_not_have_is_not_there(
    web: Harness, browser: httpx.AsyncClient, erasure: str
) -> None:
    await requested(web)
    assert (await browser.get(f"/privacy/erasures/{erasure}")).status_code == 404


async def test_nobody_sees_the_erasures_of_another_shop(web: Harness) -> None:
    await requested(web)
    await completed(web)
    async with web.signed_in("birch.myshopify.com") as other:
        assert (await other.get(PAGE)).status_code == 404
        assert (await other.get(f"{PAGE}/certificate")).status_code == 404
