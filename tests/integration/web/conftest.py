"""The web app and a browser that is signed in, for the tests of this folder."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from playwright.async_api import Browser, async_playwright

from cplus.aws import Aws
from tests.integration.intake import new_bucket
from tests.integration.web.every_page import every_page
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


@pytest.fixture
async def pages(web: Harness) -> list[str]:
    """The addresses of all pages, in a shop in which each of them has something to show."""
    return await every_page(web)


@pytest.fixture
async def mail_bucket(aws: Aws) -> str:
    """The name of a bucket for the raw mail of this test and no other."""
    return await new_bucket(aws, "mail")


@asynccontextmanager
async def launched(path: str | None) -> AsyncIterator[Browser]:
    """A browser; Chromium's sandbox does not run as root."""
    flags = ["--headless=new", "--disable-gpu", *(["--no-sandbox"] * (os.geteuid() == 0))]
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=path, args=flags)
        yield started
        await started.close()


@pytest.fixture(scope="package")
async def chromium(shell_path: str | None) -> AsyncIterator[Browser]:
    """One process for the folder, as a start takes seconds; each test has a profile of its own."""
    async with launched(shell_path) as browser:
        yield browser


@pytest.fixture(scope="module")
async def whole_chromium(browser_path: str | None) -> AsyncIterator[Browser]:
    """One that can also ask for permissions and show notifications."""
    async with launched(browser_path) as browser:
        yield browser
