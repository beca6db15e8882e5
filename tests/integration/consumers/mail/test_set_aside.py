"""Mail that starts no conversation by itself: shown apart, and made one if the merchant says so."""

from __future__ import annotations

import asyncio

import pytest

from cplus.actors import merchant
from cplus.commands.conversations.automatic_mail import Made, make_conversation
from cplus.errors import InvalidInput, NotFound
from cplus.events.audit.history import history
from cplus.events.names import started_ref
from tests.integration.mail_world import ADA, DOMAIN, SHOP, START, World, form, plain

ASIDE = ["set_aside"]
TAKEN_UP = ["started", "message_received", "taken_up"]
ACTOR = merchant("ada")
BOUNCE = plain("Your mail was not delivered.", sender="mailer-daemon@mx.example")
ABSENCE = plain("I am away", Auto_Submitted="auto-replied", message_id="<away@shopper.example>")


async def make(world: World, message_id: str) -> Made:
    use = world.parts.conversations
    return await make_conversation(SHOP, message_id, actor=ACTOR, source="dashboard", use=use)


@pytest.mark.parametrize(
    ("raw", "verdicts", "reason"),
    [
        (BOUNCE, {}, "report"),
        (ABSENCE, {}, "autoreply"),
        (plain("Sale!", sender="no-reply@robot.example"), {}, "noreply"),
        (form(), {"spam": "FAIL"}, "spam"),
        (plain("Buy now"), {"spam": "FAIL"}, "spam"),
        (form(), {"dmarc": "FAIL", "dkim": "FAIL"}, "unsigned_form"),
        (plain("Open me"), {"virus": "FAIL", "spam": "FAIL"}, "virus"),
        (form(), {"virus": "FAIL"}, "virus"),
    ],
)
async def test_mail_that_starts_nothing_is_kept_with_its_reason_and_what_it_says(
    world: World, raw: bytes, verdicts: dict[str, str], reason: str
) -> None:
    await world.receive(raw, "ses1", **verdicts)
    assert await world.types() == [ASIDE]
    [aside] = await world.asides()
    assert aside.reason == reason
    assert aside.raw["bucket"] == world.bucket
    assert await world.keys() == [aside.raw["key"]]
    whole = await world.parts.stored_mails.find_set_aside(SHOP, aside.message_id)
    assert whole
    assert whole.mail
    assert whole.mail.subject.encode() in raw
    assert aside.text
    # The form of a mail that Shopify did not sign is not read: its text stays as it came.
    assert ("Country Code" in aside.text) == (reason == "unsigned_form")


async def test_the_same_mail_under_another_id_is_set_aside_once(world: World) -> None:
    await world.receive(ABSENCE, "ses1")
    await world.receive(ABSENCE, "ses2")
    assert await world.types() == [ASIDE, []]


async def test_a_good_copy_of_a_mail_set_aside_is_heard_and_only_once(world: World) -> None:
    raw = plain("Is it blue?")
    await world.receive(raw, "ses1", spam="FAIL")
    for copy in ("ses2", "ses3"):
        await world.receive(raw, copy)
    await world.receive(raw, "ses4", spam="FAIL")
    assert await world.types() == [ASIDE, ["started", "message_received"], [], []]
    # An absence note that came to the shop's address first joins the thread that it answers.
    token = await world.token_address()
    await world.receive(ABSENCE, "ses5")
    await world.receive(ABSENCE, "ses6", token)
    assert (await world.types())[4:] == [ASIDE, ["message_received"]]


async def test_a_mail_with_a_virus_is_taken_up_only_by_who_was_warned(world: World) -> None:
    await world.receive(plain("Open me"), "ses1", virus="FAIL")
    [aside] = await world.asides()
    with pytest.raises(InvalidInput, match="virus"):
        await make(world, aside.message_id)
    assert await world.types() == [ASIDE]
    use = world.parts.conversations
    await make_conversation(
        SHOP, aside.message_id, actor=ACTOR, source="dashboard", use=use, warned=True
    )
    [message] = await world.received()
    assert (message.virus, message.text) == (True, "Open me")


@pytest.mark.parametrize("verdict", ["spam", "virus"])
async def test_a_held_back_answer_is_released_into_the_conversation_that_it_answers(
    world: World, verdict: str
) -> None:
    await world.receive(plain("Is it blue?"), "ses1")
    token = await world.token_address()
    stranger = plain("Yes", sender="sam@shopper.example", message_id="<yes@shopper.example>")
    world.later(days=1)
    await world.receive(stranger, "ses2", token, **{verdict: "FAIL"})
    [aside] = await world.asides()
    began = await world.conversation()
    assert aside.answers == began.conversation_id
    use = world.parts.conversations
    made = await make_conversation(
        SHOP, aside.message_id, actor=ACTOR, source="dashboard", use=use, warned=True
    )
    assert made.conversation_id == began.conversation_id
    assert (await world.types())[-1] == ["message_received", "taken_up"]
    now = await world.conversation()
    assert (now.address, len(now.senders)) == (ADA, 2), "no answers go to who was held back"
    # An answer to what was released finds the conversation too.
    later = plain("And?", message_id="<3@shopper.example>", References="<yes@shopper.example>")
    await world.receive(later, "ses3")
    assert (await world.types())[-1] == ["message_received"]


async def test_a_good_copy_of_a_mail_that_was_taken_up_is_a_repeat(world: World) -> None:
    await world.receive(plain("Is it blue?"), "ses1", spam="FAIL")
    [aside] = await world.asides()
    await make(world, aside.message_id)
    await world.receive(plain("Is it blue?"), "ses2")
    assert await world.types() == [ASIDE, TAKEN_UP, []]


async def test_a_mail_of_which_a_copy_is_in_a_conversation_is_taken_up_as_that_one(
    world: World,
) -> None:
    await world.receive(plain("Is it blue?"), "ses1", spam="FAIL")
    [aside] = await world.asides()
    await world.receive(plain("Is it blue?"), "ses2")
    heard = (await world.conversation()).conversation_id
    made = await make(world, aside.message_id)
    assert made == await make(world, aside.message_id)
    assert made.conversation_id == heard
    assert await world.types() == [ASIDE, ["started", "message_received"], ["taken_up"]]


async def test_a_form_joins_what_began_last_and_not_an_old_mail_that_was_taken_up_since(
    world: World,
) -> None:
    await world.receive(plain("Sale!"), "ses1", spam="FAIL")
    world.later(days=5)
    await world.receive(form("Where is my order?"), "ses2")
    talk = await world.conversation()
    [aside] = await world.asides()
    await make(world, aside.message_id)
    world.later(hours=1)
    await world.receive(form("It is still not here", number=2), "ses3")
    assert talk.id in (await world.commits())[-1].refs


async def test_a_history_says_that_the_customer_wrote_and_the_merchant_took_the_mail_up(
    world: World,
) -> None:
    await world.receive(plain("Is it blue?"), "ses1", spam="FAIL")
    [aside] = await world.asides()
    world.later(days=3)
    made = await make(world, aside.message_id)
    parts = world.parts
    found = await history(parts.store, parts.reader, SHOP, made.conversation_id)
    assert [(one.actor, one.did, one.at) for one in found.entries] == [
        ("merchant/ada", "made a conversation of the mail", world.now),
        ("shopper", "wrote", START),
    ]


async def test_a_mail_is_made_a_conversation_once_however_often_it_is_asked_for(
    world: World,
) -> None:
    await world.receive(plain("Is it blue?"), "ses1", spam="FAIL")
    [aside] = await world.asides()
    world.later(days=3)
    first, second = await asyncio.gather(
        make(world, aside.message_id), make(world, aside.message_id)
    )
    assert first == second == await make(world, aside.message_id)
    assert await world.types() == [ASIDE, TAKEN_UP]
    conversation = await world.conversation()
    assert conversation.conversation_id == first.conversation_id
    assert (conversation.address, conversation.person) == (ADA, aside.person)
    [message] = await world.received()
    assert (message.text, message.automatic) == ("Is it blue?", False)
    assert message.timestamp == START  # it waits since it came
    assert started_ref("2026-11") in (await world.commits())[-1].refs


async def test_answers_find_a_conversation_that_was_made_of_a_mail(world: World) -> None:
    await world.receive(ABSENCE, "ses1")
    [aside] = await world.asides()
    await make(world, aside.message_id)
    by_id = plain("More", message_id="<2@shopper.example>", In_Reply_To="<away@shopper.example>")
    await world.receive(by_id, "ses2")
    token = await world.token_address()
    assert token != f"acorn@{DOMAIN}"
    await world.receive(plain("And more", message_id="<3@shopper.example>"), "ses3", token)
    assert (await world.types())[2:] == [["message_received"]] * 2
    # What the person begins next is their second conversation.
    await world.receive(form("Another question"), "ses4")
    assert (await world.types())[-1] == ["message_received"]


async def test_what_is_no_mail_set_aside_is_not_found(world: World) -> None:
    await world.receive(plain("Hello"), "ses1")
    [message] = await world.received()
    for message_id in (message.message_id, "nothing"):
        with pytest.raises(NotFound, match="no such mail"):
            await make(world, message_id)
    assert await world.types() == [["started", "message_received"]]
