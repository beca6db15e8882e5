"""Strangers' words, headers, faults; and how pages learn of news."""

from __future__ import annotations

import re
import time
from typing import Any

import httpx

from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.projections.models.messages import MESSAGES
from cplus.projections.queries import Queries, Shop
from cplus.web.app import create_app
from cplus.web.merchant.conversations.thread import PATIENCE
from tests.integration.web.harness import (
    SHOP,
    Harness,
)

PAGES = [
    "/", "/inbox", "/customers", "/metrics", "/billing", "/settings", "/conversations/c1",
    "/customers/p1", "/privacy",
]  # fmt: skip
API = ["/api/inbox", "/api/changes", "/api/conversations/c1"]

# Strangers' words

HOSTILE = (
    "<script>alert(1)</script></textarea></script><img src=x onerror=alert(1)>\n"
    "\u202egpj.exe\u202c {{ 7*7 }} {% raw %} javascript:alert(1) https://a.example/'\"><b>"
)


async def test_hostile_words_are_only_words(web: Harness, browser: httpx.AsyncClient) -> None:
    conversation = await web.conversation(text=HOSTILE, subject=HOSTILE, name=HOSTILE)
    pages = [
        (await browser.get(path)).text
        for path in ("/inbox", f"/conversations/{conversation}", "/customers", "/customers/ada")
    ]
    for page in pages:
        assert "&lt;script&gt;alert(1)" in page
        scripts = re.findall(r"<script src[^>]*>", page)
        assert [one.partition(".")[0] for one in scripts] == [
            '<script src="/static/tab',
            '<script src="/static/reply',
            '<script src="/static/files',
            '<script src="/static/saved',
            '<script src="/static/drafts',
            '<script src="/static/steps',
            '<script src="/static/present',
            '<script src="/static/mentions',
            '<script src="/static/keys',
            '<script src="/static/app',
        ]
        assert "<img src=x" not in page
        assert not re.search(r"<[^>]+\son\w+=", page)
        assert not re.search(r"<[^>]+\sstyle=", page)
        assert "javascript:" not in "".join(re.findall(r'href="[^"]*"', page))
        assert "\u202e" not in page
    assert 'href="https://a.example/" target="_blank" rel="noopener noreferrer nofollow' in pages[1]


async def test_a_thread_of_huge_messages_fits_into_one_answer_of_lambda(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation(text="&" * 250_000)
    stream = f"conversation/{conversation}"

    def more(aggregate: Any) -> None:
        for number in range(12):
            aggregate.receive(
                now=web.clock(),
                person="person/ada",
                message_id=f"m{number}",
                from_name=None,
                from_address="ada@example.com",
                subject="",
                text=f"{number} " + "&" * 250_000,
                rfc_message_id=None,
            )

    outcome = await web.parts.recorder.decide(
        Conversation, SHOP, stream, more, claim="mail/more", source="t", actor="t"
    )
    assert outcome is not None
    await web.nudger.fold({SHOP: outcome.position})
    page = await browser.get(f"/conversations/{conversation}")
    assert len(page.content) < 5_000_000
    assert "Show the full message" in page.text
    whole = await browser.get(f"/conversations/{conversation}?message=m0")
    assert whole.text.count("&amp;") > 250_000
    assert len(whole.content) < 5_000_000
    api = await browser.get(f"/api/conversations/{conversation}?message=m0")
    assert len(api.content) < 5_000_000
    texts = {one["id"]: one for one in api.json()["messages"]}
    assert (len(texts["m0"]["text"]), texts["m0"]["cut"]) == (250_002, False)
    assert any(one["cut"] for one in texts.values())


async def test_changes_tell_of_news_once(web: Harness, browser: httpx.AsyncClient) -> None:
    await web.conversation()
    first = await browser.get("/api/changes?after=0")
    assert first.json() == {"position": 1, "changed": True}
    etag = first.headers["etag"]
    assert etag == '"1"'
    same = await browser.get("/api/changes?after=1", headers={"If-None-Match": etag})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    assert (await browser.get("/api/changes?after=1")).json()["changed"] is False
    await web.conversation()
    news = await browser.get("/api/changes?after=1", headers={"If-None-Match": etag})
    assert news.json() == {"position": 2, "changed": True}


async def test_every_answer_carries_the_headers_that_protect_it(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    static = re.findall(r'"(/static/[^"]+)"', (await browser.get("/inbox")).text)
    own = [*PAGES[1:5], *API[:2], f"/conversations/{conversation}", "/conversations/none"]
    free = ["/healthz", "/auth/sign-in", "/auth/sign-in?token=x", "/auth/install?shop=x%20y"]
    own.append("/nothing")  # said with the navigation
    free += ["/auth/callback", "/console", "/api/nothing", "/static/none.css", *static]
    assert len(static) >= 3
    for path in own + free:
        answer = await browser.get(path)
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self'; style-src 'self';" in policy, path
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "frame-ancestors 'none';" in policy, path
        assert answer.headers["x-frame-options"] == "DENY"
        if not path.startswith(("/static/", "/api/changes")):
            assert answer.headers["cache-control"] == "no-store"
    assert (await browser.get("/healthz")).json() == {"ok": True}
    for path in static:
        assert (await browser.get(path)).status_code == 200


async def test_a_fault_is_answered_kindly_and_tells_no_secrets(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    class Broken(Queries):
        async def shop(self, shop: str) -> Shop | None:
            raise RuntimeError("ada@example.com")

    broken = create_app(web.parts_with(queries=Broken(web.mongo)))
    async with web.browser(broken, browser.cookies) as unlucky:
        page, api = await unlucky.get("/inbox"), await unlucky.get("/api/inbox")
    assert (page.status_code, api.status_code) == (500, 500)
    assert "Something went wrong" in page.text
    assert "ada@" not in page.text + api.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_what_was_wrong_with_an_address_is_said(browser: httpx.AsyncClient) -> None:
    for path, words in (
        ("/inbox?tab=nonsense", "it has a wrong value for “tab”"),
        ("/metrics?days=8", "it has a wrong value for “days”"),
        ("/conversations/c1?at=x", "it has a wrong value for “at”"),
        ("/inbox?cursor=nonsense", "the cursor cannot be read"),
    ):
        answer = await browser.get(path)
        assert answer.status_code == 400
        assert f"This address isn’t valid: {words}." in answer.text
        assert 'aria-label="Main"' in answer.text
    api = await browser.get("/api/inbox?limit=x")
    assert api.json() == {"error": "This address isn’t valid: it has a wrong value for “limit”."}


async def test_nobody_waits_for_what_does_not_come(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    begun = time.monotonic()
    for at in (10**18, 2, -1):
        page = await browser.get(f"/conversations/{conversation}?at={at}")
        assert 'data-soon="0"' in page.text
    await web.park([MESSAGES.collection])
    await web.conversation(fold=False)
    page = await browser.get(f"/conversations/{conversation}?at=2")
    assert "delayed by a problem on our side" in page.text
    assert time.monotonic() - begun < PATIENCE


async def test_what_is_not_there_or_not_possible_is_said_kindly(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    for method, path, status in (
        ("GET", "/nothing", 404),
        ("POST", "/inbox", 405),
        ("PUT", "/conversations/c1/reply", 405),
        ("GET", "/auth/callback?hmac=x", 403),
        ("GET", "/openapi.json", 404),
    ):
        answer = await browser.request(method, path)
        assert answer.status_code == status, path
        assert "text/html" in answer.headers["content-type"]
        assert f"Status {status}" in answer.text
        # Whoever is signed in goes on from where they are.
        assert ('aria-label="Main"' in answer.text) == (not path.startswith("/auth/"))
    async with web.browser() as stranger:
        answer = await stranger.get("/nothing")
        assert (answer.status_code, 'aria-label="Main"' in answer.text) == (404, False)
    api = await browser.get("/api/nothing")
    assert (api.status_code, list(api.json())) == (404, ["error"])
