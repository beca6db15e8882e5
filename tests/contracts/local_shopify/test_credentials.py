"""Access tokens: sealed, renewed once by whoever is first, given out while they work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from cplus.errors import (
    AuthFailed,
    CredentialsUnreadable,
    NotInstalled,
    ShopifyUnavailable,
)
from cplus.local.shopify import LocalShopify
from cplus.mongo import Mongo, connect
from cplus.settings import Settings
from cplus.shopify import (
    App,
    MongoCredentials,
    refresh,
    shop_info,
)
from cplus.shopify.credentials import Timing
from tests.contracts.local_shopify.world import OTHER, SHOP, admin, install
from tests.plain_http import plain_http


@pytest.fixture(params=["motor", "pymongo"])
async def mongo(
    request: pytest.FixtureRequest, mongo_uri: str, database_name: str
) -> AsyncIterator[Mongo]:
    settings = Settings.model_validate(
        {
            "mongo_uri": mongo_uri,
            "mongo_database": database_name,
            "mongo_keyring_database": f"{database_name}_keyring",
            "mongo_driver": request.param,
            "mongo_pool": 16,
        }
    )
    made = connect(settings)
    yield made
    await made.close()


QUICK = Timing(patience=5, look_again=0.02)


def _credentials(
    mongo: Mongo, http: httpx.AsyncClient, app: App, hours: float = 0, timing: Timing = QUICK
) -> MongoCredentials:
    """A worker of its own, whose clock is some hours ahead."""
    return MongoCredentials(
        mongo.keyring["credentials"],
        http,
        app,
        "application-secret",
        now=lambda: datetime.now(UTC) + timedelta(hours=hours),
        timing=timing,
    )


async def test_a_saved_token_is_given_out_and_nothing_is_stored_in_clear(
    mongo: Mongo, http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    tokens = await install(http, shopify, app)
    credentials = _credentials(mongo, http, app)
    with pytest.raises(NotInstalled):
        await credentials.get_access_token(SHOP)
    await credentials.save(SHOP, tokens)
    assert await credentials.get_access_token(SHOP) == tokens.access_token
    row = await mongo.keyring["credentials"].find_one({"_id": SHOP})
    assert tokens.access_token.encode() not in row["sealed"]
    assert tokens.access_token not in str(row)


async def test_tokens_are_forgotten_unless_they_were_saved_after_the_moment(
    mongo: Mongo, http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    tokens = await install(http, shopify, app)
    credentials = _credentials(mongo, http, app)
    await credentials.save(SHOP, tokens)
    await credentials.save(OTHER, tokens)
    await credentials.forget(SHOP, datetime.now(UTC) - timedelta(minutes=1))
    assert await credentials.get_access_token(SHOP) == tokens.access_token
    await credentials.forget(SHOP, datetime.now(UTC) + timedelta(minutes=1))
    with pytest.raises(NotInstalled):
        await credentials.get_access_token(SHOP)
    assert await credentials.get_access_token(OTHER) == tokens.access_token


async def test_credentials_open_for_their_shop_and_their_secret_only(
    mongo: Mongo, http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    credentials = _credentials(mongo, http, app)
    await credentials.save(SHOP, await install(http, shopify, app))
    rows = mongo.keyring["credentials"]
    row = await rows.find_one({"_id": SHOP})
    await rows.insert_one({**row, "_id": OTHER})
    with pytest.raises(CredentialsUnreadable):
        await credentials.get_access_token(OTHER)
    stranger = MongoCredentials(rows, http, app, "another-secret")
    with pytest.raises(CredentialsUnreadable):
        await stranger.get_access_token(SHOP)
    await rows.update_one({"_id": SHOP}, {"$set": {"sealed": b"\x01short"}})
    with pytest.raises(CredentialsUnreadable):
        await credentials.get_access_token(SHOP)


async def test_eight_workers_renew_once_and_all_get_the_new_token(
    mongo: Mongo, http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    first = await install(http, shopify, app)
    await _credentials(mongo, http, app).save(SHOP, first)
    # Within the margin of its end for all of them.
    workers = [_credentials(mongo, http, app, hours=0.95) for _ in range(8)]
    given = await asyncio.gather(*(worker.get_access_token(SHOP) for worker in workers))
    assert shopify.grants.refreshes[SHOP] == 1
    assert len(set(given)) == 1
    assert given[0] != first.access_token
    await shop_info(admin(http, shopify, given[0]))


async def test_a_worker_that_died_while_it_renewed_is_succeeded(
    mongo: Mongo, http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    first = await install(http, shopify, app)
    timing = replace(QUICK, lease=0.3)
    worker = _credentials(mongo, http, app, hours=2, timing=timing)
    await worker.save(SHOP, first)
    await mongo.keyring["credentials"].update_one(
        {"_id": SHOP}, {"$set": {"lease_until": datetime.now(UTC) + timedelta(seconds=0.3)}}
    )
    # The dead worker's refresh reached Shopify, and its answer was lost.
    await refresh(http, app, SHOP, str(first.refresh_token))
    late = _credentials(mongo, http, app, hours=4, timing=timing)
    token = await late.get_access_token(SHOP)
    await shop_info(admin(http, shopify, token))


async def test_waiting_for_another_worker_has_an_end(
    mongo: Mongo, http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    worker = _credentials(mongo, http, app, timing=replace(QUICK, patience=0.1))
    await worker.save(SHOP, await install(http, shopify, app))
    await mongo.keyring["credentials"].update_one(
        {"_id": SHOP}, {"$set": {"lease_until": datetime.now(UTC) + timedelta(seconds=60)}}
    )
    late = _credentials(mongo, http, app, hours=2, timing=replace(QUICK, patience=0.1))
    with pytest.raises(ShopifyUnavailable, match="another worker"):
        await late.get_access_token(SHOP)


async def test_an_install_while_tokens_are_renewed_wins(
    mongo: Mongo, http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    first = await install(http, shopify, app)
    fresh = await install(http, shopify, app)
    saver = _credentials(mongo, http, app, hours=2)
    await _credentials(mongo, http, app).save(SHOP, first)

    async def install_meanwhile(request: httpx.Request) -> None:
        if request.url.path.endswith("access_token"):
            await saver.save(SHOP, fresh)

    async with plain_http(event_hooks={"request": [install_meanwhile]}) as slow:
        token = await _credentials(mongo, slow, app, hours=2).get_access_token(SHOP)
    assert token == fresh.access_token


async def test_tokens_that_are_forgotten_while_they_are_renewed_do_not_come_back(
    mongo: Mongo, http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    first = await install(http, shopify, app)
    credentials = _credentials(mongo, http, app)
    await credentials.save(SHOP, first)

    async def uninstall_meanwhile(request: httpx.Request) -> None:
        if request.url.path.endswith("access_token"):
            await credentials.forget(SHOP, datetime.now(UTC) + timedelta(minutes=1))

    async with plain_http(event_hooks={"request": [uninstall_meanwhile]}) as slow:
        with pytest.raises(NotInstalled):
            await _credentials(mongo, slow, app, hours=2).get_access_token(SHOP)
    assert await credentials.saved_at(SHOP) is None


@pytest.mark.parametrize("status", [403, 503])
async def test_tokens_stay_while_shopify_refuses_our_address_or_is_down(
    mongo: Mongo, http: httpx.AsyncClient, shopify: LocalShopify, app: App, status: int
) -> None:
    first = await install(http, shopify, app)
    credentials = _credentials(mongo, http, app)
    await credentials.save(SHOP, first)
    late = _credentials(mongo, http, app, hours=2)
    shopify.fail_next(SHOP, status)
    with pytest.raises(ShopifyUnavailable):
        await late.get_access_token(SHOP)
    assert await late.get_access_token(SHOP) != first.access_token


async def test_a_token_that_still_works_is_given_out_while_shopify_is_down(
    mongo: Mongo, http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    first = await install(http, shopify, app)
    await _credentials(mongo, http, app).save(SHOP, first)
    nearly = _credentials(mongo, http, app, hours=0.95)
    shopify.fail_next(SHOP, 503)
    assert await nearly.get_access_token(SHOP) == first.access_token
    shopify.fail_next(SHOP, 503)
    with pytest.raises(ShopifyUnavailable):
        await _credentials(mongo, http, app, hours=2).get_access_token(SHOP)
    assert await nearly.get_access_token(SHOP) != first.access_token


async def test_a_token_that_shopify_rejected_is_not_given_out_again(
    mongo: Mongo, http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    credentials = _credentials(mongo, http, app)
    first = await install(http, shopify, app)
    await credentials.save(SHOP, first)
    second = await credentials.get_access_token(SHOP, rejected=first.access_token)
    assert second != first.access_token
    assert await credentials.get_access_token(SHOP, rejected=first.access_token) == second
    shopify.grants.revoke(SHOP)
    with pytest.raises(AuthFailed, match="invalid_grant"):
        await credentials.get_access_token(SHOP, rejected=second)
