"""What a reply quotes, and what stands below it, by the shop's log when it is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC
from typing import Any

import pytest

from cplus.aws import Aws
from cplus.consumers.sending.history import history
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.aggregates.settings import ShopSettings
from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.names import settings_stream
from cplus.ids import random_id
from tests.integration.intake import failures, record
from tests.integration.mail_world import SHOP, World, form, plain


@pytest.fixture
def shopper() -> str:
    """An address to which no other test sends: they share the mailbox."""
    return f"{random_id(12)}@shopper.example"


@pytest.fixture
async def world(
    mongo_uri: str, database: str, aws_endpoint: str, aws: Aws, shopper: str
) -> AsyncIterator[World]:
    made = await World.make(mongo_uri, database, aws_endpoint, aws)
    await made.receive(form("Do you have it in blue?", sender=shopper), "ses1")
    yield made
    await made.close()


async def sent(world: World, shopper: str, message_id: str) -> dict[str, Any]:
    """The mail that went out for it."""
    theirs = [mail for mail in await world.mailbox() if shopper in mail["recipients"]]
    [found] = [mail for mail in theirs if mail["tags"]["cplus-message"] == message_id]
    return found


async def replied(world: World, shopper: str, message_id: str, text: str) -> str:
    """Answers and sends it; the text of the mail that the shopper got."""
    world.later(hours=1)
    await world.answer(message_id, text)
    sending = record({"shop": SHOP, "message_id": message_id}, message_id)
    assert await failures(world.outbound().handle_all, sending) == {}
    return str((await sent(world, shopper, message_id))["text"])


def without_token(text: str) -> str:
    return text.replace("\r\n", "\n").rpartition("[ref:cplus:")[0].rstrip()


async def received(world: World, text: str, ses_id: str, sender: str) -> None:
    world.later(hours=1)
    back = plain(text, sender=sender, message_id=f"<{ses_id}@shopper.example>")
    await world.receive(back, ses_id, await world.token_address())


async def test_a_reply_quotes_what_its_reader_wrote_and_was_sent_newest_first(
    world: World, shopper: str
) -> None:
    first = await replied(world, shopper, "r1", "Yes, in blue.")
    assert without_token(first) == (
        "Yes, in blue.\n\nOn Sun, 1 Nov 2026 at 12:00, Ada wrote:\n> Do you have it in blue?"
    )
    await received(world, "Then two of them.", "ses2", shopper)
    second = await replied(world, shopper, "r2", "They are on their way.")
    assert without_token(second) == (
        "They are on their way.\n"
        "\n"
        "On Sun, 1 Nov 2026 at 14:00, Ada wrote:\n"
        "> Then two of them.\n"
        "\n"
        "On Sun, 1 Nov 2026 at 13:00, acorn wrote:\n"
        "> Yes, in blue.\n"
        "\n"
        "On Sun, 1 Nov 2026 at 12:00, Ada wrote:\n"
        "> Do you have it in blue?"
    )


async def test_nobody_is_shown_the_words_of_somebody_else(world: World, shopper: str) -> None:
    await received(world, "I am a stranger with the link.", "ses2", f"other.{shopper}")
    text = await replied(world, shopper, "r1", "Yes.")
    assert "stranger" not in text
    assert "> Do you have it in blue?" in text


async def test_what_did_not_go_out_and_what_came_back_is_not_quoted(
    world: World, shopper: str
) -> None:
    await world.answer("never", "This one waits.")
    await replied(world, shopper, "back", "This one comes back.")
    detail = {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": shopper}]}
    tags = {"cplus-shop": ["acorn"], "cplus-message": ["back"]}
    told = {
        "eventType": "Bounce",
        "mail": {"messageId": "s", "timestamp": "2026-11-01T13:00:00Z", "tags": tags},
        "bounce": {**detail, "feedbackId": "f1", "timestamp": "2026-11-01T13:00:00Z"},
    }
    assert await failures(world.email_events.handle_all, record(told, "bounce")) == {}
    # No mail goes to this address any more, so what one would quote is asked for directly.
    read = await world.parts.reader.read(await world.commits(), [ReplyWritten])
    [_, [written]] = filter(None, read)
    assert isinstance(written.event, ReplyWritten)
    wish = written.event.model_copy(update={"message_id": "r1"})
    quoted = await history(SHOP, wish, world.recorder, shop_name="Acorn", zone=UTC)
    assert [one.text for one in quoted] == ["Do you have it in blue?"]


async def test_what_came_after_the_reply_was_written_is_not_quoted(
    world: World, shopper: str
) -> None:
    world.later(hours=1)
    await world.answer("r1", "Yes.")
    await received(world, "Never mind.", "ses2", shopper)
    sending = record({"shop": SHOP, "message_id": "r1"}, "r1")
    assert await failures(world.outbound().handle_all, sending) == {}
    assert "Never mind" not in (await sent(world, shopper, "r1"))["text"]


async def test_the_signature_of_the_shop_stands_below_the_words(world: World, shopper: str) -> None:
    person = f"person/{random_id()}"
    await world.recorder.decide(
        ShopSettings,
        SHOP,
        settings_stream(SHOP),
        lambda s: s.set_signature(text="Sam\nAcorn", user=None, person=person, now=world.now),
        claim="command/signature",
        source="dashboard",
        actor="merchant",
        refs=[],
    )
    text = await replied(world, shopper, "r1", "Yes.")
    assert without_token(text).startswith("Yes.\n\n-- \nSam\nAcorn\n\nOn Sun, 1 Nov")


async def test_a_copy_goes_to_everybody_and_a_blind_one_is_seen_by_nobody(
    world: World, shopper: str
) -> None:
    cc, bcc = f"cc.{shopper}", f"bcc.{shopper}"
    [received] = await world.received()

    def reply(conversation: Conversation) -> None:
        conversation.trigger_event(
            ReplyWritten,
            message_id="r1",
            person=received.person,
            to_address=shopper,
            subject="Blue",
            text="Yes.",
            author="merchant",
            cc=(cc,),
            bcc=(bcc,),
            timestamp=world.now,
        )

    conversation = await world.conversation()
    await world.recorder.decide(
        Conversation, SHOP, conversation.id, reply,
        claim="reply/r1", source="dashboard", actor="merchant", refs=["message/r1"],
    )  # fmt: skip
    sending = record({"shop": SHOP, "message_id": "r1"}, "r1")
    assert await failures(world.outbound().handle_all, sending) == {}
    mail = await sent(world, shopper, "r1")
    assert sorted(mail["recipients"]) == sorted([shopper, cc, bcc])
    assert bcc not in str({**mail, "recipients": []})
