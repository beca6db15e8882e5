"""The installation through a Shopify that runs here, and the operator console."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from cplus.clock import utc_now
from cplus.consumers.reactions.allowances import ALLOWANCES
from cplus.consumers.reactions.registry import REACTIONS
from cplus.consumers.webhooks.untranslated import NOT_KNOWN
from cplus.consumers.webhooks.whose import ANOTHERS
from cplus.events.catalogue.shops import AppUninstalled
from cplus.events.log.commit import Draft
from cplus.events.names import webhook_claim
from cplus.local.shopify import LocalShop, LocalShopify
from cplus.privacy.token_tries import MOST, WINDOW
from cplus.projections.generations.lineage_changes import begin
from cplus.projections.generations.rebuild import fill
from cplus.projections.generations.switch import switch_over
from cplus.projections.groups import ALL
from cplus.projections.lag.lag import Lag
from cplus.projections.lag.overview import ShopLag, stops_of
from cplus.projections.models.messages import MESSAGES
from cplus.projections.running.runner import Runner
from cplus.shopify.signatures import sign_query
from cplus.subscriptions.checkpoints import (
    CHECKPOINTS,
    Parked,
    Retry,
    begin_checkpoint,
    move_checkpoint,
)
from cplus.web.kit.deep_links import HOME, own_page
from tests.integration.web.harness import (
    CLIENT_SECRET,
    NOW,
    OPERATOR,
    OTHER,
    SHOP,
    Harness,
    fields_of,
    path_of,
)
from tests.plain_http import plain_http


@pytest.fixture
async def shopify() -> AsyncIterator[LocalShopify]:
    server = LocalShopify(
        client_id="client", client_secret=CLIENT_SECRET, app_url="http://app.test"
    )
    await server.start()
    for host in (SHOP, OTHER):
        server.add_shop(LocalShop(host=host, name="Acorn & Co", email="owner@example.com"))
    yield server
    await server.stop()


@pytest.fixture
async def web(mongo_uri: str, database: str, shopify: LocalShopify) -> AsyncIterator[Harness]:
    async with Harness(mongo_uri, database, shopify_origin=shopify.origin).opened() as harness:
        yield harness


async def _consent(web: Harness, begun: httpx.Response) -> str:
    """Grants what the app asks for, as a person does; answers where Shopify leads back to."""
    async with plain_http() as outside:
        page = await outside.get(begun.headers["location"])
        hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page.text)
        fields = {name: html.unescape(value) for name, value in hidden}
        answer = await outside.post(begun.headers["location"], data=fields)
    location: str = answer.headers["location"]
    assert location.startswith("http://app.test/auth/callback?")
    parts = urlsplit(location)
    return f"{parts.path}?{parts.query}"


@pytest.fixture
def real_time(web: Harness) -> None:
    """Shopify signs by the real clock."""
    web.clock.now = utc_now()


@pytest.mark.usefixtures("real_time")
async def test_installing_signs_the_merchant_in_and_a_second_browser_not(web: Harness) -> None:
    async with web.browser() as browser, web.browser() as another:
        begun = await browser.get(f"/auth/install?shop={SHOP}")
        assert begun.status_code == 303
        assert "httponly" in begun.headers["set-cookie"].lower()
        back = await _consent(web, begun)
        stolen = await another.get(back)
        assert stolen.status_code == 400
        assert "did not start" in stolen.text
        answer = await browser.get(back)
        assert (answer.status_code, path_of(answer)) == (303, "/inbox")
        assert "Acorn &amp; Co" in (await browser.get("/inbox")).text
        changed = back.replace("acorn", "birch")
        assert (await browser.get(changed)).status_code == 403
        await _removing_the_app_ends_it_until_the_next_install(web, browser)
    head = await web.parts.store.head(SHOP)
    assert head.position == 4, "two installs, a removal, and a member of the team"
    assert (await web.parts.store.head(OTHER)).position == 0


async def _removing_the_app_ends_it_until_the_next_install(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    web.clock.now = utc_now()
    await web.record(SHOP, f"shop/{SHOP}", AppUninstalled())
    assert path_of(await browser.get("/inbox")) == f"/auth/sign-in?note=gone&shop={SHOP}"
    web.nudger.on = False  # the read models do not know of the install yet
    web.clock.now = utc_now()
    await browser.get(await _consent(web, await browser.get(f"/auth/install?shop={SHOP}")))
    assert (await browser.get("/inbox")).status_code == 200


@pytest.mark.usefixtures("real_time")
async def test_a_shop_that_was_typed_by_its_other_host_is_installed_by_the_one_that_shopify_names(
    web: Harness,
) -> None:
    async with web.browser() as browser, web.browser() as another:
        typed = await browser.get("/auth/install?shop=acorn.myshopify.com&next=/settings")
        [state] = parse_qs(urlsplit(typed.headers["location"]).query)["state"]
        # Shopify leads back with the state of the host that was typed, and names its own.
        query = {"shop": OTHER, "code": "a code", "state": state}
        query["timestamp"] = str(int(web.clock().timestamp()))
        back = f"/auth/callback?{urlencode({**query, 'hmac': sign_query(query, CLIENT_SECRET)})}"
        assert (await another.get(back)).status_code == 400
        again = await browser.get(back)
        assert (again.status_code, urlsplit(again.headers["location"]).path) == (
            303,
            f"/{OTHER}/admin/oauth/authorize",
        )
        answer = await browser.get(await _consent(web, again))
        assert (answer.status_code, path_of(answer)) == (303, "/settings")
    assert (await web.parts.store.head(OTHER)).position == 1
    assert (await web.parts.store.head(SHOP)).position == 0


@pytest.mark.usefixtures("real_time")
async def test_a_shopify_that_is_away_is_said_kindly(web: Harness, shopify: LocalShopify) -> None:
    async with web.browser() as browser:
        back = await _consent(web, await browser.get(f"/auth/install?shop={SHOP}"))
        shopify.fail_next(SHOP, 503, 5)
        answer = await browser.get(back)
        assert answer.status_code == 502
        assert "Try again" in answer.text
        assert path_of(await browser.get("/inbox")) == "/auth/sign-in"


def _opened(shop: str, **more: str) -> str:
    """The address by which the Admin of the shop opens the app."""
    query = {"shop": shop, "host": "x", "timestamp": str(int(utc_now().timestamp())), **more}
    return f"/?{urlencode({**query, 'hmac': sign_query(query, CLIENT_SECRET)})}"


@pytest.mark.usefixtures("real_time")
async def test_opening_the_app_from_a_shops_admin_leads_to_that_shop(
    web: Harness, shopify: LocalShopify
) -> None:
    async with plain_http() as outside:
        admin = await outside.get(f"{shopify.url}/{SHOP}/open")
    async with web.signed_in(OTHER) as browser, web.browser() as nobody:
        assert path_of(await browser.get(_opened(OTHER))) == "/inbox"
        for one in (browser, nobody):
            opened = await one.get(path_of(admin))
            address = "https://admin.shopify.com/store/acorn/apps/client/inbox"
            assert opened.headers["location"] == address
            deep = await one.get(_opened(SHOP).replace("/?", "/customers?"))
            assert deep.headers["location"].endswith("/apps/client/customers")
            assert "set-cookie" not in opened.headers


@pytest.mark.usefixtures("real_time")
async def test_an_app_outside_the_admin_leads_to_that_shops_consent(
    mongo_uri: str, database: str, shopify: LocalShopify
) -> None:
    harness = Harness(mongo_uri, database, shopify_origin=shopify.origin, shopify_admin_origin="")
    async with harness.opened() as web, web.signed_in(OTHER) as browser, web.browser() as nobody:
        web.clock.now = utc_now()
        other = await web.conversation(OTHER, subject="A secret of the other shop")
        for one in (browser, nobody):
            begun = await one.get(_opened(SHOP))
            assert f"/{SHOP}/admin/oauth/authorize?" in begun.headers["location"]
            assert path_of(await one.get(await _consent(web, begun))) == "/inbox"
            page = await one.get("/inbox")
            assert "Acorn &amp; Co" in page.text
            assert other not in page.text
        # It is the one that may ask for an address: no Admin leads to it.
        asked = await nobody.get("/auth/sign-in")
        assert 'placeholder="your-shop.myshopify.com"' in asked.text
        again = await nobody.get("/auth/install?shop=a b")
        assert "ends with .myshopify.com" in again.text


@pytest.mark.parametrize("path", ["/auth/sign-in", "/auth/sign-in?shop=x.example", "/auth/install"])
async def test_nobody_is_asked_to_type_a_shop(web: Harness, path: str) -> None:
    async with web.browser() as browser:
        page = await browser.get(path)
        assert '<a class="button" href="https://admin.shopify.com">' in page.text
        known = await browser.get(f"/auth/sign-in?shop={SHOP}")
    for one in (page, known):
        assert 'type="text"' not in one.text


@pytest.mark.usefixtures("real_time")
async def test_an_address_that_only_claims_a_shop_asks_for_it(web: Harness) -> None:
    query = {"shop": SHOP, "timestamp": "1", "hmac": "0" * 64}
    forged = [f"shop={SHOP}", urlencode(query), _opened(SHOP)[2:] + f"&shop={OTHER}"]
    async with web.signed_in(OTHER) as browser:
        for one in forged:
            asked = await browser.get(f"/customers?{one}")
            assert asked.status_code == 303
            assert "oauth" not in asked.headers["location"]
        page = await browser.get(f"/auth/sign-in?shop={SHOP}")
        assert f'value="{SHOP}"' in page.text


@pytest.mark.usefixtures("real_time")
async def test_each_of_several_begun_installs_ends_as_if_it_were_the_only_one(
    web: Harness,
) -> None:
    async with web.browser() as browser:
        wanted = urlencode({"shop": SHOP, "next": "/customers?kind=leads"})
        first = await browser.get(f"/auth/install?{wanted}")
        second = await browser.get(f"/auth/install?shop={SHOP}")
        other = await browser.get(f"/auth/install?shop={OTHER}")
        back = await _consent(web, first)
        for _ in range(2):  # the last step is loaded again
            assert path_of(await browser.get(back)) == "/customers?kind=leads"
        for begun in (second, other):
            assert path_of(await browser.get(await _consent(web, begun))) == "/inbox"
        back = await _consent(web, second)
        assert path_of(await browser.get(back)) == "/inbox"
        web.clock.forward(3_600)
        assert path_of(await browser.get(back)) == "/inbox", "they are where it led"
        await browser.post(
            "/auth/sign-out",
            data=fields_of((await browser.get("/inbox")).text, "/auth/sign-out"),
        )
        assert (await browser.get(back)).status_code == 403


@pytest.mark.usefixtures("real_time")
async def test_a_consent_that_is_loaded_again_reads_nothing_after_the_app_was_removed(
    web: Harness,
) -> None:
    async with web.browser() as browser:
        back = await _consent(web, await browser.get(f"/auth/install?shop={SHOP}"))
        await browser.get(back)
        web.clock.forward(20)
        await web.record(SHOP, f"shop/{SHOP}", AppUninstalled())
        web.clock.forward(20)
        await browser.get(back)
        assert path_of(await browser.get("/inbox")) == f"/auth/sign-in?note=gone&shop={SHOP}"


async def test_the_address_of_a_form_that_is_loaded_again_leads_to_its_page(web: Harness) -> None:
    conversation = await web.conversation()
    async with web.signed_in() as browser:
        for what in ("reply", "answer-to", "close", "reopen"):
            answer = await browser.get(f"/conversations/{conversation}/{what}")
            assert path_of(answer) == f"/conversations/{conversation}"
        assert path_of(await browser.get("/auth/sign-out")) == "/inbox"
        for what in ("sign-in", "sign-out"):
            assert path_of(await browser.get(f"/console/{what}")) == "/console"


async def test_who_was_signed_out_comes_back_to_the_page_of_the_form_that_they_sent(
    web: Harness,
) -> None:
    routes = web.app.openapi()["paths"]
    forms = [path for path, ways in routes.items() if "post" in ways]
    forms = [path for path in forms if own_page(path.replace("{", "").replace("}", "")) != HOME]
    assert len(forms) >= 5
    for form in forms:
        assert "get" in routes[form], f"who comes back to {form} finds nothing"
    async with web.browser() as browser:
        answer = await browser.post("/conversations/c1/reply", data={"text": "Hello"})
        assert path_of(answer) == "/auth/sign-in?note=unsent&next=%2Fconversations%2Fc1%2Freply"


@pytest.mark.parametrize("twice", [f"shop={OTHER}", f"shop={SHOP}", "code=x", "state=x"])
@pytest.mark.usefixtures("real_time")
async def test_a_callback_that_says_something_twice_is_refused(web: Harness, twice: str) -> None:
    async with web.browser() as browser:
        back = await _consent(web, await browser.get(f"/auth/install?shop={SHOP}"))
        path, _, query = back.partition("?")
        for said in (f"{twice}&{query}", f"{query}&{twice}"):
            assert (await browser.get(f"{path}?{said}")).status_code == 403


@pytest.mark.parametrize(
    "typed",
    [
        "acorn",
        "ACORN.myshopify.com",
        " acorn.myshopify.com ",
        f"https://{SHOP}/admin",
        "https://admin.shopify.com/store/acorn",
    ],
)
async def test_the_shop_is_understood_as_people_type_it(web: Harness, typed: str) -> None:
    answer = await web.browser().get("/auth/install", params={"shop": typed})
    assert answer.status_code == 303
    assert f"/{SHOP}/admin/oauth/authorize?" in answer.headers["location"]


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "evil.example.com",
        "acorn.myshopify.com.evil.example",
        "a b",
        "<script>",
        "x@y",
        "ü",
        "-",
    ],
)
async def test_what_is_no_shop_is_asked_for_again(web: Harness, typed: str) -> None:
    answer = await web.browser().get("/auth/install", params={"shop": typed})
    assert answer.status_code == 400
    assert "doesn’t name a shop" in answer.text
    assert "<script>" not in answer.text
    # The form leads to Shopify by redirects, which `form-action` would hold up.
    assert "form-action" not in answer.headers["content-security-policy"]


# The console


async def test_the_console_shows_webhooks_that_could_not_be_translated(web: Harness) -> None:
    async with web.signed_in() as browser:
        await browser.post("/console/sign-in", data={"name": "jo", "token": OPERATOR})
        assert "0 webhooks not translated" in (await browser.get("/console")).text
        for number, reason in enumerate(("orders/create: a <fault>", None, ANOTHERS.words)):
            claim = webhook_claim("orders/create", f"w-{number}")
            draft = Draft(SHOP, claim, "webhook", "shopify", reason=reason)
            await web.parts.store.append([draft])
        page = (await browser.get("/console")).text
        for words in (
            "2 webhooks not translated",
            "<code>orders/create</code>",
            "orders/create: a &lt;fault&gt;",
            NOT_KNOWN,
            "cplus webhooks retranslate",
        ):
            assert words in page
        assert ANOTHERS.words not in page, "it was refused, and needs nobody"


async def test_the_console_names_a_shop_that_is_known_by_two_hosts(web: Harness) -> None:
    async with web.browser() as browser:
        token = {"name": "jo", "token": OPERATOR}
        assert (await browser.post("/console/sign-in", data=token)).status_code == 303
        assert "another address" not in (await browser.get("/console")).text
        for host in (SHOP, OTHER):
            await web.parts.shop_ids.remember(host, 548380009)
        page = (await browser.get("/console")).text
    [told] = re.findall(r"<strong>.*has the id of.*</p>", page)
    assert told.index("birch") < told.index("acorn")
    assert "548380009" in told


async def test_the_console_opens_with_the_operator_token_only(web: Harness) -> None:
    await web.conversation()
    await web.parts.mongo.database[CHECKPOINTS].update_one(
        {"_id": f"messages.v1/{SHOP}"},
        {
            "$set": {
                "position": 0,
                "seq": 0,
                "parked": {
                    "position": 1,
                    "type": "message.of_the_future",
                    "reason": "unknown_type",
                    "since": web.clock(),
                },
            }
        },
    )
    async with web.signed_in() as browser:
        asked = await browser.get("/console")
        assert SHOP not in asked.text
        refused = await browser.post("/console/sign-in", data={"name": "jo", "token": "another"})
        assert refused.status_code == 403
        assert "isn’t the operator token" in refused.text
        answer = await browser.post("/console/sign-in", data={"name": "jo", "token": OPERATOR})
        assert path_of(answer) == "/console"
        page = (await browser.get("/console")).text
        for words in (
            SHOP,
            "<bdi>jo</bdi>",
            "1 shop behind",
            "Events behind the log",
            ">messages<",
            "1 shop parked",
            "message.of_the_future",
            "unknown_type",
        ):
            assert words in page
        assert "Ada Brandt" not in page
        foreign = await browser.post("/console/sign-out", data={"csrf": "another"})
        assert foreign.status_code == 403
        kept = browser.cookies["cplus_console"]
        await browser.post("/console/sign-out", data=fields_of(page, "/console/sign-out"))
        assert SHOP not in (await browser.get("/console")).text
        browser.cookies.set("cplus_console", kept)
        assert SHOP not in (await browser.get("/console")).text, "the old cookie is void"


@pytest.mark.parametrize("name", ["", " ", "Jo Doe", "x" * 65, "<b>", ".", "..", "merchant"])
async def test_the_console_asks_an_operator_for_a_name(web: Harness, name: str) -> None:
    async with web.browser() as browser:
        asked = await browser.post("/console/sign-in", data={"name": name, "token": OPERATOR})
        assert asked.status_code == 422
        assert "Enter the name that you go by" in asked.text
        assert 'value="<b>"' not in asked.text
        assert "Operator token" in (await browser.get("/console")).text


async def test_wrong_operator_tokens_are_limited_in_the_form_and_as_bearer(web: Harness) -> None:
    right, wrong = {"name": "jo", "token": OPERATOR}, {"name": "jo", "token": "another"}
    bearer = {"authorization": "Bearer another"}
    async with web.browser() as browser, web.browser() as signed_in:
        await signed_in.post("/console/sign-in", data=right)
        for _ in range(MOST // 2):
            assert (await browser.post("/console/sign-in", data=wrong)).status_code == 403
            assert (await browser.get("/console/lag.json", headers=bearer)).status_code == 401
        bearer = {"authorization": f"Bearer {OPERATOR}"}
        for refused in (
            await browser.post("/console/sign-in", data=right),
            await browser.get("/console/lag.json", headers=bearer),
        ):
            assert refused.status_code == 429
            assert "A wrong operator token was given too often." in refused.text
            assert OPERATOR not in refused.text
            assert "set-cookie" not in refused.headers
        assert (await signed_in.get("/console/lag.json")).status_code == 200, "who is in stays"
        web.clock.forward(WINDOW.total_seconds())
        assert (await browser.post("/console/sign-in", data=right)).status_code == 303


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "", "http://app.test.evil.example", "http://[::1"]
)
async def test_a_form_of_another_site_signs_nobody_in_or_out(web: Harness, origin: str) -> None:
    foreign = {"origin": origin}
    right = {"name": "jo", "token": OPERATOR}
    async with web.browser() as browser:
        for path in ("/console/sign-in", "/console/sign-out", "/auth/sign-out"):
            answer = await browser.post(path, data=right, headers=foreign)
            assert answer.status_code == 403, path
            assert "sent by another site" in answer.text
            assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://app.test"},
        # As behind a proxy that keeps the browser's `Host` to itself, and on another name.
        {"origin": "http://app.test", "host": "inner.example"},
        {"origin": "https://alias.example:8443", "host": "alias.example:8443"},
    ],
)
async def test_the_apps_own_form_is_taken_by_whatever_name_it_is_reached(
    web: Harness, headers: dict[str, str]
) -> None:
    async with web.browser() as browser:
        right = {"name": "jo", "token": OPERATOR}
        answer = await browser.post("/console/sign-in", data=right, headers=headers)
        assert path_of(answer) == "/console"


async def test_the_lag_is_told_as_json_to_who_has_the_operator_token(web: Harness) -> None:
    await web.conversation()
    await web.parts.mongo.database[CHECKPOINTS].delete_one({"_id": f"messages.v1/{SHOP}"})
    bearer = {"authorization": f"Bearer {OPERATOR}"}
    async with web.signed_in() as browser:
        for refused in ({}, {"authorization": "Bearer another"}):
            answer = await browser.get("/console/lag.json", headers=refused)
            assert answer.status_code == 401
            assert SHOP not in answer.text
        said = (await browser.get("/console/lag.json", headers=bearer)).json()
        assert (said["shops"], said["behind"], said["parked"], said["shown"]) == (1, 1, 0, 1)
        [messages] = [one for one in said["lags"] if one["projection"] == "messages"]
        assert (messages["shop"], messages["behind"], messages["begun"]) == (SHOP, 2, False)
        await browser.post("/console/sign-in", data={"name": "jo", "token": OPERATOR})
        asked = {"shop": [SHOP, "none.myshopify.com"]}
        chosen = (await browser.get("/console/lag.json", params=asked)).json()
        assert {one["shop"] for one in chosen["lags"]} == {SHOP}
        none = (await browser.get("/console/lag.json", params={"shop": asked["shop"][1]})).json()
        assert (none["shops"], none["lags"]) == (0, [])
        assert (await browser.get("/console/lag.json?shop=nowhere")).status_code == 400


async def test_the_console_says_one_cause_once_and_folds_away_what_nobody_reads(
    web: Harness,
) -> None:
    await web.conversation()
    names = [one.name for one in REACTIONS]
    await web.park([*(one.collection for one in ALL), *names])
    checkpoints = web.parts.mongo.database[CHECKPOINTS]
    await checkpoints.update_many({"shop": SHOP}, {"$set": {"position": 0, "seq": 0}})
    await checkpoints.update_one({"_id": f"messages.v1/{SHOP}"}, {"$set": {"parked.position": 1}})
    async with web.signed_in() as browser:
        await browser.post("/console/sign-in", data={"name": "jo", "token": OPERATOR})
        page = (await browser.get("/console")).text
        assert page.count("stopped at position") == 2
        assert "1 shop parked" in page
        assert page.count('<span class="chip bad">') == len(ALL) + len(names) + 2, (
            "head and line have one"
        )
        assert "not in use" not in page


async def test_the_console_says_when_a_reaction_tries_again_what_failed(web: Harness) -> None:
    await web.conversation()
    database = web.parts.mongo.database
    retry = Retry(1, "conversation.started", "LookupError", 4, NOW, NOW + timedelta(minutes=8))
    at = await begin_checkpoint(database, ALLOWANCES, SHOP, NOW)
    await move_checkpoint(database, ALLOWANCES, SHOP, at, replace(at, retry=retry), NOW)
    async with web.signed_in() as browser:
        await browser.post("/console/sign-in", data={"name": "jo", "token": OPERATOR})
        page = (await browser.get("/console")).text
    assert "failed 4 times (LookupError), tried again at" in page
    assert "0 shops parked" in page


async def test_the_console_gives_no_column_to_what_was_read_before(web: Harness) -> None:
    await web.conversation()
    mongo, store = web.parts.mongo, web.parts.store
    target = await begin(mongo.database, MESSAGES)
    runner = Runner(mongo, store, web.parts.reader, [MESSAGES])
    await fill(runner, target, [SHOP])
    await switch_over(runner, target)
    async with web.signed_in() as browser:
        await browser.post("/console/sign-in", data={"name": "jo", "token": OPERATOR})
        page = (await browser.get("/console")).text
    table, _, below = page.partition("</table>")
    assert '<th scope="col" class="right">messages</th>' in table
    assert "messages.v1" not in table
    assert "1 previous generation kept up to date" in below
    assert '<span class="chip">messages.v1</span>' in below


def test_causes_that_keep_something_that_is_read_stand_first() -> None:
    def lag(collection: str, position: int, *, live: bool, hours: int = 0) -> Lag:
        at = Parked(position, "a.b", "KeyError", NOW - timedelta(hours=hours))
        name = collection.partition(".")[0]
        return Lag(name, collection, live, True, SHOP, 9, 0, True, 0, 9, 1.0, at)

    lags = [
        lag("a.v1", 2, live=False),
        lag("b.v1", 3, live=False),
        lag("b.v2", 3, live=True, hours=1),
        lag("c.v1", 3, live=True),
    ]
    first, last = stops_of([ShopLag(SHOP, 9, {one.collection: one for one in lags})])
    assert (first.read, first.unread) == (["b.v2", "c.v1"], ["b.v1"])
    assert (first.parked.position, first.parked.since) == (3, NOW - timedelta(hours=1))
    assert (last.read, last.unread) == ([], ["a.v1"])


async def test_a_merchants_cookie_does_not_open_the_console(web: Harness) -> None:
    async with web.signed_in() as browser:
        browser.cookies.set("cplus_console", browser.cookies["cplus_session"])
        assert "Operator token" in (await browser.get("/console")).text


async def test_without_an_operator_token_there_is_no_console(mongo_uri: str, database: str) -> None:
    async with Harness(mongo_uri, database, operator_token=None) as web, web.browser() as browser:
        assert (await browser.get("/console")).status_code == 404
        answer = await browser.post("/console/sign-in", data={"token": ""})
        assert answer.status_code == 404
