"""What tests of consumers share: parts over a database that is empty for each, and a Shopify."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from cplus.aws import Aws
from cplus.bootstrap import ensure_indexes
from cplus.local.shopify import LocalShopify
from cplus.settings import Settings
from tests.databases import Databases
from tests.integration.intake import SECRET, Intake, emptied, intake
from tests.integration.mail_world import World


@pytest.fixture(scope="module")
async def shopify() -> AsyncIterator[LocalShopify]:
    """A Shopify without shops."""
    server = LocalShopify(client_id="client-id", client_secret=SECRET, app_url="https://a.example")
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(scope="module")
async def shared(mongo_uri: str, aws: Aws) -> AsyncIterator[Intake]:
    """Parts that a module's tests share; a file that asks Shopify makes its own."""
    async with intake(mongo_uri, aws) as made:
        yield made


@pytest.fixture
async def use(shared: Intake) -> Intake:
    """The shared parts, with nothing in their database."""
    return await emptied(shared)


@pytest.fixture
async def database(mongo_uri: str, databases: Databases) -> AsyncIterator[str]:
    """The name of a database with all indexes."""

    async def prepare(name: str) -> None:
        await ensure_indexes(
            Settings(
                mongo_uri=SecretStr(mongo_uri),
                mongo_database=name,
                mongo_keyring_database=f"{name}_keyring",
            )
        )

    async with databases.lent("mail", prepare) as name:
        yield name


@pytest.fixture
async def world(mongo_uri: str, database: str, aws_endpoint: str, aws: Aws) -> AsyncIterator[World]:
    made = await World.make(mongo_uri, database, aws_endpoint, aws)
    yield made
    await made.close()
