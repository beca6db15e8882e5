"""The world of mail, for the tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from cplus.aws import Aws
from cplus.bootstrap import ensure_indexes
from cplus.settings import Settings
from tests.databases import Databases
from tests.integration.mail_world import World


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
