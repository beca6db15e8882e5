"""Who a mail is from: proved or not, known or not; and who may have the answers."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from cplus.actors import Actor
from cplus.commands.conversations import answering
from cplus.commands.conversations.answering import Conversations
from cplus.mail import conversation_token
from tests.integration.mail_world import ADA, DOMAIN, SHOP, World, form, plain

STARTED = ["started", "message_received"]
WORK = "work@shopper.example"
FAILED = {"spf": "FAIL", "dkim": "FAIL", "dmarc": "FAIL"}


async def test_a_mail_says_whether_its_sender_was_proved(world: World) -> None:
    await world.receive(plain("Late?", message_id="<1@shopper.example>"), "ses1")
    forged = plain("Send it to me", References="<1@shopper.example>")
    await world.receive(forged, "ses2", **FAILED)
    stranger = plain("ok", sender="mallory@evil.example", In_Reply_To="<1@shopper.example>")
    await world.receive(stranger, "ses3", dmarc="GRAY")  # signed, by nobody knows whom
    told = [(mail.from_address, mail.proved) for mail in await world.received()]
    assert told == [(ADA, True), (ADA, False), ("mallory@evil.example", False)]


async def test_a_form_of_shopify_proves_no_address_that_was_written_into_it(world: World) -> None:
    await world.receive(form(), "ses1")
    [mail] = await world.received()
    assert (mail.proved, mail.sent_from) == (None, None)


def forged(author: str) -> bytes:
    """A form that Shopify did not send."""
    return re.sub(rb"(?m)^From: .*$", f"From: {author}".encode(), form("To me!", number=2))


@pytest.mark.parametrize(
    "author",
    [
        "<mailer@shopify.com>@evil.example",
        "mailer@shopify.com\nFrom: eve@evil.example",
        "mailer@shopify.com, eve@evil.example",
        "Shopify: mailer@shopify.com, eve@evil.example;",
    ],
)
async def test_a_form_that_passes_dmarc_of_another_domain_is_set_aside_unread(
    world: World, author: str
) -> None:
    await world.receive(form(), "ses1")
    await world.receive(forged(author), "ses2", spf="PASS", dkim="PASS", dmarc="PASS")
    assert await world.types() == [STARTED, ["set_aside"]]
    [aside] = await world.asides()
    assert (aside.reason, aside.proved) == ("unsigned_form", False)
    assert "Country Code" in aside.text


@pytest.mark.parametrize(
    "author",
    [
        "eve@evil.example (Acorn <mailer@shopify.com>)",
        '"mailer@shopify.com" <eve@evil.example>',
        '"mailer@shopify.com <eve@evil.example>',
        "mailer@shopify.com <eve@evil.example>",
    ],
)
async def test_a_form_of_another_author_is_their_mail_and_no_form(
    world: World, author: str
) -> None:
    await world.receive(form(), "ses1")
    await world.receive(forged(author), "ses2", spf="PASS", dkim="PASS", dmarc="PASS")
    assert await world.types() == [STARTED, STARTED], "a form would join the first conversation"
    [_, mail] = await world.received()
    assert (mail.sent_from, mail.proved) == ("eve@evil.example", False)
    assert "Country Code" in mail.text


async def test_a_form_with_another_address_of_a_person_takes_no_answers(world: World) -> None:
    await world.receive(form(), "ses1")
    # An account that had the address of who wrote, and has another one now.
    for address in (ADA, WORK):
        await world.parts.persons.resolve(SHOP, shopify_id=9, address=address)
        world.later(days=1)
    await world.receive(form("To me, please", sender=WORK, number=2), "ses2")
    assert await world.types() == [STARTED, ["message_received"]]
    assert (await world.conversation()).address == ADA


async def test_who_wants_answers_elsewhere_is_not_proved_to_be_there(world: World) -> None:
    raw = plain("Hello", sender="mallory@evil.example", Reply_To=f"Ada <{ADA}>")
    await world.receive(raw, "ses1")
    [mail] = await world.received()
    assert (mail.from_address, mail.proved) == (ADA, False)
    assert mail.sent_from == "mallory@evil.example"


async def test_a_stranger_with_the_token_gets_no_answers_before_the_merchant_says_so(
    world: World,
) -> None:
    await world.receive(plain("Late?", message_id="<1@shopper.example>"), "ses1")
    await world.receive(plain("From work", sender=WORK), "ses2", await world.token_address())
    conversation = await world.conversation()
    assert (conversation.address, conversation.last_message_id) == (ADA, "1@shopper.example")
    [_, other] = await world.received()
    await answering.answer_to(
        SHOP,
        conversation.conversation_id,
        message_id=other.message_id,
        key="k" * 26,
        actor=Actor("merchant", "ada"),
        source="dashboard",
        use=Conversations(world.recorder, world.parts.clock),
    )
    await world.answer()
    moved = await world.conversation()
    assert (moved.address, moved.last_message_id) == (WORK, "plain@shopper.example")
    # Whom the merchant chose stays chosen, whoever else names the conversation's mails.
    third = plain("Me too", sender="eve@evil.example", References="<1@shopper.example>")
    await world.receive(third, "ses3")
    assert (await world.conversation()).address == WORK


@pytest.mark.parametrize(("dmarc", "address"), [("PASS", WORK), ("FAIL", ADA)])
async def test_only_a_proved_second_address_of_the_same_person_takes_the_answers_over(
    world: World, dmarc: str, address: str
) -> None:
    await world.receive(plain("Late?", message_id="<1@shopper.example>"), "ses1")
    persons = world.parts.persons
    one, other = [await persons.resolve(SHOP, address=one) for one in (ADA, WORK)]
    assert one is not None
    assert other is not None
    await persons.join(SHOP, one.person, other.person)
    second = plain("From work", sender=WORK, References="<1@shopper.example>")
    await world.receive(second, "ses2", dmarc=dmarc)
    assert (await world.conversation()).address == address


async def test_a_token_ends_some_time_after_the_last_message(world: World) -> None:
    await world.receive(plain("Late?", message_id="<1@shopper.example>"), "ses1")
    address = await world.token_address()
    world.later(days=180)
    await world.receive(plain("Still late", message_id="<2@shopper.example>"), "ses2", address)
    assert await world.types() == [STARTED, ["message_received"]]
    world.now += timedelta(days=180, seconds=1)
    named = plain("And now?", message_id="<3@shopper.example>", References="<2@shopper.example>")
    await world.receive(named, "ses3", address)
    assert (await world.types())[2:] == [["message_received"]]
    world.now += timedelta(days=180, seconds=1)
    await world.receive(plain("Hello", message_id="<4@shopper.example>"), "ses4", address)
    assert (await world.types())[3:] == [STARTED]


async def test_a_marker_in_nothing_but_html_brings_an_answer_home(world: World) -> None:
    await world.receive(form(), "ses1")
    secret = world.parts.settings.secret("application_secret")
    token = conversation_token(SHOP, (await world.conversation()).conversation_id, secret)
    head = f"From: Ada <{ADA}>\r\nTo: acorn@{DOMAIN}\r\nSubject: Re: Sizes\r\nMIME-Version: 1.0\r\n"
    html = f"<p>Thanks</p><blockquote>##- Reply above this line [{token}] -##<br>Yes</blockquote>"
    raw = (
        f"{head}Message-ID: <2@shopper.example>\r\n"
        "Content-Type: multipart/alternative; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nThanks\r\n"
        f"--b\r\nContent-Type: text/html\r\n\r\n{html}\r\n--b--\r\n"
    )
    await world.receive(raw.encode(), "ses2")
    assert await world.types() == [STARTED, ["message_received"]]


def odd(*headers: str) -> bytes:
    """A mail with these headers and no other that names a sender."""
    return "\r\n".join([*headers, "Subject: Lamp", "", "The lamp is broken."]).encode()


@pytest.mark.parametrize(
    ("raw", "address", "name"),
    [
        (odd("From: ", "Sender: ann@example.com"), "ann@example.com", None),
        (odd("From: undisclosed", "Return-Path: <ann@example.com>"), "ann@example.com", None),
        (odd("From: ", "Reply-To: Ann <ann@example.com>"), "ann@example.com", "Ann"),
        (odd("Date: Mon, 02 Nov 2026 10:00:00 +0100"), None, None),
        (odd("From: Jörg <jörg@example.com>"), None, "Jörg"),
        (odd("From: ", f"Sender: acorn@elsewhere.{DOMAIN}x"), f"acorn@elsewhere.{DOMAIN}x", None),
    ],
)
async def test_a_mail_without_a_usable_author_is_shown(
    world: World, raw: bytes, address: str | None, name: str | None
) -> None:
    await world.receive(raw, "ses1")
    [mail] = await world.received()
    assert (mail.text, mail.from_address, mail.proved) == ("The lamp is broken.", address, False)
    if name:
        assert mail.from_name == name
    assert (await world.conversation()).address == (address or "")


async def test_an_unknown_sender_joins_a_conversation_and_gets_no_answers(world: World) -> None:
    await world.receive(plain("Late?", message_id="<1@shopper.example>"), "ses1")
    await world.receive(odd("In-Reply-To: <1@shopper.example>"), "ses2")
    assert await world.types() == [STARTED, ["message_received"]]
    first, second = await world.received()
    assert (second.person, second.from_address) == (first.person, None)
    assert (await world.conversation()).address == ADA
