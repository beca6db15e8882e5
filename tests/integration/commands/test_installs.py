"""Installing by OAuth's code grant, against a Shopify that runs here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from cplus.commands.installs import CALLBACK, STATE_SECONDS, Begun, Installs
from cplus.errors import (
    InvalidInput,
    InvalidShop,
    InvalidSignature,
    ShopifyRefused,
    ShopifyUnavailable,
)
from cplus.events.base import Event, NewEvent
from cplus.events.catalogue.billing import AccountOpened
from cplus.events.catalogue.imports import ImportEnded
from cplus.events.catalogue.shops import AppInstalled, AppUninstalled
from cplus.events.log.commit import Draft
from cplus.events.names import install_import
from cplus.ids import random_id
from cplus.local.shopify import LocalShop, LocalShopify
from cplus.shopify.signatures import sign_query
from tests.integration.intake import SECRET, Intake, emptied, intake, tasks
from tests.samples import installed

SHOP = "blue-jam.myshopify.com"
OTHER = "red-tea.myshopify.com"
APP = "https://app.example.com"
FIRST = "app.installed billing.account_opened"


@pytest.fixture(scope="module")
async def shopify() -> AsyncIterator[LocalShopify]:
    server = LocalShopify(client_id="client-id", client_secret=SECRET, app_url=APP)
    await server.start()
    for host in (SHOP, OTHER):
        server.add_shop(LocalShop(host=host, name="Blue Jam", email="owner@jam.example.com"))
    yield server
    await server.stop()


@pytest.fixture(scope="module")
async def shared(mongo_uri: str, aws_endpoint: str, shopify: LocalShopify) -> AsyncIterator[Intake]:
    async with intake(mongo_uri, origin=shopify.origin, app_url=APP) as made:
        yield made


@pytest.fixture
async def use(shared: Intake) -> Intake:
    return await emptied(shared)


@pytest.fixture
def installs(use: Intake) -> Installs:
    return use.parts.installs


async def consent(use: Intake, begun: Begun) -> dict[str, str]:
    """What the callback is asked with after the merchant has consented."""
    answer = await use.parts.http.post(begun.url)
    assert answer.status_code == 303
    location = urlsplit(answer.headers["Location"])
    assert f"{location.scheme}://{location.netloc}{location.path}" == APP + CALLBACK
    return dict(parse_qsl(location.query))


async def test_an_install_ends_with_tokens_an_event_and_a_nudge(
    use: Intake, installs: Installs
) -> None:
    begun = installs.begin(SHOP.upper().replace("MYSHOPIFY.COM", "myshopify.com"))
    params = await consent(use, begun)
    assert await installs.finish(params, begun.state) == SHOP
    [commit] = await use.parts.store.read(SHOP, 0)
    [told, account] = await use.parts.reader.of(commit)
    assert isinstance(told.event, AppInstalled)
    assert told.event == installed(
        "Blue Jam",
        tuple(use.parts.settings.shopify_scopes.split(",")),
        shop=SHOP,
        at=told.occurred_at,
        currency="USD",
        timezone="America/New_York",
        shopify_plan="Basic",
        country="US",
    )
    assert (told.stream, told.version) == (f"shop/{SHOP}", 1)
    assert (told.source, told.actor) == ("install", "merchant/admin")
    assert isinstance(account.event, AccountOpened)
    assert account.event.conversations == use.parts.settings.free_conversations
    assert (account.stream, account.version) == (f"billing/{SHOP}", 1)
    assert (await use.parts.credentials.get_access_token(SHOP)).startswith("shpat_")
    assert await use.nudges() == [{"shop": SHOP, "position": 1}]


async def test_no_token_and_no_code_stands_in_the_log(use: Intake, installs: Installs) -> None:
    begun = installs.begin(SHOP)
    params = await consent(use, begun)
    await installs.finish(params, begun.state)
    token = await use.parts.credentials.get_access_token(SHOP)
    stored = repr(await use.parts.mongo.database["commits"].find_one({"shop": SHOP}))
    for secret in (token, params["code"], params["hmac"], begun.state, SECRET):
        assert secret not in stored


async def test_a_callback_that_comes_twice_is_answered_as_the_first_time(
    use: Intake, installs: Installs
) -> None:
    begun = installs.begin(SHOP)
    params = await consent(use, begun)
    for _ in range(2):
        assert await installs.finish(params, begun.state) == SHOP
    assert len(await use.parts.store.read(SHOP, 0)) == 1


async def test_the_address_of_a_finished_callback_lets_no_other_browser_in(
    use: Intake, installs: Installs
) -> None:
    begun = installs.begin(SHOP)
    params = await consent(use, begun)
    assert begun.state not in begun.url
    assert begun.state not in repr(params)
    await installs.finish(params, begun.state)
    for cookie in ("", params["state"], params["code"]):
        with pytest.raises(InvalidInput, match="this browser"):
            await installs.finish(params, cookie)


async def granted(use: Intake, installs: Installs) -> list[str]:
    """Lets the merchant come through Shopify; answers what each of their grants meant so far."""
    begun = installs.begin(SHOP)
    await installs.finish(await consent(use, begun), begun.state)
    commits = [one for one in await use.parts.store.read(SHOP, 0) if one.source == "install"]
    return [" ".join(document["type"] for document in one.documents) for one in commits]


async def told(use: Intake, stream: str, event: Event) -> None:
    """Shopify tells of it now."""
    new = [NewEvent(stream, event, use.parts.clock())]
    draft = Draft(SHOP, f"test/{random_id()}", "webhook", "shopify", new, refs=[stream])
    await use.parts.store.append([draft])


async def test_who_comes_through_shopify_again_is_recorded_and_installs_nothing(
    use: Intake, installs: Installs
) -> None:
    await granted(use, installs)
    assert await granted(use, installs) == [FIRST, ""]
    [_, again] = await use.parts.store.read(SHOP, 0)
    assert again.reason == "the app is installed with these scopes already"


async def test_a_second_way_in_that_comes_twice_is_answered_as_the_first_time(
    use: Intake, installs: Installs
) -> None:
    await granted(use, installs)
    begun = installs.begin(SHOP)
    params = await consent(use, begun)
    for _ in range(2):
        assert await installs.finish(params, begun.state) == SHOP
    assert len(await use.parts.store.read(SHOP, 0)) == 2


async def test_a_grant_after_a_removal_installs(use: Intake, installs: Installs) -> None:
    await granted(use, installs)
    await told(use, f"shop/{SHOP}", AppUninstalled())
    assert await granted(use, installs) == [FIRST, "app.installed"]
    assert await granted(use, installs) == [FIRST, "app.installed", ""]


async def test_a_grant_after_a_removal_installs_also_where_its_news_is_on_the_way(
    use: Intake, installs: Installs, shopify: LocalShopify
) -> None:
    await granted(use, installs)
    shopify.grants.revoke(SHOP)
    assert await granted(use, installs) == [FIRST, "app.installed"]


async def test_a_grant_installs_anew_where_shopify_refused_the_import(
    use: Intake, installs: Installs
) -> None:
    await granted(use, installs)
    [commit] = await use.parts.store.read(SHOP, 0)
    import_id = install_import(f"{commit.id}/0")
    ended = ImportEnded(import_id=import_id, outcome="refused", pages=0)
    await told(use, f"import/{import_id}", ended)
    assert await granted(use, installs) == [FIRST, "app.installed"]


async def test_new_scopes_install_anew(use: Intake, installs: Installs) -> None:
    await granted(use, installs)
    more = replace(installs, app=replace(installs.app, scopes="read_customers"))
    assert await granted(use, more) == [FIRST, "app.installed"]


async def test_of_two_first_grants_at_once_one_installs(use: Intake, installs: Installs) -> None:
    begun = [installs.begin(SHOP) for _ in range(2)]
    params = [await consent(use, one) for one in begun]
    both = zip(params, begun, strict=True)
    await asyncio.gather(*(installs.finish(query, one.state) for query, one in both))
    commits = await use.parts.store.read(SHOP, 0)
    assert sorted(len(commit.documents) for commit in commits) == [0, 2]


@pytest.mark.parametrize("host", ["nowhere", "", "blue-jam.myshopify.com/x", "a.example.com"])
def test_a_malformed_shop_cannot_begin(installs: Installs, host: str) -> None:
    with pytest.raises(InvalidShop):
        installs.begin(host)


async def test_a_query_that_shopify_did_not_sign_is_refused(
    use: Intake, installs: Installs
) -> None:
    begun = installs.begin(SHOP)
    params = await consent(use, begun)
    for wrong in ({**params, "code": "other"}, {**params, "hmac": ""}, {}):
        with pytest.raises(InvalidSignature):
            await installs.finish(wrong, begun.state)
    later = replace(installs, clock=lambda: use.parts.clock() + timedelta(seconds=200))
    with pytest.raises(InvalidSignature):
        await later.finish(params, begun.state)
    assert await use.parts.store.read(SHOP, 0) == []


async def test_another_browser_cannot_finish_an_install(use: Intake, installs: Installs) -> None:
    begun = installs.begin(SHOP)
    params = await consent(use, begun)
    for cookie in ("", "x", params["state"], installs.begin(SHOP).state, "\u00e9", "\ud800"):
        with pytest.raises(InvalidInput):
            await installs.finish(params, cookie)
    forged = {**params, "state": "forged"}
    forged["hmac"] = sign_query(forged, SECRET)
    with pytest.raises(InvalidInput):
        await installs.finish(forged, "forged")
    assert await use.parts.store.read(SHOP, 0) == []


async def test_a_state_is_for_one_shop_and_a_short_time(use: Intake, installs: Installs) -> None:
    begun = installs.begin(OTHER)
    params = {**await consent(use, begun), "shop": SHOP}
    params["hmac"] = sign_query(params, SECRET)
    with pytest.raises(InvalidInput):
        await installs.finish(params, begun.state)

    long_ago = timedelta(seconds=STATE_SECONDS + 1)
    slow = replace(installs, clock=lambda: use.parts.clock() - long_ago).begin(SHOP)
    with pytest.raises(InvalidInput, match="too long"):
        await installs.finish(await consent(use, slow), slow.state)


async def test_a_callback_without_a_code_is_refused(use: Intake, installs: Installs) -> None:
    begun = installs.begin(SHOP)
    params = await consent(use, begun)
    del params["code"]
    params["hmac"] = sign_query(params, SECRET)
    with pytest.raises(InvalidInput, match="no code"):
        await installs.finish(params, begun.state)


async def test_a_code_that_shopify_does_not_know_installs_nothing(
    use: Intake, installs: Installs
) -> None:
    begun = installs.begin(SHOP)
    params = {**await consent(use, begun), "code": "unknown"}
    params["hmac"] = sign_query(params, SECRET)
    with pytest.raises(ShopifyRefused):
        await installs.finish(params, begun.state)
    assert await use.parts.store.read(SHOP, 0) == []


async def test_a_shopify_that_is_down_is_told(
    use: Intake, installs: Installs, shopify: LocalShopify
) -> None:
    begun = installs.begin(SHOP)
    params = await consent(use, begun)
    shopify.fail_next(SHOP, 503)
    with pytest.raises(ShopifyUnavailable):
        await installs.finish(params, begun.state)
    assert await installs.finish(params, begun.state) == SHOP


async def test_an_install_leaves_no_task_behind(use: Intake, installs: Installs) -> None:
    begun = installs.begin(SHOP)
    await installs.finish(await consent(use, begun), begun.state)
    before = tasks()
    begun = installs.begin(OTHER)
    await installs.finish(await consent(use, begun), begun.state)
    # The Shopify of these tests serves from this process: its tasks are not the app's.
    assert {task for task in tasks() - before if "Server" not in repr(task)} == set()
