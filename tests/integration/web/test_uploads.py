"""Files on a reply that are sent in pieces, before the form that carries their tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import httpx
import pytest

from cplus.aws import UPLOADS_FOLDER, Aws
from cplus.commands.conversations.uploading import LIFE, MAX_BYTES, PIECE
from tests.integration.web.attached import PNG, chosen, replies
from tests.integration.web.harness import OTHER, SHOP, Harness, fields_of, form_fields

LARGE = PNG + b"large" * (2 * PIECE // 5) + b"!"
"""Three pieces."""


@pytest.fixture
async def web(mongo_uri: str, database: str, aws: Aws, mail_bucket: str) -> AsyncIterator[Harness]:
    """The app with a bucket."""
    made = Harness(mongo_uri, database, aws, mail_bucket=mail_bucket)
    async with made.opened() as harness:
        yield harness


async def piece(
    browser: httpx.AsyncClient,
    form: Mapping[str, str],
    data: bytes,
    number: int = 0,
    token: str = "",
    **others: str,
) -> httpx.Response:
    """Sends one piece of a file."""
    said = {"name": "../photo.png", "type": "text/html", "size": str(len(data)), "token": token}
    fields = {"csrf": form["csrf"], "key": form["key"], "number": str(number), **said, **others}
    part = data[number * PIECE : (number + 1) * PIECE]
    return await browser.post("/api/uploads", data=fields, files={"piece": ("piece", part)})


async def uploaded(
    browser: httpx.AsyncClient, form: Mapping[str, str], data: bytes, **others: str
) -> str:
    """Sends a whole file; answers its token."""
    token, number = "", 0
    while True:
        answer = await piece(browser, form, data, number, token, **others)
        assert answer.status_code == 200, answer.text
        token, number = answer.json()["token"], number + 1
        if answer.json()["whole"]:
            return str(token)


async def refused(browser: httpx.AsyncClient, url: str, data: Mapping[str, str]) -> str:
    """Sends the form, which is refused; answers its page."""
    answer = await browser.post(url, data=data, files={"files": ("", b"")})
    assert answer.status_code == 422
    return answer.text


async def test_a_file_in_pieces_is_one_file_of_the_reply_once(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    form = await form_fields(browser, conversation, "reply")
    first = await piece(browser, form, LARGE)
    await piece(browser, form, LARGE, 1, first.json()["token"])  # whose answer was lost
    second = await piece(browser, form, LARGE, 1, first.json()["token"])
    last = await piece(browser, form, LARGE, 2, second.json()["token"])
    assert [one.json()["whole"] for one in (first, second, last)] == [False, False, True]
    data = {**form, "text": "Here it is.", "upload-1": last.json()["token"]}
    url = f"/conversations/{conversation}/reply"
    small = chosen(("small.txt", b"Hello"))
    answers = [await browser.post(url, data=data, files=small) for _ in range(2)]
    assert {one.status_code for one in answers} == {303}, "sent twice, it is one reply"
    [reply] = await replies(web, conversation)
    assert reply.files is not None
    assert [one.size for one in reply.files] == [len(LARGE), 5]
    assert reply.files[0].content_type == "image/png", "by what it holds"
    assert "/" not in reply.files[0].name
    assert await web.parts.files.get(SHOP, reply.files[0]) == LARGE
    assert not any(one["key"].startswith(UPLOADS_FOLDER) for one in reply.objects)
    pieces = await web.parts.aws.list_versions(web.settings.mail_bucket, UPLOADS_FOLDER)
    assert len(pieces) == 4
    for key in pieces:
        assert PNG not in await web.parts.aws.get_object(web.settings.mail_bucket, key)
        assert key not in last.json()["token"]


async def test_pieces_in_another_order_or_of_another_size_are_refused(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    form = await form_fields(browser, await web.conversation(), "reply")
    first = (await piece(browser, form, LARGE)).json()["token"]
    for answer, words in (
        (await piece(browser, form, LARGE, 1), "another order"),
        (await piece(browser, form, LARGE, 2, first), "another order"),
        (await piece(browser, form, LARGE, 0, first), "another order"),
        (await piece(browser, form, LARGE[: PIECE + 5], 1, first), "another size"),
        (await piece(browser, form, b""), "is empty"),
        (await piece(browser, form, b"x", size="many"), "is empty"),
        (await piece(browser, form, b"x", size=str(MAX_BYTES + 1)), "up to 25 MB"),
    ):
        assert answer.status_code == 422
        assert words in answer.json()["reason"]
    whole = await uploaded(browser, form, b"small")
    assert (await piece(browser, form, b"small", 1, whole)).status_code == 422
    without = await browser.post("/api/uploads", data={**form, "size": "1", "number": "0"})
    assert without.status_code == 422
    pieces = await web.parts.aws.list_versions(web.settings.mail_bucket, UPLOADS_FOLDER)
    assert len(pieces) == 2, "what is refused is not stored"


async def test_a_file_that_is_not_whole_or_stands_twice_or_is_gone_is_not_sent(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    url = f"/conversations/{conversation}/reply"
    form = {**await form_fields(browser, conversation, "reply"), "text": "My words"}
    part = (await piece(browser, form, LARGE)).json()["token"]
    assert "not come whole" in await refused(browser, url, {**form, "upload-1": part})
    token = await uploaded(browser, form, b"small")
    twice = {**form, "upload-1": token, "upload-2": token}
    assert "stands twice" in await refused(browser, url, twice)
    bucket = web.settings.mail_bucket
    there = await web.parts.aws.list_versions(bucket, UPLOADS_FOLDER)
    gone = [(key, one) for key, versions in there.items() for one in versions.ids]
    await web.parts.aws.delete_versions(bucket, gone)
    page = await refused(browser, url, {**form, "upload-1": token})
    assert "not there any more" in page
    assert "My words</textarea>" in page
    assert await replies(web, conversation) == []


async def test_a_token_serves_one_form_of_one_merchant_of_one_shop_for_a_day(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    url = f"/conversations/{conversation}/reply"
    form = {**await form_fields(browser, conversation, "reply"), "text": "My words"}
    token = await uploaded(browser, form, b"small")
    part = (await piece(browser, form, LARGE)).json()["token"]
    other_form = {**form, "key": "another" * 4}
    assert (await piece(browser, other_form, LARGE, 1, part)).status_code == 410
    tampered = token[:-6] + ("AAAAAA" if token[-6:] != "AAAAAA" else "BBBBBB")
    for wrong in (tampered, "x", "\u00e9", "A" * 20_000):
        assert (await piece(browser, form, LARGE, 1, wrong)).status_code == 410
    assert "for another form" in await refused(browser, url, {**other_form, "upload-1": token})
    async with web.signed_in(user="jo") as colleague:
        theirs = {**await form_fields(colleague, conversation, "reply"), "text": "Mine"}
        theirs = {**theirs, "key": form["key"]}
        assert "for another form" in await refused(colleague, url, {**theirs, "upload-1": token})
    await web.install(OTHER)
    foreign = await web.conversation(OTHER)
    async with web.signed_in(OTHER) as stranger:
        theirs = {**await form_fields(stranger, foreign, "reply"), "text": "Mine"}
        theirs = {**theirs, "key": form["key"], "upload-1": token}
        page = await refused(stranger, f"/conversations/{foreign}/reply", theirs)
        assert "for another form" in page
    refusal = await browser.post("/api/uploads", data={**form, "csrf": "other"})
    assert refusal.status_code == 403
    async with web.browser() as nobody:
        assert (await piece(nobody, form, b"x")).status_code == 401
    web.clock.forward(LIFE.total_seconds())
    async with web.signed_in() as later:
        theirs = {**await form_fields(later, conversation, "reply"), "text": "Mine"}
        theirs = {**theirs, "key": form["key"], "upload-1": token}
        assert "too long ago" in await refused(later, url, theirs)
    assert await replies(web, conversation) == []
    assert await replies(web, foreign) == []


async def test_files_together_too_large_are_refused_and_stay_with_a_form_that_comes_back(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    fields = fields_of((await browser.get("/conversations/new")).text, "/conversations/new")
    one = await uploaded(browser, fields, b"1" * (MAX_BYTES - 5), name="one.bin")
    two = await uploaded(browser, fields, b"second", name="two.bin")
    form = {**fields, "to": "kim@example.com", "subject": "Files", "text": "Here they are."}
    page = await refused(
        browser, "/conversations/new", {**form, "a": "", "upload-1": one, "upload-2": two}
    )
    assert "up to 25 MB" in page
    assert page.count('value="') > 2
    assert "one.bin" in page
    offered = page.partition("two.bin")[0].rpartition('name="upload-')[2]
    again = offered.partition('value="')[2].partition('"')[0]
    sent = await browser.post(
        "/conversations/new", data={**form, "upload-2": again}, files={"files": ("", b"")}
    )
    assert sent.status_code == 303
    talk = sent.headers["location"].partition("?")[0].rpartition("/")[2]
    [reply] = await replies(web, talk)
    assert [(file.name, file.size) for file in reply.files or ()] == [("two.bin", 6)]


async def test_a_form_with_a_new_key_takes_its_files_along(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    url = f"/conversations/{conversation}/reply"
    form = {**await form_fields(browser, conversation, "reply"), "text": "First"}
    token = await uploaded(browser, form, b"small")
    await browser.post(url, data={**form, "upload-1": token}, files={"files": ("", b"")})
    changed = {**form, "text": "Second", "upload-1": token}
    answer = await browser.post(url, data=changed, files={"files": ("", b"")})
    assert answer.status_code == 409
    again = fields_of(answer.text, url)
    assert again["key"] != form["key"]
    offered = answer.text.partition('name="upload-')[2].partition('value="')[2].partition('"')[0]
    data = {**again, "text": "Second", "upload-1": offered}
    sent = await browser.post(url, data=data, files={"files": ("", b"")})
    assert sent.status_code == 303
    assert [len(one.files or ()) for one in await replies(web, conversation)] == [1, 1]
