"""Mail to a conversation that the merchant marked as spam."""

from __future__ import annotations

from dataclasses import replace

from cplus.actors import merchant
from cplus.commands.allowances import used
from cplus.commands.conversations.spam import mark_spam, unmark_spam
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.ids import random_id
from tests.integration.mail_world import SHOP, World, form, plain

STARTED = ["started", "message_received"]


async def say(world: World, talk: Conversation, *, spam: bool) -> None:
    use = replace(world.parts.conversations, recorder=world.recorder)
    decide = mark_spam if spam else unmark_spam
    who = merchant("ada")
    key = random_id()
    await decide(SHOP, talk.conversation_id, key=key, actor=who, source="dashboard", use=use)


async def test_an_answer_stays_spam_and_opens_nothing_until_it_is_unmarked(world: World) -> None:
    await world.receive(plain("Buy now"), "ses1")
    talk = await world.conversation()
    await world.recorder.decide(
        Conversation,
        SHOP,
        talk.id,
        lambda one: one.close(now=world.now),
        claim="close",
        source="dashboard",
        actor="merchant",
    )
    await say(world, talk, spam=True)
    token = await world.token_address()
    await world.receive(plain("Well?", message_id="<2@shopper.example>"), "ses2", token)
    assert (await world.types())[-1] == ["message_received"]
    now = await world.conversation()
    assert (now.spam, now.open) == (True, False)
    await say(world, talk, spam=False)
    assert (await world.types())[-1] == ["unmarked_spam", "reopened"]


async def test_a_form_never_joins_spam_for_anybody_can_write_any_address_into_it(
    world: World,
) -> None:
    await world.receive(form("Buy now"), "ses1")
    await say(world, await world.conversation(), spam=True)
    await world.receive(form("Where is my order?", number=2), "ses2")
    assert await world.types() == [STARTED, ["marked_spam"], STARTED]
    assert await used(world.parts.store, SHOP, "2026-11") == 1


async def test_neither_spam_nor_mail_in_the_quarantine_takes_a_place(
    world: World,
) -> None:
    await world.receive(plain("Is it blue?"), "ses1")
    talk, store = await world.conversation(), world.parts.store
    assert await used(store, SHOP, "2026-11") == 1
    await say(world, talk, spam=True)
    await world.receive(plain("Buy", message_id="<2@shopper.example>"), "ses2", spam="FAIL")
    assert await used(store, SHOP, "2026-11") == 0
    await say(world, talk, spam=False)
    await say(world, talk, spam=False)
    assert await used(store, SHOP, "2026-11") == 1
