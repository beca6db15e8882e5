"""The database of the directory's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from cplus.mongo import Mongo, connect
from cplus.settings import Settings


@pytest.fixture
def one_database(mongo_uri: str, database_name: str) -> Settings:
    """Those of a database that holds both, what is known and who somebody is."""
    return Settings(
        mongo_uri=SecretStr(mongo_uri),
        mongo_database=database_name,
        mongo_keyring_database=database_name,
    )


@pytest.fixture
async def mongo(one_database: Settings) -> AsyncIterator[Mongo]:
    """That database."""
    made = connect(one_database)
    yield made
    await made.close()
