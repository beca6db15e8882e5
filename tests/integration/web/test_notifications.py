"""Notifications in a browser: who turns them on, and what ends them."""

from __future__ import annotations

import io
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.async_api import Browser, Page, expect

from cplus.aws import Aws
from cplus.commands.sessions import sign_in_link
from cplus.workspace.push_subscriptions import MOST_OF_A_MEMBER, ROWS
from tests.integration.push_browsers import PushBrowser
from tests.integration.web.harness import (
    OTHER,
    SHOP,
    Harness,
    fields_of,
    served,
    use_link,
)
from tests.integration.web.tokens import bearer, id_token

PAGE = "/settings/notifications"


@pytest.fixture
async def web(mongo_uri: str, database: str, aws_endpoint: str, aws: Aws) -> AsyncIterator[Harness]:
    """The app, with the push service of the local stack."""
    async with Harness(mongo_uri, database, aws, push_origin=aws_endpoint).opened() as harness:
        yield harness


async def _fields(on: httpx.AsyncClient, /, **more: str) -> dict[str, str]:
    page = await on.get(PAGE)
    return {**fields_of(page.text, PAGE), **more}


async def _turn_on(
    web: Harness, browser: httpx.AsyncClient, made: PushBrowser | None = None, **more: str
) -> httpx.Response:
    made = made or await PushBrowser.subscribed(web.settings.push_origin)
    given = {"endpoint": made.endpoint, "p256dh": made.p256dh, "auth": made.auth, **more}
    return await browser.post(PAGE, data=await _fields(browser, do="on", **given))


async def _rows(web: Harness) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        await web.parts.mongo.database[ROWS].find({}).sort("since", 1).to_list(None)
    )
    return found


async def test_a_member_of_staff_turns_them_on_changes_and_turns_them_off(web: Harness) -> None:
    async with web.signed_in(user="101") as browser:
        page = await browser.get(PAGE)
        assert "Turn on" in page.text
        assert f'data-key="{web.parts.vapid.public}"' in page.text
        answer = await _turn_on(web, browser, words="on")
        assert answer.status_code == 303
        [row] = await _rows(web)
        assert (row["shop"], row["member"], row["words"]) == (SHOP, "101", True)
        assert "Notifications show who wrote" in (await browser.get(PAGE)).text
        await browser.post(PAGE, data=await _fields(browser, do="choose"))
        assert "say that a customer wrote, and not who" in (await browser.get(PAGE)).text
        await browser.post(PAGE, data=await _fields(browser, do="off"))
        assert await _rows(web) == []
        assert "Turn on" in (await browser.get(PAGE)).text


async def test_a_form_that_is_sent_twice_adds_one_browser(web: Harness) -> None:
    made = await PushBrowser.subscribed(web.settings.push_origin)
    async with web.signed_in(user="101") as browser:
        fields = await _fields(browser, do="on", endpoint=made.endpoint, p256dh=made.p256dh,
                               auth=made.auth)  # fmt: skip
        for _ in range(2):
            assert (await browser.post(PAGE, data=fields)).status_code == 303
    assert len(await _rows(web)) == 1


async def test_signing_out_ends_them_in_that_browser_alone(web: Harness) -> None:
    async with web.signed_in(user="101") as here, web.signed_in(user="101") as there:
        await _turn_on(web, here)
        await _turn_on(web, there)
        page = await here.get(PAGE)
        assert "Your other browsers" in page.text
        await here.post("/auth/sign-out", data=fields_of(page.text, "/auth/sign-out"))
        [left] = await _rows(web)
        assert "On</span>" in (await there.get(PAGE)).text
        assert left["member"] == "101"


async def test_nobody_sees_or_ends_those_of_others(web: Harness) -> None:
    async with web.signed_in(user="101") as ada, web.signed_in(user="102") as bo:
        async with web.signed_in(OTHER, user="101") as elsewhere:
            await _turn_on(web, ada)
            [row] = await _rows(web)
            for browser in (bo, elsewhere):
                assert "Your browsers" not in (await browser.get(PAGE)).text
                for do in ("off", "choose"):
                    fields = await _fields(browser, do=do, browser=row["_id"], words="on")
                    await browser.post(PAGE, data=fields)
        assert await _rows(web) == [row]


async def test_whoever_signs_in_again_is_told_for_longer(web: Harness) -> None:
    async with web.signed_in(user="101") as browser:
        await _turn_on(web, browser)
        [before] = await _rows(web)
        web.clock.forward(30 * 24 * 3600)
        await use_link(browser, sign_in_link(web.settings, SHOP, web.clock, user="101"))
        [after] = await _rows(web)
        assert after["expires_at"] > before["expires_at"]
        # Somebody else at the same computer does not see what was for the first.
        await use_link(browser, sign_in_link(web.settings, SHOP, web.clock, user="102"))
        assert await _rows(web) == []


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:9001/x", "https://169.254.169.254/x", "https://db/x", ""]
)
async def test_an_address_inside_our_network_is_refused_in_words(
    web: Harness, endpoint: str
) -> None:
    async with web.signed_in(user="101") as browser:
        answer = await _turn_on(web, browser, endpoint=endpoint)
    assert answer.status_code == 422
    assert "This browser’s push service can’t be used." in answer.text
    assert await _rows(web) == []


async def test_there_is_an_end_to_how_many_browsers_a_member_has(web: Harness) -> None:
    for _ in range(MOST_OF_A_MEMBER):
        async with web.signed_in(user="101") as browser:
            assert (await _turn_on(web, browser)).status_code == 303
    async with web.signed_in(user="101") as browser:
        answer = await _turn_on(web, browser)
    assert answer.status_code == 422
    assert "There are too many browsers" in answer.text


async def test_inside_the_admin_the_page_leads_to_a_window_of_its_own(web: Harness) -> None:
    await web.install()
    async with web.browser() as browser:
        head = bearer(id_token())
        page = await browser.get(f"{PAGE}?shop={SHOP}", headers=head)
        assert "Browsers don’t let a page inside Shopify’s Admin ask for this." in page.text
        assert "data-window" in page.text
        assert "push.js" not in page.text
        made = await PushBrowser.subscribed(web.settings.push_origin)
        fields = {"do": "on", "endpoint": made.endpoint, "p256dh": made.p256dh, "auth": made.auth}
        head = bearer(id_token())
        answer = await browser.post(PAGE, data=fields, headers=head)
        assert answer.status_code == 403
    assert await _rows(web) == []


async def test_another_site_cannot_send_the_form(web: Harness) -> None:
    async with web.signed_in(user="101") as browser:
        answer = await browser.post(PAGE, data={"do": "on", "endpoint": "https://a.example/x"})
    assert answer.status_code == 403


async def test_a_subscription_that_took_the_place_of_one_is_told_instead_as_long_as_that_was(
    web: Harness,
) -> None:
    made = await PushBrowser.subscribed(web.settings.push_origin)
    given = {"endpoint": made.endpoint, "p256dh": made.p256dh, "auth": made.auth}
    async with web.signed_in(user="101") as browser:
        await _turn_on(web, browser, words="on")
        [before] = await _rows(web)
        web.clock.forward(3600)
        other = await browser.post(
            "/push_renewed", data=given, headers={"Origin": "https://evil.example"}
        )
        assert other.status_code == 403
        for _ in range(2):
            assert (await browser.post("/push_renewed", data=given)).status_code == 204
        assert "On</span>" in (await browser.get(PAGE)).text
    [after] = await _rows(web)
    assert (after["_id"], after["sealed"]) != (before["_id"], before["sealed"])
    assert {**after, "_id": 0, "sealed": 0} == {**before, "_id": 0, "sealed": 0}


async def test_a_browser_that_is_not_told_cannot_begin_by_a_new_subscription(web: Harness) -> None:
    made = await PushBrowser.subscribed(web.settings.push_origin)
    given = {"endpoint": made.endpoint, "p256dh": made.p256dh, "auth": made.auth}
    async with web.signed_in(user="101") as browser:
        assert (await browser.post("/push_renewed", data=given)).status_code == 204
        wrong = await browser.post("/push_renewed", data={**given, "endpoint": "https://db/x"})
        assert wrong.status_code == 400
    assert await _rows(web) == []


async def test_the_manifest_leads_to_the_shop_of_the_page(web: Harness) -> None:
    async with web.signed_in(user="101") as browser:
        page = (await browser.get(PAGE)).text
    [address] = re.findall(r'<link rel="manifest" href="([^"]+)">', page)
    async with web.browser() as stranger:  # browsers ask for it without cookies
        told = (await stranger.get(address)).json()
        assert told["start_url"] == f"/inbox?shop={SHOP}"
        for one in told["icons"]:
            icon = await stranger.get(one["src"])
            assert icon.headers["Content-Type"] == "image/png"
            assert "x".join(map(str, Image.open(io.BytesIO(icon.content)).size)) == one["sizes"]
        signed_out = await stranger.get(told["start_url"])
        assert signed_out.headers["Location"].startswith(f"/auth/sign-in?shop={SHOP}")
        assert (await stranger.get("/manifest.webmanifest?shop=evil.example")).status_code == 400


@pytest.fixture
async def page(web: Harness, whole_chromium: Browser) -> AsyncIterator[Page]:
    """A page that may show notifications, with a merchant signed in."""
    async with served(web) as address:
        context = await whole_chromium.new_context(base_url=address, permissions=["notifications"])
        opened = await context.new_page()
        link = sign_in_link(web.settings, SHOP, web.clock, user="101")
        await opened.goto(link.replace("http://app.test", ""))
        await opened.get_by_role("button", name="Sign in").click()
        yield opened
        await context.close()


# Chromium's own push service is on the internet, so a test says what it would answer.
_SUBSCRIBE = """
  PushManager.prototype.getSubscription = async () => null;
  PushManager.prototype.subscribe = async (options) => {
    if (options.applicationServerKey.length !== 65) throw new Error("no key");
    return { toJSON: () => (GIVEN) };
  };
"""


@pytest.mark.browser
async def test_a_browser_is_asked_and_its_answer_kept(web: Harness, page: Page) -> None:
    made = await PushBrowser.subscribed(web.settings.push_origin)
    given = {"endpoint": made.endpoint, "keys": {"p256dh": made.p256dh, "auth": made.auth}}
    await page.add_init_script(_SUBSCRIBE.replace("GIVEN", json.dumps(given)))
    await page.goto(PAGE)
    await page.get_by_label("Show who wrote").check()
    await page.get_by_role("button", name="Turn on").click()
    await expect(page.get_by_text("Notifications show who wrote")).to_be_visible()
    assert len(await _rows(web)) == 1
    # It has no subscription any more, as if it was ended in the browser's settings.
    await expect(page.get_by_text("doesn’t show them any more")).to_be_visible()
    await page.get_by_role("button", name="Turn off").click()
    await expect(page.get_by_role("button", name="Turn on")).to_be_visible()
    assert await _rows(web) == []


_SHOWN = """async () => {
  const there = await (await navigator.serviceWorker.ready).getNotifications();
  return there.map((one) => [one.title, one.body, one.tag, one.silent, one.data.message]);
}"""


@pytest.mark.browser
async def test_the_worker_shows_what_is_pushed_one_for_each_conversation(
    web: Harness, page: Page
) -> None:
    await page.goto(PAGE)
    tools = await page.context.new_cdp_session(page)
    found: list[str] = []
    tools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda told: found.extend(one["registrationId"] for one in told["registrations"]),
    )
    await tools.send("ServiceWorker.enable")
    await page.evaluate(
        "() => navigator.serviceWorker.register('/push_worker.js')"
        ".then(() => navigator.serviceWorker.ready).then(() => 0)"
    )
    origin = await page.evaluate("location.origin")

    async def push(**told: Any) -> None:
        await tools.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": origin, "registrationId": found[0], "data": json.dumps(told)},
        )

    async def shown(*wanted: list[Any]) -> None:
        await page.wait_for_function(
            f"async (wanted) => JSON.stringify(await ({_SHOWN})()) === wanted",
            arg=json.dumps(list(wanted), separators=(",", ":"), ensure_ascii=False),
            polling=50,
        )

    one = {"title": "Ada", "body": "Hello", "conversation": "c1", "message": "m1", "at": 1}
    await push(**one)
    await shown(["Ada", "Hello", "c1", False, "m1"])
    await push(**one)  # again: without a sound
    await shown(["Ada", "Hello", "c1", True, "m1"])
    await push(**{**one, "body": "And?", "message": "m2"})
    await shown(["Ada", "And?", "c1", False, "m2"])


_ENDS = """(made) => {
  const change = new ExtendableEvent("pushsubscriptionchange");
  change.newSubscription = { toJSON: () => made };
  self.dispatchEvent(change);
}"""


@pytest.mark.browser
async def test_the_worker_brings_the_subscription_that_its_push_service_gave_instead(
    web: Harness, page: Page
) -> None:
    first, second = [await PushBrowser.subscribed(web.settings.push_origin) for _ in range(2)]
    given = {"endpoint": first.endpoint, "keys": {"p256dh": first.p256dh, "auth": first.auth}}
    await page.add_init_script(_SUBSCRIBE.replace("GIVEN", json.dumps(given)))
    await page.goto(PAGE)
    async with page.context.expect_event("serviceworker") as found:
        await page.get_by_role("button", name="Turn on").click()
    await expect(page.get_by_text("Notifications say that a customer wrote")).to_be_visible()
    [before] = await _rows(web)
    worker = await found.value
    async with page.context.expect_event(
        "requestfinished", lambda request: request.url.endswith("/push_renewed")
    ) as told:
        await worker.evaluate(
            _ENDS,
            {"endpoint": second.endpoint, "keys": {"p256dh": second.p256dh, "auth": second.auth}},
        )
    await told.value
    [after] = await _rows(web)
    assert after["_id"] != before["_id"]
