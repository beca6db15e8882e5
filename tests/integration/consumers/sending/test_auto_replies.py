"""A shop answers by itself whoever wrote, rarely, and never a machine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cplus.consumers.reactions.auto_replies import AUTO_REPLIES
from cplus.consumers.sending.auto_replying import FRESH
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.base import NewEvent
from cplus.events.catalogue.conversations import AutoReplied
from cplus.events.catalogue.shops import AppUninstalled
from cplus.events.log.commit import Draft
from cplus.events.names import shop_stream
from cplus.ids import random_id
from cplus.privacy.erasing import ask, erase
from tests.integration.consumers.sending.answering import SUNDAY, Answering
from tests.integration.crashing import Died, dies_at
from tests.integration.mail_world import DOMAIN, SHOP, form, plain


async def test_a_mail_outside_of_hours_is_answered_once_in_its_thread_as_an_automatic_reply(
    answering: Answering,
) -> None:
    await answering.switch_on()
    await answering.write(message_id="<first@a.example>")
    for _ in range(2):
        await answering.react()
    [reply] = await answering.replies()
    assert reply.text == "Hello Ada, acorn is closed until Monday, 2 November at 09:00."
    assert (reply.kind, reply.to_address) == ("away", answering.ann)
    assert await answering.send() == ["sent"]
    assert await answering.send() == ["sent"], "sent once"
    [mail] = await answering.mails()
    assert mail["subject"] == "Re: Sizes"
    headers = await answering.headers(mail)
    assert headers["Auto-Submitted"] == "auto-replied"
    assert headers["X-Auto-Response-Suppress"] == "All"
    assert headers["Precedence"] == "auto_reply"
    assert headers["In-Reply-To"] == "<first@a.example>"
    conversation = await answering.world.conversation()
    assert conversation.open
    assert conversation.auto_replied


async def test_an_acknowledgement_answers_the_first_message_of_a_conversation_and_a_form(
    answering: Answering,
) -> None:
    await answering.switch_on(
        away=False, acknowledge=True, acknowledge_text="Got it, {name}. {shop}"
    )
    await answering.world.receive(form(sender=answering.ann), "f1")
    await answering.react()
    [reply] = await answering.replies()
    assert (reply.kind, reply.text) == ("acknowledgement", "Got it, Ada. acorn")
    answering.world.later(days=2)
    await answering.write("And in red?", await answering.world.token_address())
    await answering.react()
    assert len(await answering.replies()) == 1


async def test_within_hours_nothing_is_answered_as_long_as_only_that_is_on(
    answering: Answering,
) -> None:
    await answering.switch_on()
    answering.world.now = SUNDAY + timedelta(days=1)  # noon on Monday
    await answering.write()
    await answering.react()
    assert await answering.replies() == []


MACHINES: dict[str, dict[str, str]] = {
    "out of office": {"Auto_Submitted": "auto-replied"},
    "a report": {"Auto_Submitted": "auto-generated"},
    "a list": {"List_Id": "<talk.lists.example>"},
    "a newsletter": {"List_Unsubscribe": "<https://a.example/u>"},
    "in bulk": {"Precedence": "bulk"},
    "the wish for none": {"X_Auto_Response_Suppress": "DR, OOF, AutoReply"},
    "a loop before": {"X_Loop": "support@a.example"},
    "the null sender": {"Return_Path": "<>"},
    "no-reply": {"sender": "no-reply@a.example"},
    "a daemon": {"sender": "mailer-daemon@a.example"},
    "the owner of a list": {"sender": "owner-talk@lists.example"},
    "a newsletter's sender": {"sender": "newsletter@a.example"},
    "answers to nobody": {"Reply_To": "noreply@a.example"},
    "our own": {"sender": f"birch@{DOMAIN}"},
}


@pytest.mark.parametrize("headers", MACHINES.values(), ids=MACHINES)
async def test_no_machine_is_answered(answering: Answering, headers: dict[str, str]) -> None:
    await answering.switch_on(acknowledge=True, acknowledge_text="Got it")
    await answering.write(**headers)
    await answering.react()
    assert await answering.replies() == []


async def test_whoever_may_not_have_written_is_not_answered(answering: Answering) -> None:
    await answering.switch_on()
    raw = plain("Buy this", sender=answering.ann)
    await answering.world.receive(raw, "unproved", dmarc="FAIL", dkim="FAIL", spf="FAIL")
    await answering.world.receive(plain("Buy!", sender=answering.ann), "spam", spam="FAIL")
    at_shop = f"acorn@{DOMAIN}"
    await answering.world.receive(form(sender=at_shop), "typed")
    await answering.react()
    assert await answering.replies() == []


async def test_nothing_old_is_answered_and_nothing_from_before_it_was_switched_on(
    answering: Answering,
) -> None:
    await answering.write("Before")
    answering.world.later(minutes=1)
    await answering.switch_on()
    await answering.react()
    assert await answering.replies() == [], "switching it on answers nothing"
    await answering.write("Old", subject="Other", sender=f"b{answering.ann}")
    answering.world.now += FRESH + timedelta(seconds=1)
    await answering.react()
    assert await answering.replies() == [], "a backlog"
    await answering.write("New", subject="New", sender=f"c{answering.ann}")
    await answering.react()
    assert len(await answering.replies()) == 1
    checkpoints = answering.world.parts.mongo.database["checkpoints"]
    await checkpoints.delete_many({"_id": {"$regex": f"^{AUTO_REPLIES.name}/"}})
    await answering.react()
    assert len(await answering.replies()) == 1, "a replay"


async def test_a_person_gets_one_a_day_and_no_third_that_the_merchant_does_not_answer(
    answering: Answering,
) -> None:
    await answering.switch_on()
    answers = []
    for _day in range(6):
        for part in range(2):
            await answering.write(f"Mail {part}", subject=f"New {random_id()}")
            await answering.react()
        answers.append(len(await answering.replies()))
        answering.world.later(days=1)
        if answering.world.now.weekday() == 0:
            answering.world.later(days=1)
    assert answers == [1, 2, 2, 2, 2, 2]
    last = (await answering.replies())[-1]
    await _merchant_replies(answering, last)
    await answering.write("Thanks", subject="Again")
    await answering.react()
    assert len(await answering.replies()) == 3


async def _merchant_replies(answering: Answering, to: AutoReplied) -> None:
    await answering.world.recorder.decide(
        *(Conversation, SHOP, to.originator_id),
        lambda c: c.reply(
            message_id=random_id(), text="Yes.", author="local", now=answering.world.now
        ),
        claim=random_id(), source="dashboard", actor="merchant/local",
    )  # fmt: skip


async def _removed(answering: Answering) -> None:
    stream, event = shop_stream(SHOP), AppUninstalled()
    new = NewEvent(stream, event, answering.world.now)
    draft = Draft(SHOP, random_id(), "webhook", "shopify", [new], refs=[stream])
    await answering.world.recorder.append([draft])


async def _erased(answering: Answering) -> None:
    [mail] = await answering.world.received()
    await ask(
        answering.world.parts.recorder, SHOP, mail.person,
        erasure="e1", source="cli", actor="operator/x", at=answering.world.now,
    )  # fmt: skip
    await erase(SHOP, "e1", use=answering.world.parts.erasing)


async def _spam(answering: Answering) -> None:
    stream = (await answering.world.conversation()).id
    await answering.world.recorder.decide(
        *(Conversation, SHOP, stream),
        lambda c: c.mark_spam(now=answering.world.now),
        claim=random_id(), source="dashboard", actor="merchant/local",
    )  # fmt: skip


async def _answered(answering: Answering) -> None:
    [reply] = await answering.replies()
    await _merchant_replies(answering, reply)


async def _late(answering: Answering) -> None:
    answering.world.now += FRESH + timedelta(seconds=1)


@pytest.mark.parametrize("happens", [_removed, _erased, _spam], ids=["removed", "erased", "spam"])
async def test_nothing_is_wished_for_that_helps_nobody(
    answering: Answering, happens: Callable[[Answering], Any]
) -> None:
    await answering.switch_on()
    await answering.write()
    await happens(answering)
    await answering.react()
    assert await answering.replies() == []


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (_removed, "the app was removed from the shop before the mail went out"),
        (_erased, "the person was erased"),
        (_spam, "the conversation was marked as spam"),
        (_answered, "the merchant replied first"),
        (_late, "it is too late for an automatic reply"),
    ],
)
async def test_what_happens_before_it_is_sent_keeps_it_from_going(
    answering: Answering, happens: Callable[[Answering], Any], reason: str
) -> None:
    await answering.switch_on()
    await answering.write()
    await answering.react()
    await happens(answering)
    assert await answering.send() == [reason]
    assert await answering.mails() == []


@pytest.mark.parametrize("step", ["auto_reply", "move_checkpoint"])
async def test_whoever_crashes_at_a_step_answers_once_in_the_end(
    answering: Answering, step: str
) -> None:
    await answering.switch_on()
    await answering.write()
    with pytest.raises(Died):
        await answering.react(at_step=dies_at(step, 1))
    await answering.react()
    assert len(await answering.replies()) == 1
