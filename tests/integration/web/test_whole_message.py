"""A message in full: read from the raw mail, by the shop that got it, as text."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from cplus.aws import Aws
from cplus.consumers.mail.stored_mail import READ_LIMIT
from cplus.envelopes import Stored
from cplus.events.aggregates.conversation import Conversation
from cplus.events.base import Cause, NewEvent
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import settled
from cplus.events.names import message_ref
from cplus.events.repository import decided
from cplus.ids import random_id
from tests.integration.intake import new_bucket
from tests.integration.web.harness import OTHER, SHOP, Harness
from tests.integration.web.mails import RAW


@pytest.fixture
async def web(mongo_uri: str, database: str, aws: Aws, mail_bucket: str) -> AsyncIterator[Harness]:
    async with Harness(mongo_uri, database, aws, mail_bucket=mail_bucket).opened() as harness:
        yield harness


async def arrives(
    web: Harness, *, shop: str = SHOP, held: str = "", key: str = "k", stored: Stored | None = None
) -> str:
    """A mail as the mail's reader records it, `stored` if it is sealed; answers the address of its
    page."""
    stored = stored or Stored({"bucket": held or web.settings.mail_bucket, "key": key}, None)
    conversation_id, message_id = random_id(), random_id()
    begun = Conversation.empty(f"conversation/{conversation_id}")
    begun.start(person="person/ada", channel="email", subject="Blue jam", now=web.clock())
    begun.receive(
        now=web.clock(),
        message_id=message_id,
        person="person/ada",
        from_name="Ada Brandt",
        from_address="ada@example.com",
        subject="Re: Blue jam",
        text="Yes please.",
        rfc_message_id=None,
        raw=stored.ref,
    )
    new: list[NewEvent] = decided(begun)
    refs = [begun.id, message_ref(message_id)]
    cause = Cause("mail", ref=stored.ref, opens=stored.opens)
    draft = Draft(shop, random_id(), "mail", "t", events=new, cause=cause, refs=refs)
    [outcome] = await web.parts.store.append([draft])
    await web.nudger.fold({shop: settled(outcome).position})
    return f"/conversations/{conversation_id}/messages/{message_id}"


async def test_all_that_was_written_is_shown_and_nothing_is_loaded(
    web: Harness, browser: httpx.AsyncClient, aws: Aws, mail_bucket: str
) -> None:
    await aws.put_object(mail_bucket, "k", RAW.encode())
    url = await arrives(web)
    thread = (await browser.get(url.partition("/messages")[0])).text
    assert f'href="{url}"' in thread
    assert "Shall I keep" not in thread
    answer = await browser.get(url)
    assert answer.status_code == 200
    assert "Shall I keep &lt;b&gt;one&lt;/b&gt;?" in answer.text
    assert "label.pdf" in answer.text
    assert "evil.example" not in answer.text
    assert "alert(1)" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_a_message_of_another_shop_or_conversation_is_not_found(
    web: Harness, browser: httpx.AsyncClient, aws: Aws, mail_bucket: str
) -> None:
    await aws.put_object(mail_bucket, "k", RAW.encode())
    own, foreign = await arrives(web), await arrives(web, shop=OTHER)
    assert (await browser.get(foreign)).status_code == 404
    mixed = f"{(await arrives(web)).rpartition('/')[0]}/{own.rpartition('/')[2]}"
    assert (await browser.get(mixed)).status_code == 404
    async with web.browser() as stranger:
        assert (await stranger.get(own)).status_code == 303


@pytest.mark.parametrize(("own", "key"), [(True, "gone"), (False, "k")])
async def test_a_mail_that_is_not_in_the_bucket_shows_what_was_kept(
    web: Harness, browser: httpx.AsyncClient, aws: Aws, mail_bucket: str, own: bool, key: str
) -> None:
    others = await new_bucket(aws, "others")
    await aws.put_object(others, "k", RAW.encode())
    url = await arrives(web, held=mail_bucket if own else others, key=key)
    page = (await browser.get(url)).text
    assert "not stored any more" in page
    assert "Yes please." in page
    assert "Shall I keep" not in page


async def test_of_a_very_large_mail_the_beginning_is_read(
    web: Harness, browser: httpx.AsyncClient, aws: Aws, mail_bucket: str
) -> None:
    large = RAW.replace("%PDF", "%PDF" + "x" * 70 + "\r\n" + ("y" * 70 + "\r\n") * 120_000)
    assert len(large) > READ_LIMIT
    await aws.put_object(mail_bucket, "k", large.encode())
    sealed = await web.parts.mails.put(SHOP, large.encode())
    for stored in (None, sealed):
        page = (await browser.get(await arrives(web, stored=stored))).text
        assert "too long for a page" in page
        assert "Shall I keep" in page


async def test_a_sealed_mail_is_shown_until_its_person_is_erased(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    url = await arrives(web, stored=await web.parts.mails.put(SHOP, RAW.encode()))
    page = (await browser.get(url)).text
    assert "Shall I keep" in page
    assert "label.pdf" in page
    await web.parts.keyring.condemn(SHOP, ["person/ada"])
    await web.parts.keyring.destroy(SHOP, ["person/ada"])
    page = (await browser.get(url)).text
    assert "Shall I keep" not in page
    assert "label.pdf" not in page
