"""What the tests of imports may ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

import pytest

from cplus.aws import Aws
from cplus.consumers.imports.importer import Importer
from cplus.leases import Leases
from cplus.local.shopify import LocalShopify
from tests.integration.intake import Intake, intake


@pytest.fixture(scope="module")
async def shared(mongo_uri: str, aws: Aws, shopify: LocalShopify) -> AsyncIterator[Intake]:
    """Parts that know where this Shopify is."""
    async with intake(mongo_uri, aws, origin=shopify.origin) as made:
        yield made


@pytest.fixture
def importer(use: Intake) -> Importer:
    """An importer of small pages."""
    parts = use.parts
    return Importer(
        store=parts.store,
        persons=parts.persons,
        listed=parts.listed,
        bodies=parts.bodies,
        credentials=parts.credentials,
        leases=Leases(parts.mongo.database),
        rows=parts.queries,
        recorder=parts.recorder,
        send=partial(parts.aws.send, parts.settings.import_queue),
        origin=parts.settings.shopify_origin,
        api_version=parts.settings.shopify_api_version,
        page_size=4,
        clock=parts.clock,
    )
