"""Inside Shopify's Admin: documents and fetches are judged by id tokens, each taken once."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator

import httpx
import pytest
from structlog.testing import capture_logs

from cplus.privacy.sessions import USED_TOKENS
from cplus.web.app import create_app
from cplus.web.kit.id_tokens import RETRY, TAB
from tests.integration.web.harness import OTHER, SHOP, Harness, fields_of, path_of, use_link
from tests.integration.web.routes import asks_for_a_merchant, routes_of
from tests.integration.web.tokens import bearer, id_token

LATER = int(time.time()) + 3_600
BAD = {
    "none": {},
    "expired": {"exp": 1},
    "not yet valid": {"nbf": LATER},
    "of another app": {"aud": "another app"},
    "issued for another shop": {"iss": f"https://{OTHER}/admin"},
    "with another destination": {"dest": f"https://{OTHER}"},
    "unsigned": {"alg": "none"},
    "signed otherwise": {"alg": "HS512"},
    "signed by another": {"secret": "the secret of another app, long enough"},
}
FRAMED = {"Sec-Fetch-Dest": "iframe"}


@pytest.fixture(autouse=True)
async def _installed(web: Harness) -> None:
    await web.install()


def _addresses(web: Harness) -> Iterator[tuple[str, str]]:
    """Each route that asks for a merchant, with its method and an address of its form."""
    for route in routes_of(web.app.routes):
        if asks_for_a_merchant(route.dependant):
            for method in sorted(route.methods or ()):
                yield method, re.sub(r"\{[^}]+\}", "x1", route.path)


def test_every_route_asks_for_a_merchant_or_is_known_to_need_none(web: Harness) -> None:
    others = {
        one.path for one in routes_of(web.app.routes) if not asks_for_a_merchant(one.dependant)
    }
    rooms = {path.split("/")[1] for path in others}
    # A link to a file is signed for one shop, and soon over.
    of_the_browser = {"manifest.webmanifest", "push_renewed", "push_worker.js"}
    assert rooms == {"auth", "console", "files", "healthz", "static", *of_the_browser}


def _token(kind: str) -> str:
    return "" if kind == "none" else id_token(**BAD[kind])  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore:The HMAC key")
@pytest.mark.parametrize("kind", BAD)
async def test_every_route_refuses_a_bad_token_whatever_the_cookie_says(
    web: Harness, browser: httpx.AsyncClient, kind: str
) -> None:
    addresses = list(_addresses(web))
    assert len(addresses) > 25
    with capture_logs() as lines:
        for method, path in addresses:
            fetched = await browser.request(method, path, headers=bearer(_token(kind) or "x"))
            assert (fetched.status_code, fetched.headers[RETRY]) == (401, "1"), path
            assert fetched.headers["www-authenticate"] == "Bearer"
            if path.startswith("/api/"):
                continue
            query = {"embedded": "1", "shop": SHOP, "host": "aG9zdA", "id_token": _token(kind)}
            page = await browser.request(method, path, params=query, headers=FRAMED)
            assert page.status_code == 401, path
            assert 'id="bounce" data-stuck="no"' in page.text
            assert "set-cookie" not in {*fetched.headers, *page.headers}
    assert lines == []
    assert await web.mongo.database[USED_TOKENS].count_documents({}) == 0


async def test_every_route_takes_a_token_once(web: Harness, browser: httpx.AsyncClient) -> None:
    for method, path in _addresses(web):
        headers = bearer()
        first = await browser.request(method, path, headers=headers)
        again = await browser.request(method, path, headers=headers)
        assert (first.status_code != 401, again.status_code) == (True, 401), path
        assert again.headers[RETRY] == "1"
        if path.startswith("/api/") or method != "GET":
            continue
        query = {"embedded": "1", "shop": SHOP, "id_token": id_token()}
        opened = await browser.get(path, params=query)
        replayed = await browser.get(path, params=query)
        assert (opened.status_code != 401, replayed.status_code) == (True, 401), path
        assert 'id="bounce"' in replayed.text


async def test_a_token_opens_no_address_that_names_another_shop(web: Harness) -> None:
    async with web.browser() as browser:
        for _, path in _addresses(web):
            query = {"shop": OTHER, "id_token": id_token()}
            fetched = await browser.get(f"{path}?shop={OTHER}", headers=bearer())
            assert fetched.status_code in (401, 405)
            if not path.startswith("/api/"):
                assert (await browser.get(path, params=query)).status_code in (401, 405)
        twice = f"/inbox?shop={SHOP}&shop={OTHER}&id_token={id_token()}"
        assert (await browser.get(twice)).status_code == 401


async def test_the_fetches_of_one_document_may_share_a_token_and_nobody_else_may(
    web: Harness,
) -> None:
    token = id_token()
    async with web.browser() as browser:
        page = await browser.get("/inbox", params={"embedded": "1", "id_token": token})
        [tab] = re.findall(r'data-tab="([a-z0-9]{26})"', page.text)
        # App Bridge may give the token again that the document came with.
        own = bearer(token, **{TAB: tab})
        answers = await asyncio.gather(
            *(browser.get("/api/changes", headers=own) for _ in range(5)),
            browser.get("/customers", headers=own),
        )
        assert {answer.status_code for answer in answers} == {200}
        for others in (bearer(token), bearer(token, **{TAB: "a" * 26}), bearer(token, **{TAB: ""})):
            assert (await browser.get("/api/changes", headers=others)).status_code == 401
        # Of two parallel fetches with the same token and no tab, one is told to fetch another.
        fresh = bearer()
        both = await asyncio.gather(*(browser.get("/api/inbox", headers=fresh) for _ in range(2)))
        assert sorted(answer.status_code for answer in both) == [200, 401]


async def test_a_form_with_a_token_needs_no_token_of_ours_and_one_with_a_cookie_does(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    talk = await web.conversation()
    form = {"key": "a" * 20}
    closing = f"/conversations/{talk}/close"
    assert (await browser.post(closing, data=form)).status_code == 403
    answer = await browser.post(closing, data=form, headers=bearer())
    assert answer.status_code == 303
    assert "set-cookie" not in answer.headers
    # A token in the address opens documents alone: whoever can write an address sends no form.
    posted = await browser.post(f"/conversations/{talk}/reopen?id_token={id_token()}", data=form)
    assert (posted.status_code, 'id="bounce"' in posted.text) == (401, True)
    [closed] = [one for one in await web.stream(SHOP, talk) if "closed" in one]
    assert closed


async def test_a_page_in_the_frame_may_be_framed_by_that_shop_alone(web: Harness) -> None:
    query = {"embedded": "1", "shop": SHOP}
    bridge = "https://cdn.shopify.com"
    async with web.browser() as browser:
        page = await browser.get("/inbox", params={**query, "id_token": id_token()})
        bounce = await browser.get("/inbox", params=query)
        nowhere = await browser.get("/nothing", params={**query, "id_token": id_token()})
        wrong = await browser.get("/inbox?tab=x", params={**query, "id_token": id_token()})
        assert [page.status_code, bounce.status_code, nowhere.status_code] == [200, 401, 404]
        for answer in (page, bounce, nowhere, wrong):
            policy = answer.headers["content-security-policy"]
            assert f"frame-ancestors https://{SHOP} https://admin.shopify.com;" in policy
            assert f"script-src 'self' {bridge};" in policy
            assert "x-frame-options" not in answer.headers
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert (
                answer.headers["vary"] == "Accept-Language, Authorization, Cookie, Sec-Fetch-Dest"
            )
            assert answer.headers["cache-control"] == "no-store"
            first, second = re.findall(r"<script[^>]*src=\"([^\"]+)", answer.text)[:2]
            assert first == f"{bridge}/shopifycloud/app-bridge.js"
            assert second.startswith("/static/")
            head = answer.text.partition("<head>")[2].strip()
            assert head.startswith('<meta name="shopify-api-key" content="client">')
        unknown = await browser.get("/inbox", headers=FRAMED)
        policy = unknown.headers["content-security-policy"]
        assert (unknown.status_code, "frame-ancestors https://admin.shopify.com;" in policy) == (
            401,
            True,
        )
    async with web.signed_in() as own:
        window = await own.get("/inbox")
        assert "frame-ancestors 'none';" in window.headers["content-security-policy"]
        assert window.headers["x-frame-options"] == "DENY"
        assert "data-embedded" not in window.text


async def test_a_framed_document_is_not_opened_by_a_cookie(browser: httpx.AsyncClient) -> None:
    for dest in ("iframe", "frame", "embed", "object"):
        answer = await browser.get("/inbox", headers={"Sec-Fetch-Dest": dest})
        assert (answer.status_code, 'id="bounce"' in answer.text) == (401, True)
    assert (await browser.get("/inbox", headers={"Sec-Fetch-Dest": "document"})).status_code == 200


async def test_the_bounce_page_never_goes_round_and_shows_the_way_out(web: Harness) -> None:
    query = {"embedded": "1", "shop": SHOP, "tab": "closed"}
    async with web.browser() as browser:
        first = await browser.get("/inbox", params=query)
        assert 'data-stuck="no"' in first.text
        stuck = await browser.get("/inbox", params={**query, "bounced": "1", "id_token": "x.y.z"})
        assert 'data-stuck="yes"' in stuck.text
        # One that was used is good: the page waits for the next one.
        used = {**query, "bounced": "1", "id_token": id_token()}
        assert (await browser.get("/inbox", params=used)).status_code == 200
        assert 'data-stuck="no"' in (await browser.get("/inbox", params=used)).text
        [window] = re.findall(r'href="(/auth/install[^"]+)" target="_blank"', stuck.text)
        answer = await browser.get(window.replace("&amp;", "&"))
        assert answer.headers["location"].startswith(f"https://{SHOP}/admin/oauth/authorize?")


async def test_head_says_what_get_would_and_uses_no_token_up(web: Harness) -> None:
    query = {"embedded": "1", "shop": SHOP, "id_token": id_token()}
    async with web.browser() as browser, web.signed_in() as own:
        asked = await browser.head("/inbox", params=query)
        page = await browser.get("/inbox", params=query)
        assert (asked.status_code, asked.content, page.status_code) == (200, b"", 200)
        assert asked.headers["content-security-policy"] == page.headers["content-security-policy"]
        assert (await browser.head("/inbox", params=query)).status_code == 200
        assert (await browser.head("/inbox?embedded=1")).status_code == 401
        assert path_of(await browser.head("/inbox")) == "/auth/sign-in"
        assert (await own.head("/inbox")).status_code == 200
        # Where a GET uses something up, HEAD is no way to do it.
        assert (await own.head("/auth/callback?code=x")).status_code == 405


async def test_a_token_is_kept_no_longer_than_it_is_good_and_not_by_its_name(web: Harness) -> None:
    async with web.browser() as browser:
        await browser.get("/inbox", headers=bearer(id_token(jti="the-id-of-a-token")))
    row = await web.mongo.database[USED_TOKENS].find_one({})
    assert row is not None
    assert "the-id" not in str(row)
    left = row["expires_at"].timestamp() - time.time()
    assert 60 < left < 60 + 10 + 60 + 5
    indexes = await web.mongo.database[USED_TOKENS].index_information()
    assert indexes["expiry"]["expireAfterSeconds"] == 0


async def test_an_unlucky_fetch_tells_no_token(web: Harness) -> None:
    token = id_token()
    with capture_logs() as lines:
        async with web.browser(create_app(web.parts_with(queries=object()))) as browser:
            query = {"id_token": token, "hmac": "an-hmac", "host": "a-host", "shop": SHOP}
            answer = await browser.get("/inbox", params=query)
    assert answer.status_code == 500
    assert lines
    assert not any(secret in str(lines) for secret in (token, "an-hmac", "a-host"))


async def test_a_link_to_a_window_of_its_own_signs_the_same_person_in_once(web: Harness) -> None:
    async with web.browser() as frame, web.browser() as window:
        asked = {"next": "/customers?kind=lead"}
        answer = await frame.post("/window", data=asked, headers=bearer(id_token(sub="77")))
        address = answer.json()["address"]
        page = await window.get(address)
        assert "as <bdi>Staff member 77</bdi>" in page.text
        opened = await use_link(window, address)
        assert path_of(opened) == asked["next"]
        assert (await window.get("/customers")).status_code == 200
        assert (await use_link(frame, address)).status_code == 403
        # A session of its own makes no further ones, and no other site's page is led to.
        csrf = fields_of((await window.get("/inbox")).text, "/auth/sign-out")
        assert (await window.post("/window", data=csrf)).status_code == 403
        evil = await frame.post("/window", data={"next": "//evil.example"}, headers=bearer())
        assert "evil" not in evil.text


async def test_the_frame_has_no_bar_of_its_own_and_the_window_no_menu_of_the_admin(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    framed = (await browser.get("/inbox", headers=bearer())).text
    own = (await browser.get("/inbox")).text
    for words in ("<s-app-nav>", 'ui-title-bar title="Inbox"', "embedded.", "data-window"):
        assert (words in framed, words in own) == (True, False)
    for words in ("/auth/sign-out", 'class="rail"'):
        assert (words in framed, words in own) == (False, True)
