"""The world of notices, for the tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cplus.aws import Aws
from cplus.local.shopify import LocalShopify
from tests.integration.consumers.notices.notices_world import DOMAIN, World, notices_world
from tests.integration.intake import Intake, intake


@pytest.fixture(scope="module")
async def shared(mongo_uri: str, aws: Aws, shopify: LocalShopify) -> AsyncIterator[Intake]:
    """Parts that ask the Shopify here."""
    await (await aws.client("sesv2")).create_email_identity(EmailIdentity=DOMAIN)
    asked = {"mail_domain": DOMAIN, "app_url": "https://app.example", "settle_seconds": 60}
    async with intake(mongo_uri, aws, origin=shopify.origin, **asked) as made:
        yield made


@pytest.fixture
async def world(shared: Intake, shopify: LocalShopify, aws_endpoint: str) -> AsyncIterator[World]:
    async with notices_world(shared, shopify, aws_endpoint) as made:
        yield made
