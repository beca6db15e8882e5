"""An uninstall ends an installation only if Shopify agrees: its headers are not signed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from cplus.aws import Aws
from cplus.consumers.batches.sqs import SqsRecord
from cplus.consumers.reactions.uninstalls import UNINSTALLS
from cplus.consumers.webhooks.deliveries import TRIES
from cplus.consumers.webhooks.drafting import Webhooks
from cplus.consumers.webhooks.record import handle
from cplus.consumers.webhooks.uninstalls import STANDS, UNTOLD, UNTOLD_OF_REDACT
from cplus.events.aggregates.shop import Shop
from cplus.events.base import NewEvent
from cplus.events.catalogue.shops import AppUninstalled
from cplus.events.log.commit import Draft
from cplus.events.names import INSTALLED_REF, shop_stream
from cplus.events.repository import decided
from cplus.local.shopify import LocalShopify
from tests.integration.consumers.webhooks.installed_app import (
    ID,
    SHOP,
    commits,
    installed_app,
    told,
)
from tests.integration.intake import Intake, intake, soon

ANOTHERS = {"id": 999, "name": "Red Tea", "myshopify_domain": None}
"""The signed body of another shop's uninstall, as Shopify publishes it: it names no host."""


@pytest.fixture(scope="module")
async def shared(mongo_uri: str, aws: Aws, shopify: LocalShopify) -> AsyncIterator[Intake]:
    async with intake(mongo_uri, aws, origin=shopify.origin) as made:
        yield made


@pytest.fixture
async def webhooks(shared: Intake, shopify: LocalShopify) -> Webhooks:
    """With the app installed in the shop."""
    return await installed_app(shared, shopify)


def uninstall(body: Any, *, at: datetime | None = None, receives: int = 1) -> SqsRecord:
    return told("app/uninstalled", body, at=at, receives=receives)


async def installed(webhooks: Webhooks, *, after: datetime) -> datetime:
    """Records the installation whose tokens are there; answers when it happened."""
    at = after + timedelta(seconds=3)
    shop = Shop.empty(shop_stream(SHOP))
    shop.install(scopes=["read_customers"], shop_name="Blue Jam", void_at=None, now=at)
    draft = Draft(
        shop=SHOP,
        claim="install/1",
        source="install",
        actor="merchant",
        events=decided(shop),
        refs=[shop_stream(SHOP), INSTALLED_REF],
    )
    await webhooks.recorder.append([draft])
    return at


@pytest.mark.parametrize("body", [ANOTHERS, {}, {"myshopify_domain": SHOP}])
async def test_an_uninstall_ends_nothing_while_shopify_takes_the_tokens(
    webhooks: Webhooks, body: Any
) -> None:
    assert await handle([uninstall(body)], webhooks, soon()) == []
    [commit] = await commits(webhooks)
    assert not commit.types
    assert commit.reason
    assert "still installed" in commit.reason


async def test_a_token_that_alone_is_void_is_no_uninstall(
    webhooks: Webhooks, shopify: LocalShopify
) -> None:
    shopify.store.state.installs[SHOP].access.clear()
    assert await handle([uninstall({})], webhooks, soon()) == []
    [commit] = await commits(webhooks)
    assert not commit.types


@pytest.mark.parametrize("body", [{}, {"myshopify_domain": None}, {"id": 1}, {"id": "odd"}])
async def test_an_uninstall_counts_whatever_its_body_holds_once_the_tokens_are_void(
    webhooks: Webhooks, shopify: LocalShopify, body: Any
) -> None:
    shopify.grants.revoke(SHOP)
    assert await handle([uninstall(body)], webhooks, soon()) == []
    [commit] = await commits(webhooks)
    assert commit.types == ["app.uninstalled"]


async def test_while_shopify_cannot_tell_only_a_body_that_names_the_shop_counts(
    webhooks: Webhooks, shopify: LocalShopify
) -> None:
    shopify.fail_next(SHOP, 423)
    assert await handle([uninstall(ANOTHERS)], webhooks, soon()) == ["m"]
    assert await commits(webhooks) == []
    shopify.fail_next(SHOP, 423)
    assert await handle([uninstall({"myshopify_domain": SHOP})], webhooks, soon()) == []
    [commit] = await commits(webhooks)
    assert commit.types == ["app.uninstalled"]


@pytest.mark.parametrize("body", [{"myshopify_domain": SHOP}, {"id": ID, "myshopify_domain": None}])
async def test_the_late_news_of_an_earlier_removal_counts_at_its_own_time(
    webhooks: Webhooks, shared: Intake, body: Any
) -> None:
    stored = await shared.parts.credentials.saved_at(SHOP)
    assert stored
    await installed(webhooks, after=stored)
    removed_at = stored - timedelta(minutes=1)
    late = uninstall(body, at=removed_at)
    assert await handle([late], webhooks, soon()) == []
    _, commit = await commits(webhooks)
    assert commit.types == ["app.uninstalled"]
    [events] = await webhooks.recorder.reader.read([commit])
    assert [event.occurred_at for event in events] == [removed_at]
    # What follows from it ends the sessions of that time, and leaves the tokens.
    reactor = shared.parts.reactor
    for event in events:
        await UNINSTALLS.hand_out(commit, event, reactor)
    sessions = shared.parts.ended_sessions
    assert await sessions.holds(SHOP, "one", removed_at - timedelta(hours=1))
    assert not await sessions.holds(SHOP, "one", stored)
    assert await shared.parts.credentials.saved_at(SHOP) == stored


@pytest.mark.parametrize("body", [ANOTHERS, {}, {"id": "odd"}])
async def test_what_names_no_shop_ends_nothing_by_saying_that_it_is_old(
    webhooks: Webhooks, shared: Intake, body: Any
) -> None:
    stored = await shared.parts.credentials.saved_at(SHOP)
    assert stored
    await installed(webhooks, after=stored)
    late = uninstall(body, at=stored - timedelta(minutes=1))
    assert await handle([late], webhooks, soon()) == []
    _, commit = await commits(webhooks)
    assert not commit.types


async def test_no_time_between_tokens_and_installation_takes_the_tokens(
    webhooks: Webhooks, shared: Intake
) -> None:
    stored = await shared.parts.credentials.saved_at(SHOP)
    assert stored
    installed_at = await installed(webhooks, after=stored)
    between = uninstall({"myshopify_domain": SHOP}, at=installed_at - timedelta(seconds=1))
    assert await handle([between], webhooks, soon()) == []
    _, commit = await commits(webhooks)
    assert not commit.types


async def test_a_late_uninstall_waits_for_the_installation_that_is_under_way(
    webhooks: Webhooks, shared: Intake
) -> None:
    stored = await shared.parts.credentials.saved_at(SHOP)
    assert stored
    body, at = {"myshopify_domain": SHOP}, stored - timedelta(minutes=1)
    assert await handle([uninstall(body, at=at)], webhooks, soon()) == ["m"]
    assert await commits(webhooks) == []
    await installed(webhooks, after=stored)
    assert await handle([uninstall(body, at=at, receives=2)], webhooks, soon()) == []
    _, commit = await commits(webhooks)
    assert commit.types == ["app.uninstalled"]


async def test_an_uninstall_of_which_shopify_never_tells_is_recorded_before_it_is_given_up(
    webhooks: Webhooks, shopify: LocalShopify
) -> None:
    for receives in range(1, TRIES):
        shopify.fail_next(SHOP, 423)
        assert await handle([uninstall({}, receives=receives)], webhooks, soon()) == ["m"]
    assert await commits(webhooks) == []
    shopify.fail_next(SHOP, 423)
    assert await handle([uninstall({}, receives=TRIES)], webhooks, soon()) == []
    [commit] = await commits(webhooks)
    assert not commit.types
    assert commit.reason == UNTOLD.words


REDACT = {"shop_domain": SHOP}


async def test_a_shop_is_not_erased_while_shopify_takes_its_tokens(webhooks: Webhooks) -> None:
    assert await handle([told("shop/redact", REDACT)], webhooks, soon()) == []
    [commit] = await commits(webhooks)
    assert (commit.types, commit.reason) == ([], STANDS.words)


async def test_a_shop_that_removed_the_app_is_to_be_erased(
    webhooks: Webhooks, shopify: LocalShopify
) -> None:
    shopify.grants.revoke(SHOP)
    twice = [told("shop/redact", REDACT), told("shop/redact", REDACT)]
    assert await handle(twice, webhooks, soon()) == []
    [commit] = await commits(webhooks)
    assert commit.types == ["privacy.shop_erasure_requested"]


async def test_while_shopify_cannot_tell_the_log_says_whether_a_shop_is_to_be_erased(
    webhooks: Webhooks, shopify: LocalShopify
) -> None:
    shopify.fail_next(SHOP, 423)
    assert await handle([told("shop/redact", REDACT)], webhooks, soon()) == ["m"]
    at = await installed(webhooks, after=webhooks.clock() - timedelta(hours=1))
    shopify.fail_next(SHOP, 423)
    last = told("shop/redact", REDACT, receives=TRIES)
    assert await handle([last], webhooks, soon()) == []
    assert (await commits(webhooks))[-1].reason == UNTOLD_OF_REDACT.words
    removed = NewEvent(shop_stream(SHOP), AppUninstalled(), at + timedelta(minutes=1))
    draft = Draft(SHOP, "x/1", "webhook", "shopify", [removed], refs=[shop_stream(SHOP)])
    await webhooks.recorder.append([draft])
    shopify.fail_next(SHOP, 423)
    last = told("shop/redact", REDACT, receives=TRIES, webhook_id="w-2")
    assert await handle([last], webhooks, soon()) == []
    assert (await commits(webhooks))[-1].types == ["privacy.shop_erasure_requested"]
