"""Who else got a customer's mail is kept with it, without our own addresses."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cplus.aws import Aws
from tests.integration.mail_world import ADA, DOMAIN, World, plain


@pytest.fixture
async def world(mongo_uri: str, database: str, aws_endpoint: str, aws: Aws) -> AsyncIterator[World]:
    made = await World.make(mongo_uri, database, aws_endpoint, aws)
    yield made
    await made.close()


async def test_copies_of_a_mail_are_kept_each_once_and_none_of_ours(world: World) -> None:
    cc = f"Cem <Cem@example.org>, acorn@{DOMAIN}, cem@example.org, {ADA}, nobody, ben@example.org"
    await world.receive(plain("Is it blue?", Cc=cc), "ses1")
    await world.receive(plain("And red?", message_id="<2@shopper.example>"), "ses2")
    first, second = await world.received()
    assert first.cc == ("cem@example.org", "ben@example.org")
    assert second.cc is None
