"""A reply that did not arrive is back in the inbox with its reason, and can be sent again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from cplus.aws import Aws
from cplus.consumers.sending.email_events import EmailEvents
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.names import conversation_stream
from cplus.ids import random_id
from cplus.privacy.erasing import ask, erase
from tests.integration.intake import failures, new_bucket, record
from tests.integration.web.harness import OTHER, SHOP, Harness, form_fields, path_of

PARTNER = "bob@partner.example"
GONE: dict[str, Any] = {"bounceType": "Permanent", "bounceSubType": "General"}


@pytest.fixture
async def web(mongo_uri: str, database: str, aws: Aws) -> AsyncIterator[Harness]:
    buckets = {"roots_bucket": await new_bucket(aws, "roots"), "mail_bucket": ""}
    async with Harness(mongo_uri, database, aws, **buckets).opened() as harness:
        yield harness


async def replied(
    web: Harness, browser: httpx.AsyncClient, *, close: bool = True, **more: str
) -> str:
    """A conversation that the merchant answered, and closed."""
    conversation = await web.conversation()
    fields = await form_fields(browser, conversation, "reply")
    await browser.post(
        f"/conversations/{conversation}/reply", data={**fields, "text": "Yes, in blue", **more}
    )
    if close:
        fields = await form_fields(browser, conversation, "close")
        await browser.post(f"/conversations/{conversation}/close", data=fields)
    return conversation


async def replies(web: Harness, conversation: str) -> list[ReplyWritten]:
    found = list[ReplyWritten]()
    async for commit in web.parts.store.iterate_stream(SHOP, conversation_stream(conversation)):
        events = await web.parts.reader.of(commit, ReplyWritten)
        found += [one.event for one in events if isinstance(one.event, ReplyWritten)]
    return found


async def told(web: Harness, kind: str, message_id: str, *, later: int = 0, **detail: Any) -> None:
    """SES tells what became of a mail, so many seconds from now."""
    web.clock.forward(later)
    p = web.parts
    if kind == "Bounce":
        known = {"status": "5.1.1", "diagnosticCode": "550 5.1.1 user unknown"}
        detail = {"bouncedRecipients": [{"emailAddress": "ada@example.com", **known}], **detail}
    body = {
        "eventType": kind,
        "mail": {
            "messageId": f"ses-{message_id}",
            "timestamp": web.clock().isoformat(),
            "tags": {"cplus-shop": ["acorn"], "cplus-message": [message_id]},
        },
        kind.lower(): {**detail, "timestamp": web.clock().isoformat()},
    }
    taking = EmailEvents(p.settings, p.store, p.recorder, p.clock)
    assert await failures(taking.handle_all, record(body, kind)) == {}


async def failed(web: Harness, browser: httpx.AsyncClient, **detail: Any) -> tuple[str, str]:
    """A conversation whose reply bounced, and the reply's id."""
    conversation = await replied(web, browser)
    [reply] = await replies(web, conversation)
    await told(web, "Bounce", reply.message_id, later=1, **{**GONE, "feedbackId": "f1", **detail})
    return conversation, reply.message_id


def what(message_id: str, deed: str = "resend") -> str:
    return f"failed/{message_id}/{deed}"


async def test_a_bounce_brings_a_closed_conversation_back_with_its_reason(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    other = await web.conversation()
    conversation, message_id = await failed(web, browser)
    assert conversation in (await browser.get("/inbox?view=unanswered")).text
    inbox = (await browser.get("/inbox?view=open")).text
    assert inbox.index(conversation) < inbox.index(other), "it is on top"
    assert 'Not delivered<span class="why">: the address doesn’t exist<' in inbox
    page = (await browser.get(f"/conversations/{conversation}")).text
    assert "Your reply didn’t arrive</b> at <bdi>ada@<wbr>example.com</bdi>: the address" in page
    assert "Awaiting reply" in page
    assert "Replies aren’t sent there." in page
    await told(web, "Bounce", message_id, **GONE, feedbackId="f2")
    types = await web.stream(SHOP, conversation)
    assert types.count("conversation.delivery_failed") == 1, "it is told once"
    assert sorted(types[-3:]) == [
        "address.marked",
        "conversation.delivery_failed",
        "conversation.reopened",
    ]


async def test_a_bounce_for_now_is_shown_as_a_delay_and_reopens_nothing(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    kind = {"bounceType": "Transient", "bounceSubType": "MailboxFull"}
    conversation, message_id = await failed(web, browser, **kind)
    assert conversation not in (await browser.get("/inbox?tab=open")).text
    assert (
        "Delayed: the mailbox is full" in (await browser.get(f"/conversations/{conversation}")).text
    )
    assert ">Delayed</span>" in (await browser.get("/inbox?tab=closed")).text
    await told(web, "Delivery", message_id, later=60)
    page = (await browser.get(f"/conversations/{conversation}")).text
    assert "Delayed" not in page
    await told(web, "Bounce", message_id, later=60, **GONE, feedbackId="f2")
    assert conversation in (await browser.get("/inbox?tab=unanswered")).text


async def test_resent_it_goes_out_once_and_the_address_is_allowed_again(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation, message_id = await failed(web, browser)
    url = f"/conversations/{conversation}/{what(message_id)}"
    page = (await browser.get(f"/conversations/{conversation}")).text
    fields = fields_of_resend(page, url)
    answers = await asyncio.gather(*(browser.post(url, data=fields) for _ in range(3)))
    assert {one.status_code for one in answers} == {303}
    first, again = await replies(web, conversation)
    assert (again.text, again.to_address, again.resends) == (
        first.text,
        "ada@example.com",
        message_id,
    )
    page = (await browser.get(f"/conversations/{conversation}")).text
    assert "didn’t arrive" not in page
    assert "data-stopped" not in page
    assert conversation not in (await browser.get("/inbox?tab=unanswered")).text
    # A second form of the same failure changes nothing more.
    late = await browser.post(url, data={**fields, "key": "k" * 20})
    assert "problem=settled" in path_of(late)
    assert len(await replies(web, conversation)) == 2


def fields_of_resend(page: str, url: str) -> dict[str, str]:
    """The form with the button Resend, which has no address."""
    form = page.split(f'action="{url}"')[2].split("</form>", maxsplit=1)[0]
    fields = {}
    for part in form.split("<input")[1:]:
        name, value = part.split('name="')[1].split('"')[0], part.split('value="')[1].split('"')[0]
        fields[name] = value
    return fields


async def test_sent_to_another_address_replies_go_there_from_now_on(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation, message_id = await failed(web, browser)
    url = f"/conversations/{conversation}/{what(message_id)}"
    fields = await form_fields(browser, conversation, what(message_id))
    wrong = await browser.post(url, data={**fields, "to": "no address"})
    assert "That isn’t an email address." in (await browser.get(path_of(wrong))).text
    stays = await browser.post(url, data={**fields, "to": "Ada@Example.org"})
    assert stays.status_code == 303
    assert [one.to_address for one in await replies(web, conversation)] == [
        "ada@example.com",
        "ada@example.org",
    ]
    page = (await browser.get(f"/conversations/{conversation}")).text
    assert "Goes by email to <bdi>ada@<wbr>example.org</bdi>" in page
    assert "data-stopped" not in page
    fields = await form_fields(browser, conversation, "reply")
    await browser.post(f"/conversations/{conversation}/reply", data={**fields, "text": "And?"})
    assert (await replies(web, conversation))[-1].to_address == "ada@example.org"
    # The address that bounced is still marked, and takes no mail of another conversation.
    assert "data-stopped" in (await browser.get(f"/conversations/{await web.conversation()}")).text


async def test_dismissed_it_waits_no_more(web: Harness, browser: httpx.AsyncClient) -> None:
    conversation, message_id = await failed(web, browser)
    fields = await form_fields(browser, conversation, what(message_id, "dismiss"))
    url = f"/conversations/{conversation}/{what(message_id, 'dismiss')}"
    await browser.post(url, data=fields)
    answer = await browser.post(url, data=fields)
    assert "Dismissed." in (await browser.get(path_of(answer))).text
    assert conversation not in (await browser.get("/inbox?tab=unanswered")).text
    types = await web.stream(SHOP, conversation)
    assert types.count("conversation.delivery_failure_settled") == 1
    assert conversation in (await browser.get("/inbox?tab=open")).text


async def test_a_delivery_after_the_bounce_settles_it_and_one_before_the_news_prevents_it(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation, message_id = await failed(web, browser)
    await told(web, "Delivery", message_id, later=60)
    assert conversation not in (await browser.get("/inbox?tab=unanswered")).text
    assert (await web.stream(SHOP, conversation))[-1] == "conversation.delivery_failure_settled"
    other = await replied(web, browser, anyway="on")
    [reply] = await replies(web, other)
    await told(web, "Delivery", reply.message_id, later=60)
    web.clock.forward(-30)
    await told(web, "Bounce", reply.message_id, **GONE, feedbackId="f9")
    assert "conversation.delivery_failed" not in await web.stream(SHOP, other)


async def test_who_called_it_spam_gets_it_no_more_until_the_merchant_allows_it(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await replied(web, browser)
    [reply] = await replies(web, conversation)
    await told(web, "Complaint", reply.message_id, feedbackId="f1")
    page = (await browser.get(f"/conversations/{conversation}")).text
    assert "Your reply was marked as spam" in page
    assert ">Resend<" not in page
    assert "was marked as spam, so replies aren’t sent there" in page
    # What is written is not lost, and nothing is recorded that nobody would get.
    fields = await form_fields(browser, conversation, "reply")
    written = {**fields, "text": "Sorry for that."}
    answer = await browser.post(f"/conversations/{conversation}/reply", data=written)
    assert answer.status_code == 422
    assert "Nothing was sent, because email to this address is stopped" in answer.text
    assert "Sorry for that.</textarea>" in answer.text
    assert len(await replies(web, conversation)) == 1
    anyway = {**written, "anyway": "on"}
    for _ in range(2):  # the form is sent twice
        answer = await browser.post(f"/conversations/{conversation}/reply", data=anyway)
        assert answer.status_code == 303
    assert len(await replies(web, conversation)) == 2
    assert "data-stopped" not in (await browser.get(f"/conversations/{conversation}")).text


async def test_erasing_the_person_takes_the_mark_and_the_notice(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation, _ = await failed(web, browser)
    await ask(
        web.parts.recorder, SHOP, "person/ada",
        erasure="e1", source="cli", actor="operator/x", at=web.clock(),
    )  # fmt: skip
    await erase(SHOP, "e1", use=web.parts.erasing)
    page = (await browser.get(f"/conversations/{conversation}")).text
    assert "didn’t arrive" not in page
    assert "ada@example.com" not in page
    assert conversation not in (await browser.get("/inbox?tab=unanswered")).text


async def test_another_shop_can_do_nothing_about_it(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation, message_id = await failed(web, browser)
    fields = await form_fields(browser, conversation, what(message_id, "dismiss"))
    async with web.signed_in(OTHER) as other:
        page = await other.get("/inbox")
        csrf = page.text.split('name="csrf" value="')[1].split('"')[0]
        for deed in ("resend", "dismiss"):
            url = f"/conversations/{conversation}/{what(message_id, deed)}"
            answer = await other.post(url, data={**fields, "csrf": csrf})
            assert answer.status_code in (404, 409)
    assert len(await replies(web, conversation)) == 1


def _bounced(*addresses: str) -> dict[str, Any]:
    known = {"status": "5.1.1", "diagnosticCode": "550 5.1.1 user unknown"}
    return {**GONE, "bouncedRecipients": [{"emailAddress": one, **known} for one in addresses]}


async def _with_copy(web: Harness, browser: httpx.AsyncClient) -> tuple[str, str]:
    """A conversation that was answered with a copy, and the reply's id."""
    conversation = await web.conversation()
    fields = await form_fields(browser, conversation, "reply")
    written = {**fields, "text": "Yes", "cc": PARTNER}
    await browser.post(f"/conversations/{conversation}/reply", data=written)
    [reply] = await replies(web, conversation)
    return conversation, reply.message_id


@pytest.mark.parametrize("at_once", [True, False])
async def test_of_each_address_that_a_reply_did_not_reach_it_is_told_and_it_is_sent_again(
    web: Harness, browser: httpx.AsyncClient, at_once: bool
) -> None:
    conversation, message_id = await _with_copy(web, browser)
    both = ("bob@partner.example", "ada@example.com")
    for number, gone in enumerate([both] if at_once else [(one,) for one in both]):
        await told(web, "Bounce", message_id, later=1, feedbackId=f"f{number}", **_bounced(*gone))
    page = (await browser.get(f"/conversations/{conversation}")).text
    assert page.count("Your reply didn’t arrive</b> at <bdi>") == 2
    for failure, left in ((message_id, True), (f"{message_id}~2", False)):
        url = f"/conversations/{conversation}/{what(failure)}"
        page = (await browser.get(f"/conversations/{conversation}")).text
        assert (await browser.post(url, data=fields_of_resend(page, url))).status_code == 303
        assert (conversation in (await browser.get("/inbox?tab=unanswered")).text) == left
    sent = await replies(web, conversation)
    assert [one.to_address for one in sent] == ["ada@example.com", *both]
    assert [one.cc for one in sent[1:]] == [None, None]


async def test_of_several_who_may_have_called_it_spam_none_is_marked(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation, message_id = await _with_copy(web, browser)
    both = [{"emailAddress": one} for one in ("ada@example.com", "bob@partner.example")]
    await told(web, "Complaint", message_id, feedbackId="f1", complainedRecipients=both)
    page = (await browser.get(f"/conversations/{conversation}")).text
    assert "Your reply was marked as spam</b>." in page
    assert "data-stopped" not in page
    assert "address.marked" not in await web.stream(SHOP, conversation)


async def test_also_of_another_person_to_whom_replies_go_it_says_that_mail_is_stopped(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation, message_id = await failed(web, browser)
    fields = await form_fields(browser, conversation, what(message_id))
    url = f"/conversations/{conversation}/{what(message_id)}"
    await browser.post(url, data={**fields, "to": "bob@other.example"})
    second = (await replies(web, conversation))[-1]
    await told(
        web, "Bounce", second.message_id, later=1, feedbackId="f2", **_bounced("bob@other.example")
    )
    page = (await browser.get(f"/conversations/{conversation}")).text
    assert "Replies aren’t sent there." in page
    fields = await form_fields(browser, conversation, "reply")
    written = {**fields, "text": "Once more.", "anyway": "on"}
    await browser.post(f"/conversations/{conversation}/reply", data=written)
    assert "data-stopped" not in (await browser.get(f"/conversations/{conversation}")).text


async def test_what_failed_while_the_conversation_was_spam_waits_once_it_is_not(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await replied(web, browser)
    [reply] = await replies(web, conversation)
    fields = await form_fields(browser, conversation, "spam")
    await browser.post(f"/conversations/{conversation}/spam", data=fields)
    await told(web, "Bounce", reply.message_id, later=1, **GONE, feedbackId="f1")
    assert conversation not in (await browser.get("/inbox?tab=unanswered")).text
    fields = await form_fields(browser, conversation, "not-spam")
    await browser.post(f"/conversations/{conversation}/not-spam", data=fields)
    assert conversation in (await browser.get("/inbox?tab=unanswered")).text


async def test_it_says_which_copies_are_stopped_and_sends_the_reply(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation, message_id = await _with_copy(web, browser)
    await _copied(web, conversation)
    page = (await browser.get(f"/conversations/{conversation}")).text
    assert "data-stopped-copies" not in page
    await told(web, "Bounce", message_id, later=1, feedbackId="f1", **_bounced(PARTNER))
    page = (await browser.get(f"/conversations/{conversation}")).text
    said = page[page.index("data-stopped-copies") :].partition("</div>")[0]
    assert "Email to <bdi>bob@<wbr>partner.example</bdi> is stopped" in said
    assert "No copy is sent there." in said
    assert "Replies aren’t sent there" not in page
    fields = await form_fields(browser, conversation, "reply")
    written = {**fields, "text": "Once more", "cc": PARTNER}
    answer = await browser.post(f"/conversations/{conversation}/reply", data=written)
    assert answer.status_code == 303


async def _copied(web: Harness, conversation: str) -> None:
    """The customer writes once more, to the partner too, who gets copies of replies from then."""

    def receive(talk: Conversation) -> None:
        talk.receive(
            now=web.clock(), person="person/ada", message_id=random_id(), from_name="Ada Brandt",
            from_address="ada@example.com", subject="Blue jam", text="And Bob?", proved=True,
            rfc_message_id=f"<{random_id()}@example.com>", cc=(PARTNER,),
        )  # fmt: skip

    outcome = await web.parts.recorder.decide(
        Conversation, SHOP, f"conversation/{conversation}", receive,
        claim=f"mail/{random_id()}", source="mail", actor="shopper",
    )  # fmt: skip
    assert outcome is not None
    await web.nudger.fold({SHOP: outcome.position})
