"""The web app and a browser that is signed in, for the tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.integration.web.harness import Harness, web_database


@pytest.fixture(scope="package")
async def database(mongo_uri: str) -> AsyncIterator[str]:
    """A database with its indexes, for all tests of the folder; each begins with it emptied."""
    async with web_database(mongo_uri) as name:
        yield name


@pytest.fixture
async def web(mongo_uri: str, database: str) -> AsyncIterator[Harness]:
    """The app and its parts."""
    async with Harness(mongo_uri, database).opened() as harness:
        yield harness


@pytest.fixture
async def browser(web: Harness) -> AsyncIterator[httpx.AsyncClient]:
    """A browser in which the merchant of the first shop is signed in."""
    async with web.signed_in() as browser:
        yield browser
