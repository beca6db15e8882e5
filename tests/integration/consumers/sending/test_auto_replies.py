"""A shop answers by itself whoever wrote, rarely, and never a machine or for ever."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from typing import Any

import pytest

from cplus.actors import LOCAL
from cplus.aws import Aws
from cplus.commands.conversations.answering import Conversations
from cplus.commands.mail_settings import set_auto_reply, set_hours
from cplus.consumers.reactions.auto_replies import AUTO_REPLIES
from cplus.consumers.reactions.following import follow
from cplus.consumers.sending.auto_replying import FRESH, AutoReplying, auto_reply
from cplus.events.aggregates.conversation import Conversation
from cplus.events.aggregates.hours import typed_day
from cplus.events.base import NewEvent, Recorded
from cplus.events.catalogue.conversations import AutoReplied, MessageReceived
from cplus.events.catalogue.mail import MailRejected, MailRequested, MailSent
from cplus.events.catalogue.shops import AppUninstalled
from cplus.events.log.commit import Commit, Draft
from cplus.events.names import conversation_stream, message_ref, person, shop_stream
from cplus.ids import random_id
from cplus.mail import shop_address
from cplus.privacy.erasing import ask, erase
from tests.conftest import Figures
from tests.integration.crashing import Died, dies_at
from tests.integration.intake import failures, record
from tests.integration.mail_world import DOMAIN, SHOP, World, form, plain
from tests.plain_http import plain_http

OTHER = "birch.myshopify.com"
SUNDAY = datetime(2026, 11, 1, 12, tzinfo=UTC)
"""On which the shop is closed, as on every day but Monday."""


@dataclass
class Answering:
    """A world of mail in which shops answer by themselves."""

    world: World
    ann: str
    """An address to which no other test sends."""
    number: int = 0

    async def switch_on(self, shop: str = SHOP, **changed: Any) -> None:
        """The merchant sets hours, and what the shop answers outside of them."""
        p = self.world.parts
        doing: dict[str, Any] = {
            "source": "dashboard",
            "actor": LOCAL,
            "use": Conversations(self.world.recorder, p.clock),
        }
        week = [typed_day("9-17", "Monday"), *[()] * 6]
        await set_hours(shop, week, [], key=random_id(26), **doing)
        usual = {
            "away": True,
            "away_text": "Hello {name}, {shop} is closed until {next_opening}.",
            "acknowledge": False,
            "acknowledge_text": "",
        }
        await set_auto_reply(shop, **{**usual, **changed}, key=random_id(26), **doing)

    async def write(self, text: str = "Is it blue?", *to: str, **headers: str) -> None:
        """Ann writes a mail, which comes in."""
        self.number += 1
        headers = {"sender": self.ann, "message_id": f"<{random_id()}@a.example>", **headers}
        await self.world.receive(plain(text, **headers), random_id(), *to)

    def use(self, **others: Any) -> AutoReplying:
        p = self.world.parts
        made = AutoReplying(self.world.recorder, p.all_ids, DOMAIN, p.clock)
        return replace(made, **others)

    async def react(self, shop: str = SHOP, **others: Any) -> None:
        """The reaction follows the log."""
        answers = partial(auto_reply, use=self.use())
        reactor = replace(self.world.parts.reactor, auto_reply=answers, **others)
        await follow(AUTO_REPLIES, shop, reactor)

    async def replies(self, shop: str = SHOP) -> list[AutoReplied]:
        """What the shop answered by itself, by its log."""
        read = await self.world.parts.reader.read(await self.world.commits(shop), [AutoReplied])
        return [
            one.event for events in read for one in events if isinstance(one.event, AutoReplied)
        ]

    async def send(self, shop: str = SHOP) -> list[str]:
        """`outbound-email` takes every mail that is wished for; answers what became of each."""
        reader = self.world.parts.reader
        read = await reader.read(await self.world.commits(shop), [MailRequested])
        wishes = [one.event for events in read for one in events]
        for wish in wishes:
            assert isinstance(wish, MailRequested)
            message = record({"shop": shop, "message_id": wish.message_id}, wish.message_id)
            assert await failures(self.world.outbound().handle_all, message) == {}
        fates = await reader.read(await self.world.commits(shop), [MailSent, MailRejected])
        return [getattr(one.event, "reason", "sent") for events in fates for one in events]

    async def headers(self, mail: Mapping[str, Any]) -> EmailMessage:
        """The mail as it left."""
        async with plain_http() as http:
            found = await http.get(f"{self.world.endpoint}/_mailbox/{mail['message_id']}.eml")
        return message_from_bytes(found.content, policy=policy.default)

    async def mails(self, address: str = "") -> list[dict[str, Any]]:
        """What came to Ann, or to somebody else."""
        wanted = address or self.ann
        return [mail for mail in await self.world.mailbox() if wanted in mail["recipients"]]


@pytest.fixture
async def answering(
    mongo_uri: str, database: str, aws_endpoint: str, aws: Aws
) -> AsyncIterator[Answering]:
    made = await World.make(mongo_uri, database, aws_endpoint, aws)
    made.now = SUNDAY
    yield Answering(made, f"{random_id(12)}@shopper.example")
    await made.close()


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


async def test_many_strangers_at_once_get_a_bounded_number_in_an_hour(
    answering: Answering,
) -> None:
    await answering.switch_on()
    use = answering.use(in_an_hour=5)
    for number in range(12):
        await _told(answering, use, f"s{number}@shopper.example", person(f"s{number}"))
    assert len(await answering.replies()) == 5
    answering.world.later(hours=1)
    await _told(answering, use, "later@shopper.example", person("later"))
    assert len(await answering.replies()) == 6


async def _told(answering: Answering, use: AutoReplying, address: str, who: str) -> None:
    """A mail begins a conversation, as it is recorded when it comes, and is looked at."""
    stream, message, now = conversation_stream(random_id()), random_id(), answering.world.now

    def begin(c: Conversation) -> None:
        c.start(person=who, channel="email", subject=f"Ticket {random_id()}", now=now)
        c.receive(
            now=now, message_id=message, person=who, from_name=None, from_address=address,
            subject="A", text="B", rfc_message_id=None, proved=True, answerable=True,
        )  # fmt: skip

    outcome = await answering.world.recorder.decide(
        *(Conversation, SHOP, stream), begin, claim=random_id(), source="mail", actor="shopper",
        refs=[who, message_ref(message)],
    )  # fmt: skip
    assert outcome is not None
    commit, received = await _read(answering, outcome.position)
    await auto_reply(commit, received, use=use)


async def _read(answering: Answering, position: int) -> tuple[Commit, Recorded]:
    [commit] = await answering.world.parts.store.read(SHOP, position - 1, limit=1)
    [received] = await answering.world.parts.reader.of(commit, MessageReceived)
    return commit, received


async def _answers_everything(answering: Answering, rounds: int) -> None:
    """Each round the responder writes a new text under a new subject, in a new conversation, as a
    program does that keeps no header of what it answers; a day later, so that no day stands in its
    way."""
    await answering.switch_on(acknowledge=True, acknowledge_text="Got it")
    use = answering.use()
    for _round in range(rounds):
        await _told(answering, use, answering.ann, person("bot"))
        answering.world.later(days=1)
    assert len(await answering.replies()) == 2


async def test_a_responder_that_marks_nothing_and_answers_everything_gets_two_mails(
    answering: Answering,
) -> None:
    await _answers_everything(answering, 40)


@pytest.mark.soak
async def test_a_responder_that_marks_nothing_gets_two_mails_in_1000_rounds(
    answering: Answering, figures: Figures
) -> None:
    """A foreign program answers everything with a new text under a new subject, in a new
    conversation each day, and nothing marks its mail: of 1,000 rounds two are answered."""
    await _answers_everything(answering, 1_000)
    figures(rounds=1_000, mails=2)


async def _in_one_thread(answering: Answering, rounds: int) -> None:
    await answering.switch_on(acknowledge=True, acknowledge_text="Got it")
    await answering.write("Ticket 0")
    await answering.react()
    assert await answering.send() == ["sent"]
    address = await answering.world.token_address()
    for number in range(rounds):
        answering.world.later(hours=1)
        await answering.write(f"Ticket {number} was updated", address, subject=f"[{number}] Hi")
        await answering.react()
    assert await answering.send() == ["sent"]
    assert len(await answering.mails()) == 1


async def test_a_responder_in_one_thread_gets_one_mail(answering: Answering) -> None:
    await _in_one_thread(answering, 15)


@pytest.mark.soak
async def test_a_responder_in_one_thread_gets_one_mail_in_1000_rounds(
    answering: Answering, figures: Figures
) -> None:
    """A foreign program answers our automatic reply, and itself, in one conversation for weeks; the
    mails come in as any others do: of 1,000 rounds one is answered."""
    await _in_one_thread(answering, 1_000)
    figures(rounds=1_000, mails=1)


MARKS = ("Auto-Submitted", "Precedence", "X-Auto-Response-Suppress", "Reply-To")


async def _two_shops(answering: Answering, rounds: int, stripped: Sequence[str] = ()) -> int:
    """Bea forwards what she gets of one shop to the other: as it is, or in her own name, under a
    new subject and without what marks it. Answers how many mails left."""
    world = answering.world
    await world.install(OTHER)
    for shop in (SHOP, OTHER):
        await answering.switch_on(shop, acknowledge=True, acknowledge_text="Got it")
    bea = f"bea-{answering.ann}"
    ways = {SHOP: shop_address(OTHER, DOMAIN), OTHER: shop_address(SHOP, DOMAIN)}
    await answering.write("Hello", sender=bea)
    for number in range(rounds):
        for shop in (SHOP, OTHER):
            await answering.react(shop)
            if number < 3:
                await answering.send(shop)
            mail = (await answering.mails(bea))[-1]
            raw, sender = (
                await answering.headers(mail),
                SHOP if "acorn" in mail["source"] else OTHER,
            )
            for name in stripped:
                del raw[name]
            if stripped:
                raw.replace_header("From", bea)
                raw.replace_header("Message-ID", f"<{random_id()}@a.example>")
                raw.replace_header("Subject", f"Round {number}")
            await world.receive(raw.as_bytes(), random_id(), ways[sender])
        world.later(hours=1)
    for shop in (SHOP, OTHER):
        await answering.send(shop)
    return len(await answering.mails(bea))


async def test_two_shops_of_ours_never_answer_each_other(answering: Answering) -> None:
    assert await _two_shops(answering, 3) == 1


async def test_two_shops_whose_mail_somebody_forwards_in_their_own_name_send_two_mails(
    answering: Answering,
) -> None:
    assert await _two_shops(answering, 3, MARKS) == 2


@pytest.mark.soak
async def test_two_shops_of_ours_never_answer_each_other_in_1000_rounds(
    answering: Answering, figures: Figures
) -> None:
    """Two shops of the app answer by themselves, and somebody forwards each automatic reply of one
    to the other, in their own name and without what marks it: of 1,000 rounds two mails leave."""
    assert await _two_shops(answering, 1_000, MARKS) == 2
    figures(rounds=1_000, mails=2)
