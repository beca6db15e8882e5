"""Answers go out once, whatever dies in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from cplus.actors import merchant
from cplus.aws import Aws, MailNotTaken
from cplus.bootstrap import Parts
from cplus.commands.conversations.answering import message_id
from cplus.commands.conversations.failed import FailedReplies, resend
from cplus.consumers.batches.sqs import SqsRecord
from cplus.consumers.sending.outgoing import name_of
from cplus.events.aggregates.addresses import Addresses
from cplus.events.base import ERASED, Event, NewEvent
from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.catalogue.shops import AppUninstalled, ShopChanged
from cplus.events.log.commit import Draft
from cplus.events.names import addresses_stream, correlation_ref, shop_stream
from cplus.ids import random_id
from cplus.privacy.erasing import ask, erase
from tests.integration.dying_aws import DyingAws, sent_to
from tests.integration.intake import failures, record, soon
from tests.integration.mail_world import ADA, DOMAIN, SHOP, World, form, plain
from tests.samples import installed

SEND = record({"shop": SHOP, "message_id": "reply1"}, "send")


@pytest.fixture
async def world(
    mongo_uri: str, database: str, aws_endpoint: str, aws: Aws, shopper: str
) -> AsyncIterator[World]:
    made = await World.make(mongo_uri, database, aws_endpoint, aws)
    await made.receive(form(sender=shopper), "ses1")
    await made.answer()
    yield made
    await made.close()


@pytest.fixture
def shopper() -> str:
    """An address to which no other test sends: they share the mailbox."""
    return f"{random_id(12)}@shopper.example"


class RefusingAws(Aws):
    """Answers as SES does when it says no."""

    def __init__(self, code: str) -> None:
        super().__init__()
        self.code = code
        self.delays: list[int] = []

    async def send_mail(self, *_args: Any, **_more: Any) -> str:
        raise MailNotTaken(self.code)

    async def send(self, *_args: Any, delay: int = 0, **_more: Any) -> None:
        self.delays.append(delay)


async def waiting(world: World) -> list[dict[str, Any]]:
    sqs = await world.aws.client("sqs")
    counts = await sqs.get_queue_attributes(QueueUrl=world.send_queue, AttributeNames=["All"])
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed")
    return [{}] * sum(int(counts["Attributes"][name]) for name in names)


def event_of(kind: str, ses_id: str = "ses-out-1", **detail: Any) -> SqsRecord:
    key = {"Send": "send", "Delivery": "delivery", "Bounce": "bounce"}.get(kind, kind.lower())
    tags = {"cplus-shop": ["acorn"], "cplus-message": ["reply1"]}
    mail = {"messageId": ses_id, "timestamp": "2026-11-01T12:00:00Z", "tags": tags}
    return record({"eventType": kind, "mail": mail, key: detail}, kind)


async def test_an_answer_reaches_the_shopper_and_can_be_answered(
    world: World, shopper: str
) -> None:
    assert await failures(world.outbound().handle_all, SEND) == {}
    [mail] = await sent_to(world, shopper)
    assert mail["tags"] == {"cplus-shop": "acorn", "cplus-message": "reply1"}
    assert (await world.types())[-1] == ["sent"]
    back = plain("Great", sender=shopper, In_Reply_To=mail["header_id"])
    await world.receive(back, "ses2")
    assert (await world.types())[-1] == ["message_received"]


async def test_an_answer_that_names_nothing_but_the_id_that_we_gave_our_mail_comes_home(
    world: World, shopper: str
) -> None:
    assert await failures(world.outbound().handle_all, SEND) == {}
    [mail] = await sent_to(world, shopper)
    given = mail["references"].split()[-1]
    assert given.endswith(f"@{DOMAIN}>")
    assert mail["header_id"] != given, "SES gave it another"
    back = plain("Great", sender=f"work.{shopper}", References=given)
    await world.receive(back, "ses2")
    assert (await world.types())[-1] == ["message_received"]


async def test_from_the_mail_to_its_answer_delivered_everything_has_one_correlation(
    world: World,
) -> None:
    # The world begins with a mail and its answer; SES's news overtakes the sender's own.
    assert await failures(world.email_events.handle_all, event_of("Delivery")) == {}
    assert await failures(world.outbound().handle_all, SEND) == {}
    mail, answer, delivered, sent = await world.commits()
    store = world.parts.store
    assert mail.correlation_id is not None
    chain = store.iterate_ref(SHOP, correlation_ref(mail.correlation_id))
    assert [commit.id async for commit in chain] == [mail.id, answer.id, delivered.id, sent.id]
    causes = [commit.causation_id for commit in (mail, answer, delivered, sent)]
    assert causes == [None, mail.id, answer.id, answer.id]
    actors = [commit.actor for commit in (mail, answer, delivered, sent)]
    assert actors == ["shopper", "merchant", "ses", "system/outbound-email"]


async def test_an_answer_to_somebody_who_was_erased_goes_nowhere(
    world: World, shopper: str
) -> None:
    before = len(await world.mailbox())
    [_, answer] = await world.commits()
    [written] = await world.parts.reader.of(answer, ReplyWritten)
    assert isinstance(written.event, ReplyWritten)
    await ask(
        world.recorder, SHOP, written.event.person,
        erasure="e1", source="cli", actor="operator/x", at=world.parts.clock(),
    )  # fmt: skip
    await erase(SHOP, "e1", use=world.parts.erasing)
    assert await failures(world.outbound().handle_all, SEND) == {}
    assert (await world.types())[-1] == ["rejected"]
    assert len(await world.mailbox()) == before
    again = Parts(world.parts.settings, world.parts.clock, mongo=world.parts.mongo, aws=world.aws)
    [read] = await again.reader.of(answer, ReplyWritten)
    assert isinstance(read.event, ReplyWritten)
    assert (read.event.to_address, read.event.text) == (ERASED, ERASED)


async def test_an_answer_is_sent_once_however_often_it_is_asked_for(
    world: World, shopper: str
) -> None:
    for _ in range(2):
        results = await asyncio.gather(
            *(world.outbound().handle_all([SEND], soon()) for _ in range(4))
        )
        assert results == [[]] * 4
    assert len(await sent_to(world, shopper)) == 1
    assert [t for t in await world.types() if t == ["sent"]] == [["sent"]]


async def test_after_a_crash_between_sending_and_recording_ses_settles_it(
    world: World, shopper: str
) -> None:
    dying = DyingAws(sends=True)
    assert await failures(world.outbound(dying).handle_all, SEND) == {"send": "ConnectionError"}
    world.later(seconds=30)
    assert await failures(world.outbound().handle_all, SEND) == {}  # waits, and asks to look again
    assert len(await waiting(world)) == 1
    assert await failures(world.email_events.handle_all, event_of("Send")) == {}
    world.later(seconds=600)
    assert await failures(world.outbound().handle_all, SEND) == {}
    assert len(await sent_to(world, shopper)) == 1
    assert (await world.types())[-1] == ["sent"]
    await dying.close()


async def test_after_a_crash_before_sending_it_is_sent_when_ses_stays_silent(
    world: World, shopper: str
) -> None:
    assert await failures(world.outbound(DyingAws(sends=False)).handle_all, SEND) == {
        "send": "ConnectionError"
    }
    world.later(seconds=59)
    assert await failures(world.outbound().handle_all, SEND) == {}
    assert await sent_to(world, shopper) == []
    world.later(seconds=2)
    assert await failures(world.outbound().handle_all, SEND) == {}
    assert len(await sent_to(world, shopper)) == 1


async def told(world: World, event: Event, seconds: float) -> None:
    """Shopify tells something of the shop that was so many seconds from now."""
    stream, at = shop_stream(SHOP), world.now + timedelta(seconds=seconds)
    draft = Draft(
        SHOP, f"told/{random_id()}", "test", "system", [NewEvent(stream, event, at)], refs=[stream]
    )
    await world.parts.store.append([draft])


async def test_nothing_is_sent_for_a_shop_that_removed_the_app(world: World, shopper: str) -> None:
    await told(world, AppUninstalled(), 0)
    assert await failures(world.outbound().handle_all, SEND) == {}
    assert (await world.types())[-1] == ["rejected", "delivery_failed"]
    assert await sent_to(world, shopper) == []


async def test_a_mail_that_may_have_gone_out_before_the_removal_waits_to_be_settled(
    world: World, shopper: str
) -> None:
    dying = DyingAws(sends=True)
    await failures(world.outbound(dying).handle_all, SEND)
    await dying.close()
    await told(world, AppUninstalled(), 0)
    assert await failures(world.outbound().handle_all, SEND) == {}
    assert (await world.types())[-1] != ["rejected"]
    assert await failures(world.email_events.handle_all, event_of("Send")) == {}
    assert (await world.types())[-1] == ["sent"]
    assert len(await sent_to(world, shopper)) == 1


async def test_the_late_news_of_an_earlier_removal_holds_back_no_mail(
    world: World, shopper: str
) -> None:
    await told(world, installed("Acorn", shop=SHOP, at=world.now), 0)
    await told(world, AppUninstalled(), -60)
    assert await failures(world.outbound().handle_all, SEND) == {}
    assert len(await sent_to(world, shopper)) == 1


async def test_a_mail_that_ses_refuses_for_good_is_recorded_so_and_not_tried_again(
    world: World, shopper: str
) -> None:
    assert await failures(world.outbound(RefusingAws("MessageRejected")).handle_all, SEND) == {}
    assert (await world.types())[-1] == ["rejected", "delivery_failed"]
    assert await failures(world.outbound().handle_all, SEND) == {}
    assert await sent_to(world, shopper) == []


async def test_a_mail_that_ses_puts_off_is_tried_again_later_and_later_and_sent_at_once(
    world: World, shopper: str
) -> None:
    busy = RefusingAws("TooManyRequestsException")
    for _ in range(12):
        assert await failures(world.outbound(busy).handle_all, SEND) == {}
        world.later(seconds=busy.delays[-1])
    assert busy.delays[:4] == [6, 11, 21, 41]
    assert busy.delays[-3:] == [900, 900, 900]
    assert (await world.types())[-1] == ["reply_written"]
    assert await failures(world.outbound().handle_all, SEND) == {}
    assert len(await sent_to(world, shopper)) == 1
    await busy.close()


async def test_an_event_that_no_commit_can_hold_fails_alone(world: World) -> None:
    told = event_of("Delivery").json()
    told["mail"]["timestamp"] = "0001-01-01T00:00:00+14:00"
    failed = await failures(
        world.email_events.handle_all, event_of("Send"), record(told, "bad"), event_of("Complaint")
    )
    assert failed == {"bad": "InvalidDraft"}
    assert [types[0] for types in (await world.types())[-2:]] == ["sent", "complained"]


async def test_what_ses_tells_is_recorded_once_and_in_any_order(world: World) -> None:
    bounce = event_of("Bounce", bounceType="Permanent", bounceSubType="General")
    told = [event_of("Delivery"), event_of("Send"), bounce, event_of("Complaint")]
    assert await failures(world.email_events.handle_all, *told, *told) == {}
    assert await failures(world.outbound().handle_all, SEND) == {}
    assert (await world.types())[2:] == [
        ["delivered"],
        ["sent"],
        ["bounced", "delivery_failed", "marked"],
        ["complained"],
    ]


async def test_a_bounce_for_good_after_one_for_now_is_recorded_too(world: World) -> None:
    now = event_of("Bounce", bounceType="Transient", bounceSubType="MailboxFull", feedbackId="f1")
    good = event_of("Bounce", bounceType="Permanent", bounceSubType="General", feedbackId="f2")
    assert await failures(world.email_events.handle_all, now, good, now) == {}
    bounces = [c.documents[0]["data"] for c in (await world.commits())[2:]]
    assert [bounce["permanent"] for bounce in bounces] == [False, True]


async def test_the_sender_and_ses_telling_of_one_mail_are_one_commit(world: World) -> None:
    assert await failures(world.outbound().handle_all, SEND) == {}
    sent = (await world.commits())[-1].documents[0]["data"]["ses_message_id"]
    assert await failures(world.email_events.handle_all, event_of("Send", sent)) == {}
    assert [kinds for kinds in await world.types() if kinds == ["sent"]] == [["sent"]]


async def test_a_delay_is_recorded_and_means_nothing(world: World) -> None:
    assert await failures(world.email_events.handle_all, event_of("DeliveryDelay")) == {}
    assert (await world.types())[-1] == []


@pytest.mark.parametrize(
    "body",
    [
        *("{", "[]", "{}"),
        SEND.body.replace("acorn", "evil.example/x"),
        SEND.body.replace("1", "2"),
    ],
)
async def test_a_message_that_names_no_answer_fails_alone(world: World, body: str) -> None:
    failed = await failures(world.outbound().handle_all, record(body, "bad"), SEND)
    assert list(failed) == ["bad"]
    assert failed["bad"].startswith(("The input cannot be used", "The shop host"))


@pytest.mark.parametrize(
    "told",
    [
        "no json",
        event_of("Send").body.replace("cplus-shop", "other"),
        event_of("Send").body.replace("reply1", "unknown"),
        event_of("Opened").body,
    ],
)
async def test_an_event_that_is_none_of_ours_fails_alone(world: World, told: str) -> None:
    failed = await failures(world.email_events.handle_all, record(told, "bad"), event_of("Send"))
    assert list(failed) == ["bad"]
    assert failed["bad"].startswith("The input cannot be used")


async def test_the_mail_bears_the_name_that_the_shop_gives_itself(
    world: World, shopper: str
) -> None:
    stream = f"shop/{SHOP}"
    named = [
        NewEvent(stream, ShopChanged(shop_name=name), world.now) for name in ("Old", "Acorn & Co")
    ]
    await world.parts.store.append(
        [
            Draft(
                shop=SHOP,
                claim=f"named/{n}",
                source="webhook",
                actor="shopify",
                events=[new],
                refs=[stream],
            )
            for n, new in enumerate(named)
        ]
    )
    await world.outbound().handle_all([SEND], soon())
    [mail] = await sent_to(world, shopper)
    assert mail["from"].startswith('"Acorn & Co"') or mail["from"].startswith("Acorn & Co <")


async def test_the_name_of_a_shop_is_found_however_much_was_told_of_it_since(
    world: World,
) -> None:
    stream, store = shop_stream(SHOP), world.parts.store
    told = [ShopChanged(shop_name="Acorn & Co"), *[AppUninstalled()] * 45]
    await store.append(
        [
            Draft(SHOP, f"told/{number}", "test", "system", [NewEvent(stream, one, world.now)],
                  refs=[stream])
            for number, one in enumerate(told)
        ]
    )  # fmt: skip
    assert await name_of(store, world.parts.reader, SHOP) == "Acorn & Co"


async def test_the_mail_goes_to_the_shopper_from_an_address_of_the_shop(
    world: World, shopper: str
) -> None:
    assert shopper != ADA
    await world.outbound().handle_all([SEND], soon())
    [mail] = await sent_to(world, shopper)
    assert mail["source"].endswith(f"@{DOMAIN}")
    assert mail["source"].startswith("acorn+")


async def test_to_an_address_that_bounced_for_good_no_other_mail_is_sent(
    world: World, shopper: str
) -> None:
    assert await failures(world.outbound().handle_all, SEND) == {}
    bounce = event_of("Bounce", bounceType="Permanent", bounceSubType="NoEmail")
    assert await failures(world.email_events.handle_all, bounce) == {}
    await world.answer("reply2", "And in green.")
    second = record({"shop": SHOP, "message_id": "reply2"}, "send")
    assert await failures(world.outbound().handle_all, second) == {}
    assert len(await sent_to(world, shopper)) == 1
    assert (await world.types())[-1] == ["rejected", "delivery_failed"]
    failed = (await world.commits())[-1].documents[1]["data"]
    assert failed["reason"] == "marked"
    use = FailedReplies(world.recorder, world.parts.persons, world.parts.clock)
    conversation = (await world.conversation()).conversation_id
    again = await resend(
        SHOP,
        conversation,
        "reply2",
        key="k" * 20,
        actor=merchant("ada"),
        source="dashboard",
        use=use,
    )
    assert again.position is not None
    third = record({"shop": SHOP, "message_id": message_id(SHOP, conversation, "k" * 20)}, "send")
    assert await failures(world.outbound().handle_all, third) == {}
    assert len(await sent_to(world, shopper)) == 2


async def test_a_copy_to_whom_mail_is_stopped_is_left_out(world: World, shopper: str) -> None:
    copy, message_id = "Stopped@partner.example", random_id()
    await world.answer(message_id, cc=(copy, "boss@partner.example"))
    person = (await world.conversation()).answers_to
    await world.recorder.decide(
        Addresses,
        SHOP,
        addresses_stream(person),
        lambda known: known.mark(
            person=person, address=copy, reason="complained", message_id="r0", now=world.now
        ),
        claim="marked",
        source="mail-event",
        actor="ses",
    )
    message = record({"shop": SHOP, "message_id": message_id}, "send")
    assert await failures(world.outbound().handle_all, message) == {}
    [mail] = [one for one in await world.mailbox() if shopper in one["recipients"]]
    assert mail["recipients"] == [shopper, "boss@partner.example"]
