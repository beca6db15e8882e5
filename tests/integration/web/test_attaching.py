"""Files on a reply: sent with the form, sealed, and sent again after an undo."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from cplus.aws import Aws
from cplus.commands.conversations.attaching import MAX_FILES
from cplus.errors import ObjectBroken
from cplus.web.kit.guard import MAX_FILES_BODY
from tests.integration.web.attached import PNG, chosen, replies
from tests.integration.web.harness import SHOP, Harness, fields_of, form_fields, path_of


@pytest.fixture
async def web(mongo_uri: str, database: str, aws: Aws, mail_bucket: str) -> AsyncIterator[Harness]:
    """The app with a bucket, in which replies can be undone."""
    made = Harness(mongo_uri, database, aws, mail_bucket=mail_bucket, undo_seconds=10)
    async with made.opened() as harness:
        yield harness


async def test_files_are_sealed_with_clean_names_and_types_of_what_they_hold(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    url = f"/conversations/{conversation}/reply"
    data = {**await form_fields(browser, conversation, "reply"), "text": "Here they are."}
    files = chosen(("../../photo.png", PNG), ("a\u202enote.txt", b"Hello"))
    answers = [await browser.post(url, data=data, files=files) for _ in range(2)]
    assert {one.status_code for one in answers} == {303}, "sent twice, it is one reply"
    [reply] = await replies(web, conversation)
    assert reply.files is not None
    picture, note = reply.files
    assert ("/" in picture.name, "\u202e" in note.name) == (False, False)
    assert (picture.content_type, picture.size) == ("image/png", len(PNG))
    assert await web.parts.files.get(SHOP, picture) == PNG
    assert [one["key"] for one in reply.objects] == [picture.key, note.key]
    assert PNG not in await web.parts.aws.get_object(picture.bucket, picture.key)
    with pytest.raises(ObjectBroken):
        await web.parts.files.get("birch.myshopify.com", picture)
    page = (await browser.get(path_of(answers[0]))).text
    assert "photo.png" in page


async def test_files_come_back_with_what_was_undone_and_can_be_taken_out(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    url = f"/conversations/{conversation}/reply"
    data = {**await form_fields(browser, conversation, "reply"), "text": "Here they are."}
    sent = await browser.post(url, data=data, files=chosen(("a.txt", b"A"), ("b.txt", b"B")))
    page = (await browser.get(path_of(sent))).text
    undo = f"/conversations/{conversation}/undo"
    undone = await browser.post(undo, data=fields_of(page, undo))
    form = (await browser.get(path_of(undone))).text
    again = fields_of(form, url)
    [first, _] = (await replies(web, conversation))[0].files or ()
    assert f'name="keep-{first.id}"' in form
    data = {**again, "text": "One of them.", f"keep-{first.id}": "1"}
    await browser.post(url, data=data, files=chosen(("c.txt", b"C")))
    second = (await replies(web, conversation))[1]
    assert [one.name for one in second.files or ()] == ["a.txt", "c.txt"]
    other = await web.conversation()
    stolen = {**await form_fields(browser, other, "reply"), "text": "Mine", "again": again["again"]}
    await browser.post(f"/conversations/{other}/reply", data={**stolen, f"keep-{first.id}": "1"})
    assert (await replies(web, other))[0].files is None, "files of another conversation stay there"


async def test_what_no_mail_takes_is_refused_before_anything_is_stored(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    url = f"/conversations/{conversation}/reply"
    data = {**await form_fields(browser, conversation, "reply"), "text": "My words"}
    many = chosen(*((f"{number}.txt", b"x") for number in range(MAX_FILES + 1)))
    for files, words in ((many, "up to 20 files"), (chosen(("a.txt", b"")), "is empty")):
        refused = await browser.post(url, data=data, files=files)
        assert refused.status_code == 422
        assert words in refused.text
        assert "Choose your files again" in refused.text
        assert "My words</textarea>" in refused.text
    large = await browser.post(url, data=data, files=chosen(("a.bin", b"x" * MAX_FILES_BODY)))
    assert large.status_code == 413
    assert await replies(web, conversation) == []
    assert list(await web.parts.aws.list_versions(web.settings.mail_bucket, "")) == []


async def test_a_form_with_files_that_is_none_of_the_session_is_refused(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    url = f"/conversations/{conversation}/reply"
    data = {**await form_fields(browser, conversation, "reply"), "text": "Hello", "csrf": "other"}
    refused = await browser.post(url, data=data, files=chosen(("a.txt", b"A")))
    assert refused.status_code == 403
    broken = {"content-type": "multipart/form-data; boundary=x"}
    assert (await browser.post(url, content=b"--y", headers=broken)).status_code in (400, 403)
    assert await replies(web, conversation) == []
