"""What members of staff are called, and who of them owns the account: Shopify says it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from cplus.actors import merchant
from cplus.clock import utc_now
from cplus.commands.team import learn, team_of
from cplus.local.shopify import LocalShop, LocalShopify
from cplus.shopify.oauth import StaffUser
from tests.integration.web.harness import CLIENT_SECRET, SHOP, Harness
from tests.integration.web.tokens import id_token


@pytest.fixture
async def shopify() -> AsyncIterator[LocalShopify]:
    server = LocalShopify(
        client_id="client", client_secret=CLIENT_SECRET, app_url="http://app.test"
    )
    await server.start()
    server.add_shop(LocalShop(host=SHOP, name="Acorn & Co", email="owner@example.com"))
    server.grants.grant(SHOP, "read_customers,read_orders")
    yield server
    await server.stop()


@pytest.fixture
async def web(mongo_uri: str, database: str, shopify: LocalShopify) -> AsyncIterator[Harness]:
    async with Harness(mongo_uri, database, shopify_origin=shopify.origin).opened() as harness:
        harness.clock.now = utc_now()  # Shopify's tokens end by the real clock
        yield harness


async def _opened(web: Harness, user: str, page: str = "/settings/team") -> httpx.Response:
    async with web.browser() as frame:
        query = {"embedded": "1", "shop": SHOP, "id_token": id_token(sub=user)}
        return await frame.get(page, params=query)


async def test_members_are_called_as_shopify_calls_them_in_the_frame_and_beside_it(
    web: Harness, shopify: LocalShopify
) -> None:
    first = await _opened(web, "2")
    assert "<bdi>Sam Ito</bdi> (you)" in first.text
    await _opened(web, "1")
    async with web.signed_in(user="2") as window:
        page = (await window.get("/settings/team")).text
        assert "<bdi>Robin Vale</bdi>" in page
        assert "<bdi>Sam Ito</bdi> (you)" in page
    [row, _] = await web.parts.mongo.database["workspace_members"].find({}).to_list(None)
    assert b"Robin" not in row["name"]
    log = await web.parts.mongo.database["commits"].find({}).to_list(None)
    assert not any(word in repr(log) for word in ("shpua_", "Robin", "Ito"))
    # It is known for a week: nobody waits for Shopify meanwhile.
    await shopify.stop()
    assert "<bdi>Sam Ito</bdi> (you)" in (await _opened(web, "2")).text


async def test_the_owner_of_the_account_is_an_owner_also_after_they_were_taken_out(
    web: Harness,
) -> None:
    await _opened(web, "2")
    page = await _opened(web, "1")
    team = await team_of(web.parts.recorder, SHOP)
    assert (team.members, team.account_owner) == ({"2": "owner", "1": "owner"}, "1")
    assert page.text.count("Owns the shop’s account at Shopify") == 1
    assert 'action="/settings/team/remove"' in page.text, "of the other one"
    assert page.text.count('name="member" value="1"') == 0


async def test_a_shopify_that_does_not_answer_holds_nobody_up_and_is_asked_again_later(
    web: Harness, shopify: LocalShopify
) -> None:
    await _opened(web, "1", "/inbox")  # installs
    await web.parts.mongo.database["workspace_members"].delete_many({})
    shopify.fail_next(SHOP, 503)
    assert "Staff member 1" in (await _opened(web, "1")).text
    assert "Staff member 1" in (await _opened(web, "1")).text, "it was asked a moment ago"
    web.clock.forward(3601)
    assert "<bdi>Robin Vale</bdi>" in (await _opened(web, "1")).text


async def test_a_name_of_somebody_else_is_not_believed(web: Harness) -> None:
    async def other(_shop: str, _token: str) -> StaffUser:
        return StaffUser(id=1, first_name="Robin", account_owner=True)

    use = replace(web.parts.staff, ask=other)
    assert await learn(SHOP, "a token", None, actor=merchant("3"), use=use) is None
    assert await web.parts.workspace.members.known(SHOP) == {}
    assert (await team_of(web.parts.recorder, SHOP)).account_owner is None
