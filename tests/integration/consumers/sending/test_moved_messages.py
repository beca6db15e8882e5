"""Mailboxes hear of a message where it stands, and what the merchant answers goes there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from email.message import EmailMessage

import pytest

from cplus.actors import MERCHANT
from cplus.aws import Aws
from cplus.commands.conversations.answering import reply
from cplus.commands.conversations.moving import Asked, move, split
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.names import conversation_stream
from cplus.mail.mailbox_tokens import mailbox_address
from tests.integration.consumers.sending.told_mailboxes import OWNER, Told
from tests.integration.mail_world import ADA, DOMAIN, SHOP, World, plain


@pytest.fixture
async def told(mongo_uri: str, database: str, aws_endpoint: str, aws: Aws) -> AsyncIterator[Told]:
    made = await World.make(mongo_uri, database, aws_endpoint, aws)
    yield Told(made)
    await made.close()


def asked(told: Told, key: str = "key1") -> Asked:
    return Asked(key, MERCHANT, "dashboard", told.use)


async def two_messages(told: Told) -> tuple[str, str, str]:
    """The conversation of two messages that Ada wrote, and both of them."""
    await told.world.receive(plain("In blue?"), "ses1")
    await told.react()  # of two that it has before it, either may be told of first
    told.world.later(minutes=1)
    more = plain("Or red?", message_id="<2@shopper.example>", References="<plain@shopper.example>")
    await told.world.receive(more, "ses2")
    await told.react()
    talk = await told.world.conversation()
    first, second = [one.message_id for one in talk.thread.lines]
    return talk.conversation_id, first, second


async def talk_of(told: Told, talk: str) -> Conversation:
    found: Conversation = await told.world.recorder.load(
        Conversation, SHOP, conversation_stream(talk)
    )
    return found


async def answers(told: Told, talk: str) -> None:
    await reply(
        SHOP, talk, text="Yes.", key=f"reply-{talk}", actor=MERCHANT, source="dashboard",
        use=told.use,
    )  # fmt: skip


async def replies(told: Told) -> list[str]:
    read = await told.world.parts.reader.read(await told.world.commits(), [ReplyWritten])
    return [one.stream for commit in read for one in commit]


async def test_what_nobody_answered_is_told_of_where_it_was_split_off_to(told: Told) -> None:
    await told.on(notify="unanswered", minutes=30)
    talk, _, second = await two_messages(told)
    _, new = await split(SHOP, talk, second, asked=asked(told))
    await answers(told, talk)
    await told.react()
    for _ in range(2):
        told.world.later(minutes=31)
        await told.sweep()
    [wish] = await told.wishes()
    assert (wish.about["conversation"], wish.about["message"]) == (new, second)
    # What does not wait any more is not due anew.
    await answers(told, new)
    await move(SHOP, new, second, talk, asked=asked(told, "key2"))
    await told.react()
    told.world.later(minutes=31)
    await told.sweep()
    assert len(await told.wishes()) == 1


async def test_what_was_held_is_told_of_in_the_next_hour_where_it_stands(told: Told) -> None:
    told.news = replace(told.news, in_an_hour=1)
    await told.on(notify="each")
    talk, first, second = await two_messages(told)
    _, new = await split(SHOP, talk, second, asked=asked(told))
    await told.react()
    told.world.later(minutes=61)
    await told.sweep()
    about = [(one.about["conversation"], one.about["message"]) for one in await told.wishes()]
    assert about == [(talk, first), (new, second)]


@pytest.mark.parametrize("programs", ["quote the id", "know no ids"])
async def test_an_answer_to_a_notification_goes_where_its_message_stands(
    told: Told, programs: str
) -> None:
    mailbox = await told.on(notify="each")
    talk, _, second = await two_messages(told)
    [first_wish, second_wish] = await told.wishes()
    mail, earlier = await told.mail(second_wish), await told.mail(first_wish)
    _, new = await split(SHOP, talk, second, asked=asked(told))

    def answer(to: EmailMessage, words: str) -> bytes:
        secret = told.world.parts.settings.secret("application_secret")
        made = EmailMessage()
        made["From"], made["Subject"], made["To"] = OWNER, "Re: Lamp", to["From"]
        assert mailbox_address(SHOP, talk, mailbox, secret, DOMAIN) in str(to["From"])
        made["Message-ID"] = f"<{words.split(maxsplit=1)[0].lower()}@acorn.example>"
        if programs == "quote the id":
            made["References"] = f"{to['References']} <n2@eu-west-1.amazonses.com>"
        made.set_content(words)
        return made.as_bytes()

    address = mailbox_address(
        SHOP, talk, mailbox, told.world.parts.settings.secret("application_secret"), DOMAIN
    )
    await told.world.receive(answer(mail, "Red too."), "answer1", address)
    knows = programs == "quote the id"
    stream = conversation_stream(new if knows else talk)
    assert await replies(told) == [stream]
    assert (await talk_of(told, new)).awaited is not knows
    assert (await talk_of(told, talk)).awaited is knows
    # An answer to what stayed goes where that is.
    await told.world.receive(answer(earlier, "Blue, yes."), "answer2", address)
    assert (await replies(told))[1:] == [conversation_stream(talk)]


async def test_an_answer_goes_to_nobody_else_than_the_mail_said_also_after_a_move(
    told: Told,
) -> None:
    mailbox = await told.on(notify="each")
    talk, _, second = await two_messages(told)
    wish = (await told.wishes())[-1]
    mail = await told.mail(wish)
    bob = plain("I am Bob.", sender="bob@other.example", message_id="<b@other.example>")
    await told.world.receive(bob, "b1")
    other = (await told.world.received())[-1].originator_id.removeprefix("conversation/")
    await move(SHOP, talk, second, other, asked=asked(told))
    goes_to_bob = (await talk_of(told, other)).address != ADA
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = OWNER, "x@example.com", "Re: Lamp"
    made["Message-ID"], made["References"] = "<a@acorn.example>", str(mail["References"])
    made.set_content("Dear Ada, yes.")
    address = mailbox_address(
        SHOP, talk, mailbox, told.world.parts.settings.secret("application_secret"), DOMAIN
    )
    await told.world.receive(made.as_bytes(), "answer1", address)
    assert goes_to_bob
    assert await replies(told) == []
