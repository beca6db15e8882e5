"""Installing by OAuth's code grant, against a Shopify that runs here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from cplus.actors import ADMIN
from cplus.aws import Aws
from cplus.commands.installs import Installed, Installs, install
from cplus.commands.scopes import changed_scopes
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
from cplus.events.catalogue.privacy import ShopErased
from cplus.events.catalogue.shops import AppInstalled, AppUninstalled, ScopesChanged
from cplus.events.log.commit import Draft
from cplus.events.names import install_import
from cplus.ids import random_id
from cplus.local.shopify import LocalShop, LocalShopify
from cplus.shopify.signatures import sign_query
from cplus.web.kit.handshake import CALLBACK, STATE_SECONDS, Begun, Handshake
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
async def shared(mongo_uri: str, aws: Aws, shopify: LocalShopify) -> AsyncIterator[Intake]:
    async with intake(mongo_uri, aws, origin=shopify.origin, app_url=APP) as made:
        yield made


@pytest.fixture
async def use(shared: Intake) -> Intake:
    return await emptied(shared)


@dataclass(frozen=True)
class Way:
    """A merchant's way in: the handshake with their browser, then the command."""

    handshake: Handshake
    use: Installs

    def begin(self, shop: str) -> Begun:
        return self.handshake.begin(shop)

    async def finish(self, params: Mapping[str, str], nonce: str) -> str:
        found = self.handshake.finish(params, nonce)
        told = await install(found.shop, found.code, said=found.said, actor=ADMIN, use=self.use)
        assert isinstance(told, Installed)
        return found.shop


@pytest.fixture
def way(use: Intake) -> Way:
    parts = use.parts
    secret = parts.settings.secret("application_secret")
    return Way(Handshake(parts.app, parts.clock, APP, secret), parts.installs)


async def consent(use: Intake, begun: Begun) -> dict[str, str]:
    """What the callback is asked with after the merchant has consented."""
    answer = await use.parts.http.post(begun.url)
    assert answer.status_code == 303
    location = urlsplit(answer.headers["Location"])
    assert f"{location.scheme}://{location.netloc}{location.path}" == APP + CALLBACK
    return dict(parse_qsl(location.query))


async def test_an_install_ends_with_tokens_an_event_and_a_nudge(use: Intake, way: Way) -> None:
    begun = way.begin(SHOP.upper().replace("MYSHOPIFY.COM", "myshopify.com"))
    params = await consent(use, begun)
    assert await way.finish(params, begun.nonce) == SHOP
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


async def test_no_token_and_no_code_stands_in_the_log(use: Intake, way: Way) -> None:
    begun = way.begin(SHOP)
    params = await consent(use, begun)
    await way.finish(params, begun.nonce)
    token = await use.parts.credentials.get_access_token(SHOP)
    stored = repr(await use.parts.mongo.database["commits"].find_one({"shop": SHOP}))
    for secret in (token, params["code"], params["hmac"], begun.nonce, SECRET):
        assert secret not in stored


async def test_a_callback_that_comes_twice_is_answered_as_the_first_time(
    use: Intake, way: Way
) -> None:
    begun = way.begin(SHOP)
    params = await consent(use, begun)
    for _ in range(2):
        assert await way.finish(params, begun.nonce) == SHOP
    assert len(await use.parts.store.read(SHOP, 0)) == 1


async def test_the_address_of_a_finished_callback_lets_no_other_browser_in(
    use: Intake, way: Way
) -> None:
    begun = way.begin(SHOP)
    params = await consent(use, begun)
    assert begun.nonce not in begun.url
    assert begun.nonce not in repr(params)
    await way.finish(params, begun.nonce)
    for cookie in ("", params["state"], params["code"]):
        with pytest.raises(InvalidInput, match="this browser"):
            await way.finish(params, cookie)


async def granted(use: Intake, way: Way) -> list[str]:
    """Lets the merchant come through Shopify; answers what each of their grants meant so far."""
    begun = way.begin(SHOP)
    await way.finish(await consent(use, begun), begun.nonce)
    commits = [one for one in await use.parts.store.read(SHOP, 0) if one.source == "install"]
    return [" ".join(document["type"] for document in one.documents) for one in commits]


async def told(use: Intake, stream: str, event: Event) -> None:
    """Shopify tells of it now."""
    new = [NewEvent(stream, event, use.parts.clock())]
    draft = Draft(SHOP, f"test/{random_id()}", "webhook", "shopify", new, refs=[stream])
    await use.parts.store.append([draft])


async def test_who_comes_through_shopify_again_is_recorded_and_installs_nothing(
    use: Intake, way: Way
) -> None:
    await granted(use, way)
    assert await granted(use, way) == [FIRST, ""]
    [_, again] = await use.parts.store.read(SHOP, 0)
    assert again.reason == "the app is installed with these scopes already"


async def test_a_second_way_in_that_comes_twice_is_answered_as_the_first_time(
    use: Intake, way: Way
) -> None:
    await granted(use, way)
    begun = way.begin(SHOP)
    params = await consent(use, begun)
    for _ in range(2):
        assert await way.finish(params, begun.nonce) == SHOP
    assert len(await use.parts.store.read(SHOP, 0)) == 2


async def test_a_grant_after_a_removal_installs(use: Intake, way: Way) -> None:
    await granted(use, way)
    await told(use, f"shop/{SHOP}", AppUninstalled())
    assert await granted(use, way) == [FIRST, "app.installed"]
    assert await granted(use, way) == [FIRST, "app.installed", ""]


async def test_a_grant_after_the_shop_was_erased_opens_its_account_anew(
    use: Intake, way: Way
) -> None:
    await granted(use, way)
    await told(use, f"shop/{SHOP}", AppUninstalled())
    at = use.parts.clock()
    gone = ShopErased(originator_id=f"shop/{SHOP}", originator_version=2, timestamp=at, erasure="e")
    draft = Draft(SHOP, "e", "erasure", "system/erase", [NewEvent.decided(gone)])
    await use.parts.store.append([draft])
    assert (await granted(use, way))[-1] == FIRST
    assert (await granted(use, way))[-1] == ""


async def test_a_grant_after_a_removal_installs_also_where_its_news_is_on_the_way(
    use: Intake, way: Way, shopify: LocalShopify
) -> None:
    await granted(use, way)
    shopify.grants.revoke(SHOP)
    assert await granted(use, way) == [FIRST, "app.installed"]


async def test_a_grant_installs_anew_where_shopify_refused_the_import(
    use: Intake, way: Way
) -> None:
    await granted(use, way)
    [commit] = await use.parts.store.read(SHOP, 0)
    import_id = install_import(f"{commit.id}/0")
    ended = ImportEnded(import_id=import_id, outcome="refused", pages=0)
    await told(use, f"import/{import_id}", ended)
    assert await granted(use, way) == [FIRST, "app.installed"]


async def test_a_grant_installs_nothing_anew_where_shopify_refused_the_orders_only(
    use: Intake, way: Way
) -> None:
    await granted(use, way)
    [commit] = await use.parts.store.read(SHOP, 0)
    import_id = install_import(f"{commit.id}/0")
    ended = ImportEnded(import_id=import_id, outcome="complete", pages=1, orders="refused")
    await told(use, f"import/{import_id}", ended)
    assert await granted(use, way) == [FIRST, ""]


async def test_a_grant_installs_nothing_anew_where_the_import_ended_for_a_closed_shop(
    use: Intake, way: Way
) -> None:
    await granted(use, way)
    [commit] = await use.parts.store.read(SHOP, 0)
    import_id = install_import(f"{commit.id}/0")
    ended = ImportEnded(import_id=import_id, outcome="closed", pages=0)
    await told(use, f"import/{import_id}", ended)
    assert await granted(use, way) == [FIRST, ""]


async def test_new_scopes_install_anew(use: Intake, way: Way) -> None:
    await granted(use, way)
    app = replace(use.parts.app, scopes="read_customers")
    more = replace(way, handshake=replace(way.handshake, app=app))
    assert await granted(use, more) == [FIRST, "app.installed"]


async def test_a_grant_of_scopes_of_which_shopify_told_installs_nothing_anew(
    use: Intake, way: Way
) -> None:
    await granted(use, way)
    fewer = ("read_customers",)
    await told(use, f"shop/{SHOP}", ScopesChanged(scopes=fewer))
    app = replace(use.parts.app, scopes=",".join(fewer))
    changed = replace(way, handshake=replace(way.handshake, app=app))
    assert await granted(use, changed) == [FIRST, ""]
    # The scopes of the installation itself are other ones by now.
    assert await granted(use, way) == [FIRST, "", "app.installed"]
    assert await changed_scopes(SHOP, use.parts.recorder) is None


async def test_of_two_first_grants_at_once_one_installs(use: Intake, way: Way) -> None:
    begun = [way.begin(SHOP) for _ in range(2)]
    params = [await consent(use, one) for one in begun]
    both = zip(params, begun, strict=True)
    await asyncio.gather(*(way.finish(query, one.nonce) for query, one in both))
    commits = await use.parts.store.read(SHOP, 0)
    assert sorted(len(commit.documents) for commit in commits) == [0, 2]


@pytest.mark.parametrize("host", ["nowhere", "", "blue-jam.myshopify.com/x", "a.example.com"])
def test_a_malformed_shop_cannot_begin(way: Way, host: str) -> None:
    with pytest.raises(InvalidShop):
        way.begin(host)


async def test_a_query_that_shopify_did_not_sign_is_refused(use: Intake, way: Way) -> None:
    begun = way.begin(SHOP)
    params = await consent(use, begun)
    for wrong in ({**params, "code": "other"}, {**params, "hmac": ""}, {}):
        with pytest.raises(InvalidSignature):
            await way.finish(wrong, begun.nonce)
    later = replace(way.handshake, clock=lambda: use.parts.clock() + timedelta(seconds=200))
    with pytest.raises(InvalidSignature):
        later.finish(params, begun.nonce)
    assert await use.parts.store.read(SHOP, 0) == []


async def test_another_browser_cannot_finish_an_install(use: Intake, way: Way) -> None:
    begun = way.begin(SHOP)
    params = await consent(use, begun)
    for cookie in ("", "x", params["state"], way.begin(SHOP).nonce, "\u00e9", "\ud800"):
        with pytest.raises(InvalidInput):
            await way.finish(params, cookie)
    forged = {**params, "state": "forged"}
    forged["hmac"] = sign_query(forged, SECRET)
    with pytest.raises(InvalidInput):
        await way.finish(forged, "forged")
    assert await use.parts.store.read(SHOP, 0) == []


async def test_a_state_is_for_one_shop_and_a_short_time(use: Intake, way: Way) -> None:
    begun = way.begin(OTHER)
    params = {**await consent(use, begun), "shop": SHOP}
    params["hmac"] = sign_query(params, SECRET)
    with pytest.raises(InvalidInput):
        await way.finish(params, begun.nonce)

    long_ago = timedelta(seconds=STATE_SECONDS + 1)
    slow = replace(way.handshake, clock=lambda: use.parts.clock() - long_ago).begin(SHOP)
    with pytest.raises(InvalidInput, match="too long"):
        await way.finish(await consent(use, slow), slow.nonce)


async def test_a_callback_without_a_code_is_refused(use: Intake, way: Way) -> None:
    begun = way.begin(SHOP)
    params = await consent(use, begun)
    del params["code"]
    params["hmac"] = sign_query(params, SECRET)
    with pytest.raises(InvalidInput, match="no code"):
        await way.finish(params, begun.nonce)


async def test_a_code_that_shopify_does_not_know_installs_nothing(use: Intake, way: Way) -> None:
    begun = way.begin(SHOP)
    params = {**await consent(use, begun), "code": "unknown"}
    params["hmac"] = sign_query(params, SECRET)
    with pytest.raises(ShopifyRefused):
        await way.finish(params, begun.nonce)
    assert await use.parts.store.read(SHOP, 0) == []


async def test_a_shopify_that_is_down_is_told(use: Intake, way: Way, shopify: LocalShopify) -> None:
    begun = way.begin(SHOP)
    params = await consent(use, begun)
    shopify.fail_next(SHOP, 503)
    with pytest.raises(ShopifyUnavailable):
        await way.finish(params, begun.nonce)
    assert await way.finish(params, begun.nonce) == SHOP


async def test_an_install_leaves_no_task_behind(use: Intake, way: Way) -> None:
    begun = way.begin(SHOP)
    await way.finish(await consent(use, begun), begun.nonce)
    before = tasks()
    begun = way.begin(OTHER)
    await way.finish(await consent(use, begun), begun.nonce)
    # The Shopify of these tests serves from this process: its tasks are not the app's.
    assert {task for task in tasks() - before if "Server" not in repr(task)} == set()
