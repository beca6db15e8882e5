"""What tests of sending share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cplus.aws import Aws
from cplus.ids import random_id
from tests.integration.consumers.sending.answering import SUNDAY, Answering
from tests.integration.mail_world import World


@pytest.fixture
async def answering(
    mongo_uri: str, database: str, aws_endpoint: str, aws: Aws
) -> AsyncIterator[Answering]:
    made = await World.make(mongo_uri, database, aws_endpoint, aws)
    made.now = SUNDAY
    yield Answering(made, f"{random_id(12)}@shopper.example")
    await made.close()
