"""The world of mail, for the tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cplus.aws import Aws
from tests.integration.mail_world import World


@pytest.fixture
async def world(mongo_uri: str, database: str, aws_endpoint: str, aws: Aws) -> AsyncIterator[World]:
    made = await World.make(mongo_uri, database, aws_endpoint, aws)
    yield made
    await made.close()
