"""Who is asking: sessions, sign-in links, session tokens."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx
import pytest

from cplus.actors import LOCAL
from cplus.clock import utc_now
from cplus.commands.sessions import LINK_SECONDS, link_token, sign_in_link
from cplus.consumers.reactions.following import follow
from cplus.consumers.reactions.uninstalls import UNINSTALLS
from cplus.events.catalogue.shops import AppUninstalled
from cplus.web.kit.auth import SESSION_SECONDS
from tests.integration.web.harness import (
    OPERATOR,
    OTHER,
    SHOP,
    Harness,
    fields_of,
    form_fields,
    path_of,
    use_link,
)
from tests.integration.web.tokens import bearer, id_token
from tests.samples import installed

PAGES = [
    "/", "/inbox", "/customers", "/metrics", "/billing", "/settings", "/conversations/c1",
    "/customers/p1", "/privacy",
]  # fmt: skip
API = ["/api/inbox", "/api/changes", "/api/conversations/c1"]


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_asks_who_is_not_signed_in_to_sign_in(web: Harness, path: str) -> None:
    async with web.browser() as browser:
        answer = await browser.get(path)
    wanted = "" if path in ("/", "/inbox") else f"?{urlencode({'next': path})}"
    assert (answer.status_code, path_of(answer)) == (303, f"/auth/sign-in{wanted}")


@pytest.mark.parametrize("path", API)
async def test_the_api_refuses_who_is_not_signed_in(web: Harness, path: str) -> None:
    async with web.browser() as browser:
        answer = await browser.get(path)
    assert answer.status_code == 401
    assert answer.json() == {"error": "Sign in first."}


async def test_a_sign_in_link_works_once(web: Harness) -> None:
    link = sign_in_link(web.settings, SHOP, web.clock)
    async with web.browser() as one, web.browser() as two:
        answers = await asyncio.gather(use_link(one, link), use_link(two, link))
        assert sorted(answer.status_code for answer in answers) == [303, 403]
    async with web.browser() as third:
        again = await third.get(link)
        assert again.status_code == 403
        assert 'class="note warn"' in again.text


async def test_whoever_only_looks_at_a_sign_in_link_signs_nobody_in_and_uses_nothing_up(
    web: Harness,
) -> None:
    link = sign_in_link(web.settings, SHOP, web.clock)
    async with web.browser() as scanner, web.browser() as browser:
        looks = [await scanner.get(link) for _ in range(3)]
        for looked in looks:
            assert (looked.status_code, "set-cookie" in looked.headers) == (200, False)
        fields = fields_of(looks[0].text, "/auth/sign-in")
        foreign = {"origin": "https://evil.example"}
        sent = await scanner.post("/auth/sign-in", data=fields, headers=foreign)
        assert (sent.status_code, "set-cookie" in sent.headers) == (403, False)
        assert path_of(await scanner.get("/inbox")) == "/auth/sign-in"
        assert path_of(await use_link(browser, link)) == "/inbox"
        for _ in range(2):  # the answer to the button is loaded again
            again = await browser.post("/auth/sign-in", data=fields)
            assert path_of(again) == "/inbox"
        assert (await scanner.post("/auth/sign-in", data=fields)).status_code == 403


async def test_a_used_link_leads_whom_it_signed_in_to_the_inbox_and_nobody_else(
    web: Harness,
) -> None:
    link = sign_in_link(web.settings, SHOP, web.clock)
    async with web.browser() as browser, web.signed_in(OTHER) as other:
        for _ in range(2):
            assert path_of(await use_link(browser, link)) == "/inbox"
            web.clock.forward(LINK_SECONDS)
        assert (await other.get(link)).status_code == 403
        assert (await browser.get(link[:-1] + "~")).status_code == 403


async def test_a_sign_in_link_that_is_old_or_forged_signs_nobody_in(web: Harness) -> None:
    link = sign_in_link(web.settings, SHOP, web.clock)
    async with web.browser() as browser:
        assert (await browser.get(link[:-1] + "~")).status_code == 403
        web.clock.forward(LINK_SECONDS)
        answer = await browser.get(link)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


async def test_the_session_cookie_is_kept_from_scripts_and_other_sites(
    web: Harness, mongo_uri: str, database: str
) -> None:
    answer = await use_link(web.browser(), sign_in_link(web.settings, SHOP, web.clock))
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "secure" not in cookie


async def test_under_https_every_cookie_has_the_prefix_that_keeps_neighbours_out(
    mongo_uri: str, database: str
) -> None:
    opened = Harness(mongo_uri, database, app_url="https://app.test")
    async with opened as safe, safe.browser() as browser:
        answers = {
            "cplus_session": await use_link(browser, sign_in_link(safe.settings, SHOP, safe.clock)),
            "cplus_console": await browser.post(
                "/console/sign-in", data={"name": "jo", "token": OPERATOR}
            ),
            "cplus_install": await browser.get(f"/auth/install?shop={SHOP}"),
        }
        assert (await browser.get("/inbox")).status_code == 200
        assert "Operator token" not in (await browser.get("/console")).text
    for name, answer in answers.items():
        cookie = answer.headers["set-cookie"].lower()
        assert cookie.startswith(f"__host-{name}=")
        # Without them browsers refuse a cookie of that prefix.
        assert {"secure", "path=/"} <= set(cookie.split("; "))
        assert "domain=" not in cookie
        assert "max-age" in answer.headers["strict-transport-security"]


@pytest.mark.parametrize("cookie", ["", "x", "a.b", "eyJzaG9wIjoiYWNvcm4ubXlzaG9waWZ5LmNvbSJ9.AA"])
async def test_a_forged_cookie_is_no_session(web: Harness, cookie: str) -> None:
    async with web.browser() as browser:
        browser.cookies.set("cplus_session", cookie)
        assert path_of(await browser.get("/inbox")) == "/auth/sign-in"
        assert (await browser.get("/api/inbox")).status_code == 401


async def test_a_session_ends_by_itself_and_by_signing_out(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    page = await browser.get("/inbox")
    talk = await web.conversation()
    form = await form_fields(browser, talk, "reply")
    refused = await browser.post("/auth/sign-out", data={"csrf": "another"})
    assert refused.status_code == 403
    answer = await browser.post("/auth/sign-out", data=fields_of(page.text, "/auth/sign-out"))
    assert path_of(answer) == "/auth/sign-in?note=out"
    assert path_of(await browser.get("/inbox")) == "/auth/sign-in"
    answer = await browser.post("/conversations/k3m9/reply", data=form)
    asked = path_of(answer)
    assert parse_qs(asked.partition("?")[2])["next"] == ["/conversations/k3m9/reply"]
    told = (await browser.get(asked)).text
    assert "the reply was not sent" in told
    assert f'value="{SHOP}"' in told
    closed = await browser.post("/conversations/k3m9/close")
    assert "nothing was changed" in (await browser.get(path_of(closed))).text
    async with web.signed_in() as other:
        assert (await other.get("/inbox")).status_code == 200, "another session goes on"
        web.clock.forward(SESSION_SECONDS)
        assert path_of(await other.get("/inbox")) == f"/auth/sign-in?shop={SHOP}"


async def test_who_kept_the_cookie_of_a_session_is_refused_after_its_sign_out(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    page = await browser.get("/inbox")
    async with web.browser() as thief:
        thief.cookies.set("cplus_session", browser.cookies["cplus_session"])
        assert (await thief.get("/inbox")).status_code == 200
        for _ in range(2):  # also by a form that is sent twice
            await browser.post("/auth/sign-out", data=fields_of(page.text, "/auth/sign-out"))
        assert path_of(await thief.get("/inbox")) == f"/auth/sign-in?shop={SHOP}"
        assert (await thief.get("/api/inbox")).status_code == 401


async def test_a_session_from_before_a_removal_stays_void_after_a_new_install(
    web: Harness,
) -> None:
    stream = f"shop/{SHOP}"
    async with web.signed_in() as old, web.signed_in(OTHER) as neighbour:
        web.clock.forward(10)
        await web.record(SHOP, stream, AppUninstalled())
        assert (await follow(UNINSTALLS, SHOP, web.parts.reactor)).position == 1
        web.clock.forward(10)
        await web.record(SHOP, stream, installed())
        assert path_of(await old.get("/inbox")) == f"/auth/sign-in?shop={SHOP}"
        assert (await neighbour.get("/inbox")).status_code == 200
        async with web.signed_in() as fresh:
            assert (await fresh.get("/inbox")).status_code == 200
            # The news of the removal comes once more: it ends nothing that began later.
            await web.parts.reactor.end_sessions(SHOP, web.clock() - timedelta(seconds=15))
            assert (await fresh.get("/inbox")).status_code == 200


async def test_a_link_from_before_a_removal_signs_nobody_in_after_a_new_install(
    web: Harness,
) -> None:
    before = sign_in_link(web.settings, SHOP, web.clock)
    web.clock.forward(10)
    await web.record(SHOP, f"shop/{SHOP}", AppUninstalled())
    await follow(UNINSTALLS, SHOP, web.parts.reactor)
    web.clock.forward(10)
    await web.record(SHOP, f"shop/{SHOP}", installed(at=web.clock()))
    after = sign_in_link(web.settings, SHOP, web.clock)
    for link, status in ((before, 303), (after, 200)):
        async with web.browser() as browser:
            assert (await use_link(browser, link)).status_code == 303
            assert (await browser.get("/inbox")).status_code == status


async def test_a_shop_that_removed_the_app_reads_nothing_until_it_installs_it_again(
    web: Harness,
) -> None:
    conversation = await web.conversation()
    async with web.signed_in() as browser:
        listed = (await browser.get("/api/inbox")).json()
        web.clock.forward(10)
        await web.record(SHOP, f"shop/{SHOP}", AppUninstalled())
        # The removal also ends the session; the reason is told all the same.
        assert (await follow(UNINSTALLS, SHOP, web.parts.reactor)).position == 1 + 1
        gone = await browser.get("/inbox")
        assert path_of(gone) == f"/auth/sign-in?note=gone&shop={SHOP}"
        page = (await browser.get(path_of(gone))).text
        assert "The app is no longer installed in this shop." in page
        assert f'value="{SHOP}"' in page
        assert ">Install again</button>" in page
        web.clock.forward(10)
        async with web.signed_in() as later:
            for path in ("/inbox", "/customers", f"/conversations/{conversation}"):
                assert path_of(await later.get(path)).startswith("/auth/sign-in?note=gone")
            refused = await later.get("/api/inbox")
            assert refused.status_code == 401
            assert "no longer installed in this shop" in refused.json()["error"]
            assert refused.json()["note"] == "gone"
            told = path_of(await later.get("/customers"))
            await web.record(SHOP, f"shop/{SHOP}", installed())
            assert (await later.get("/inbox")).status_code == 200
            # The page that said so leads on, and tells it to nobody else either.
            assert path_of(await later.get(told)) == "/customers"
            async with web.browser() as stranger:
                page = (await stranger.get(told)).text
                assert "no longer installed" not in page
                assert ">Continue with Shopify</button>" in page
            # Its history is as it was.
            again = (await later.get("/api/inbox")).json()
            assert again["conversations"] == listed["conversations"]
            assert (await later.get(f"/conversations/{conversation}")).status_code == 200


async def test_the_api_and_pages_take_a_session_token_of_shopify(web: Harness) -> None:
    await web.conversation()
    async with web.browser() as browser:
        answer = await browser.get("/api/inbox", headers=bearer())
        assert len(answer.json()["conversations"]) == 1
        assert "Do you ship to Norway?" in (await browser.get("/inbox", headers=bearer())).text


async def test_a_session_token_from_before_a_removal_reads_nothing_after_it(web: Harness) -> None:
    web.clock.now = utc_now()
    began = int(time.time()) - 30

    def before() -> dict[str, str]:
        return bearer(id_token(iat=began))

    async with web.browser() as browser:
        assert (await browser.get("/api/inbox", headers=before())).status_code == 200
        web.clock.forward(-20)
        await web.record(SHOP, f"shop/{SHOP}", AppUninstalled())
        web.clock.forward(20)
        assert (await browser.get("/api/inbox", headers=before())).status_code == 401
        await web.record(SHOP, f"shop/{SHOP}", installed())
        await web.parts.reactor.end_sessions(SHOP, web.clock() - timedelta(seconds=20))
        assert (await browser.get("/api/inbox", headers=before())).status_code == 401
        assert (await browser.get("/api/inbox", headers=bearer())).status_code == 200


async def test_after_signing_in_the_page_that_was_wanted_is_shown(web: Harness) -> None:
    conversation = await web.conversation()
    wanted = f"/conversations/{conversation}?message=m1"
    async with web.browser() as browser:
        asked = await browser.get(wanted)
        page = await browser.get(f"{path_of(asked)}&shop={SHOP}")
        assert fields_of(page.text, "/auth/install") == {"next": wanted, "shop": SHOP}
        link = sign_in_link(web.settings, SHOP, web.clock)
        answer = await use_link(browser, f"{link}&{urlencode({'next': wanted})}")
        assert path_of(answer) == wanted
        assert conversation in (await browser.get(wanted)).text


@pytest.mark.parametrize(
    "foreign",
    [
        "https://evil.example/inbox",
        "//evil.example/inbox",
        "/\\evil.example",
        "/inbox\\@evil.example",
        "/inboxes.evil.example",
        "inbox",
        "/inbox\r\nSet-Cookie: a=b",
        "/auth/sign-out",
        "/console",
        "/inbox?" + "x" * 5_000,
        "javascript:alert(1)",
    ],
)
async def test_signing_in_leads_to_no_other_site(web: Harness, foreign: str) -> None:
    query = urlencode({"next": foreign, "shop": SHOP})
    async with web.browser() as browser:
        page = await browser.get(f"/auth/sign-in?{query}")
        assert fields_of(page.text, "/auth/install") == {"next": "/inbox", "shop": SHOP}
        fields = {"token": link_token(SHOP, LOCAL, signer=web.parts.signer), "next": foreign}
        answer = await browser.post("/auth/sign-in", data=fields)
        assert answer.headers["location"] == "/inbox"


@pytest.mark.parametrize(
    ("scheme", "change"),
    [
        ("Basic", {}),
        ("Bearer", {"exp": 1}),
        ("Bearer", {"aud": "another app"}),
        ("Bearer", {"dest": f"https://{OTHER}"}),
        ("Bearer", None),
    ],
)
async def test_a_bad_session_token_is_refused_whatever_the_cookie_says(
    browser: httpx.AsyncClient, scheme: str, change: dict[str, Any] | None
) -> None:
    token = "x.y.z" if change is None else id_token(**change)
    answer = await browser.get("/api/inbox", headers={"Authorization": f"{scheme} {token}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("user", ["", "a/b", "x" * 65, "1 2", "gid://shopify/User/1", "<b>"])
async def test_a_session_token_of_a_user_who_cannot_be_is_refused(web: Harness, user: str) -> None:
    async with web.browser() as browser:
        headers = bearer(id_token(sub=user))
        assert (await browser.get("/api/inbox", headers=headers)).status_code == 401


async def test_a_form_of_a_shop_signed_in_to_before_changes_nothing_and_offers_to_switch(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    talk = await web.conversation()
    form = {**(await form_fields(browser, talk, "reply")), "text": "Yes, we do."}
    await use_link(browser, sign_in_link(web.settings, OTHER, web.clock))
    sent = await browser.post(f"/conversations/{talk}/reply", data=form)
    assert sent.status_code == 409
    query = urlencode({"shop": SHOP, "next": f"/conversations/{talk}/reply"}).replace("&", "&amp;")
    assert f'href="/auth/install?{query}"' in sent.text
    assert "Nothing was changed" in sent.text
    assert len(await web.stream(SHOP, talk)) == 2
    # A tab of the first shop that asks for news is told, and shows none of the other's.
    asked = await browser.get(f"/api/changes?after=0&shop={SHOP}")
    assert (asked.status_code, asked.json()["note"]) == (401, "other")
    assert (await browser.get(f"/api/changes?after=0&shop={OTHER}")).status_code == 200
    out = await browser.post("/auth/sign-out", data=form)
    assert (out.status_code, "Switch to" in out.text) == (409, True)
    forged = await browser.post(f"/conversations/{talk}/close", data={"csrf": "x.<b>"})
    assert forged.status_code == 403
    assert "<b>." not in forged.text


async def test_a_form_from_before_shops_stood_in_its_token_is_taken(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    talk = await web.conversation()
    form = await form_fields(browser, talk, "close")
    form["csrf"] = form["csrf"].partition(".")[0]
    assert (await browser.post(f"/conversations/{talk}/close", data=form)).status_code == 303
