"""The database of the directory's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from cplus.mongo import Mongo, connect
from cplus.settings import Settings


@pytest.fixture
async def mongo(mongo_uri: str, database_name: str) -> AsyncIterator[Mongo]:
    """A database that holds both, what is known and who somebody is."""
    made = connect(
        Settings(
            mongo_uri=SecretStr(mongo_uri),
            mongo_database=database_name,
            mongo_keyring_database=database_name,
        )
    )
    yield made
    await made.close()
