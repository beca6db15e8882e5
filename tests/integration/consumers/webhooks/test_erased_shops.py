"""What Shopify tells of a shop after it was erased: nothing of it is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from cplus.aws import Aws
from cplus.consumers.erased_shops import FROM_BEFORE, NOT_INSTALLED, REMEMBERED, ErasedShops
from cplus.consumers.webhooks.drafting import Webhooks
from cplus.consumers.webhooks.record import handle
from cplus.events.base import AggregateEvent, NewEvent
from cplus.events.catalogue.privacy import ShopErased
from cplus.events.catalogue.shops import AppInstalled, AppUninstalled
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import settled
from cplus.events.names import INSTALLED_REF, SHOP_ERASED_REF, shop_stream
from cplus.local.shopify import LocalShopify
from cplus.privacy.persons import PERSONS
from tests.integration.consumers.webhooks.installed_app import (
    ID,
    SHOP,
    commits,
    installed_app,
    told,
)
from tests.integration.intake import Intake, failures, intake, soon

ANN = {"id": 7, "email": "ann@example.com", "first_name": "Ann"}


@pytest.fixture(scope="module")
async def shared(mongo_uri: str, aws: Aws, shopify: LocalShopify) -> AsyncIterator[Intake]:
    async with intake(mongo_uri, aws, origin=shopify.origin) as made:
        yield made


class Process:
    """A process that records webhooks of a shop in which the app is installed."""

    def __init__(self, shared: Intake, webhooks: Webhooks) -> None:
        self.parts = shared.parts
        self.now = shared.parts.clock()
        self.saved: datetime | None = self.now
        erased = ErasedShops(self.parts.recorder, self._saved_at, lambda: self.now)
        self.webhooks = replace(webhooks, erased=erased)
        self._told = 0

    async def _saved_at(self, _shop: str) -> datetime | None:
        return self.saved

    async def hears(self, at: datetime, topic: str = "customers/update", **body: Any) -> Any:
        """The commit of a webhook of something that happened at that time."""
        self._told += 1
        message = told(topic, body or ANN, webhook_id=f"w-{self._told}", at=at)
        assert await handle([message], self.webhooks, soon()) == []
        return (await self.parts.store.read(SHOP, 0, cause=True))[-1]

    async def known(self) -> int:
        """How many people the directory knows."""
        return int(await self.parts.mongo.keyring[PERSONS].count_documents({"shop": SHOP}))

    async def append(self, event: AggregateEvent, ref: str) -> datetime:
        """Appends a decision about the shop; when that was."""
        draft = Draft(
            shop=SHOP,
            claim=ref,
            source="test",
            actor="test",
            events=[NewEvent.decided(event)],
            refs=[ref, shop_stream(SHOP)],
        )
        settled((await self.parts.store.append([draft]))[0])
        return (await self.parts.store.by_ref(SHOP, ref, 1))[0].recorded_at

    async def remove(self) -> None:
        """The app was removed; nobody asks this process for a while after it."""
        new = NewEvent(shop_stream(SHOP), AppUninstalled(), self.parts.clock())
        refs = [shop_stream(SHOP)]
        draft = Draft(SHOP, "removed", "test", "test", [new], refs=refs)
        settled((await self.parts.store.append([draft]))[0])
        self.now += REMEMBERED

    async def erase(self) -> datetime:
        """The shop is erased, which removed the app before; when that was."""
        event = ShopErased(
            erasure="e1", originator_id=shop_stream(SHOP), originator_version=1, timestamp=self.now
        )
        at = await self.append(event, SHOP_ERASED_REF)
        await self.parts.persons.forget_shop(SHOP, "e1", at + timedelta(days=1))
        return at


@pytest.fixture
async def process(shared: Intake, shopify: LocalShopify) -> Process:
    return Process(shared, await installed_app(shared, shopify))


async def test_what_comes_of_an_erased_shop_is_recorded_without_content_and_makes_nobody_known(
    process: Process,
) -> None:
    at = process.now
    assert (await process.hears(at)).types == ["customer.changed"]
    assert await process.known() > 0
    await process.remove()
    assert (await process.hears(process.now)).types == ["customer.changed"], "it was not erased yet"
    await process.erase()
    customer = {"shop_domain": SHOP, "customer": ANN}
    for topic, body in (("customers/update", ANN), ("customers/redact", customer)):
        commit = await process.hears(process.now, topic, **body)
        assert (commit.types, commit.reason) == ([], NOT_INSTALLED.words)
        [cause] = await process.parts.reader.causes([commit])
        assert cause is not None
        assert cause.body is None
        assert (cause.headers or {})["x-shopify-topic"] == topic
    assert await process.known() == 0


@pytest.mark.parametrize("by", ["log", "tokens"])
async def test_an_installation_counts_at_once_and_what_happened_before_the_erasure_never(
    process: Process, by: str
) -> None:
    before = process.now
    erased_at = await process.erase()
    assert (await process.hears(process.now)).reason == NOT_INSTALLED.words
    if by == "log":
        event = AppInstalled(
            scopes=(),
            shop_name="Blue Jam",
            originator_id=shop_stream(SHOP),
            originator_version=2,
            timestamp=process.now,
        )
        await process.append(event, INSTALLED_REF)
    else:
        process.saved = erased_at + timedelta(milliseconds=1)
    later = erased_at + timedelta(hours=1)
    assert (await process.hears(later)).types == ["customer.changed"]
    commit = await process.hears(before - timedelta(days=4))
    assert (commit.types, commit.reason) == ([], FROM_BEFORE.words)


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("customers/redact", {"customer": {"id": 7, "email": 5}}),
        ("customers/redact", {"customer": None}),
        ("customers/redact", {"customer": {}}),
        ("customers/data_request", {"customer": {"id": 7}}),
        ("shop/redact", {"shop_id": "?"}),
    ],
)
async def test_what_is_required_of_every_app_and_cannot_be_read_becomes_a_dead_letter(
    process: Process, topic: str, body: dict[str, Any]
) -> None:
    message = told(topic, {"shop_id": ID, "shop_domain": SHOP, **body})

    async def consume(records: Any, limit: Any) -> list[str]:
        return await handle(records, process.webhooks, limit)

    failed = await failures(consume, message)
    assert list(failed) == [message.message_id]
    assert topic in failed[message.message_id]
    # Not recorded: it can be sent back once it can be read.
    assert await commits(process.webhooks) == []
