"""The database of the directory's tests."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from cplus.mongo import Mongo
from cplus.settings import Settings
from tests.databases import connected


@pytest.fixture
def one_database(mongo_uri: str, database_name: str) -> Settings:
    """Those of a database that holds both, what is known and who somebody is."""
    return Settings(
        mongo_uri=SecretStr(mongo_uri),
        mongo_database=database_name,
        mongo_keyring_database=database_name,
    )


@pytest.fixture
async def mongo(one_database: Settings) -> Mongo:
    """That database."""
    return connected(one_database)
