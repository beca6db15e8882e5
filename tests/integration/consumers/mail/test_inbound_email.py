"""Mail that comes in: recorded once, in the right conversation, or with the reason why not."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cplus.actors import MERCHANT
from cplus.aws import Aws
from cplus.commands.conversations.answering import Conversations
from cplus.commands.setup import announce_test
from cplus.deadline import Deadline
from cplus.events.aggregates.billing_account import month_of
from cplus.events.base import NewEvent
from cplus.events.catalogue.conversations import MessageReceived
from cplus.events.catalogue.privacy import ShopErased
from cplus.events.catalogue.setup import MailTestAnnounced
from cplus.events.log.commit import Draft
from cplus.events.names import INSTALLED_REF, SHOP_ERASED_REF, started_ref
from cplus.mail import written_code
from cplus.privacy.identities import Resolved
from cplus.privacy.persons import PersonDirectory
from tests.integration.intake import failures, new_bucket, record, soon
from tests.integration.mail_world import ADA, DOMAIN, SHOP, World, form, plain
from tests.samples import installed

BIRCH = "birch.myshopify.com"
STARTED = ["started", "message_received"]


async def test_a_contact_form_starts_a_conversation_with_whom_it_names(world: World) -> None:
    await world.receive(form(), "ses1")
    assert await world.types() == [STARTED]
    conversation = await world.conversation()
    assert conversation.address == ADA
    assert world.nudges.heads == [{SHOP: 2}]


async def test_the_merchants_own_test_is_known_by_its_code_and_starts_no_conversation(
    world: World,
) -> None:
    use = Conversations(world.recorder, world.parts.clock)
    await announce_test(SHOP, key="k" * 26, source="dashboard", actor=MERCHANT, use=use)
    [announced] = await world.commits()
    [told] = await world.parts.reader.of(announced, MailTestAnnounced)
    assert isinstance(told.event, MailTestAnnounced)
    written = written_code(told.event.code)
    raw = form(f"Test: {written.upper()}")
    body = await world.arrive(raw, "ses1")
    assert await failures(world.inbound.handle_all, body, body) == {}
    await world.receive(plain(f"> {written}"), "ses2")
    assert (await world.types())[1:] == [["mail_test_received"]] * 2
    # Another code, and the same once its time is over, is a mail like any other.
    await world.receive(form("cplus-test-abcdefghij", number=2), "ses3")
    world.later(days=8)
    await world.receive(form(written, sender="bea@shopper.example", number=3), "ses4")
    assert (await world.types())[3:] == [STARTED, STARTED]


async def test_a_mail_delivered_twice_is_recorded_once(world: World) -> None:
    body = await world.arrive(form(), "ses1")
    assert await failures(world.inbound.handle_all, body, body) == {}
    assert await failures(world.inbound.handle_all, body) == {}
    assert await world.types() == [STARTED]


async def test_a_mail_that_ses_takes_twice_is_one_message(world: World) -> None:
    raw = plain("Hello", message_id="<1@shopper.example>")
    told = [
        await world.arrive(b"Received: from here\r\n" + raw, "ses1"),
        await world.arrive(b"Received: from there\r\n" + raw, "ses2"),
    ]
    assert await failures(world.inbound.handle_all, *told) == {}
    await world.receive(raw, "ses3")
    assert sorted(await world.types()) == [[], [], STARTED]
    assert (await world.conversation()).address == ADA
    names = [name for one in await world.commits() for name in (*one.claims, *one.refs)]
    assert not any("shopper.example" in name for name in names), "an id is known by its hash"
    reasons = [commit.reason for commit in await world.commits() if not commit.documents]
    assert reasons == ["the same mail came before, under another id of SES"] * 2
    # The id of a copy leads to the conversation too.
    answer = plain("More", message_id="<2@shopper.example>", In_Reply_To="<1@shopper.example>")
    await world.receive(answer, "ses4")
    assert (await world.types())[3:] == [["message_received"]]


async def test_another_mail_with_the_same_message_id_hides_nothing(world: World) -> None:
    ours = {"message_id": "<1@shopper.example>"}
    await world.receive(plain("Send it elsewhere", sender="eve@evil.example", **ours), "ses1")
    await world.receive(plain("Forged", **ours), "ses2", dmarc="FAIL")
    await world.receive(plain("Hello", **ours), "ses3", dmarc="FAIL")
    await world.receive(plain("Hello", **ours), "ses4")
    await world.receive(plain("Hello", subject="Colours", **ours), "ses5")
    told = [(mail.text, mail.proved) for mail in await world.received()]
    assert told == [
        ("Send it elsewhere", True),
        ("Forged", False),
        ("Hello", False),
        ("Hello", True),
        ("Hello", True),
    ]


async def test_a_second_form_joins_the_open_conversation_of_that_person(world: World) -> None:
    await world.receive(form(), "ses1")
    await world.receive(form("And in red?", number=2), "ses2")
    assert await world.types() == [STARTED, ["message_received"]]


async def test_a_conversation_counts_once_in_the_month_in_which_it_begins(world: World) -> None:
    await world.receive(form(), "ses1")
    month = started_ref(month_of(world.now))
    world.later(days=40)
    await world.receive(form("And in red?", number=2), "ses2")
    assert await world.types() == [STARTED, ["message_received"]]
    store = world.parts.store
    assert await store.count_ref(SHOP, month, 9) == 1
    assert await store.count_ref(SHOP, started_ref(month_of(world.now)), 9) == 0


async def test_a_form_of_a_joined_person_joins_what_they_began_under_another_id(
    world: World,
) -> None:
    await world.receive(form(), "ses1")
    directory = world.parts.persons
    began = await directory.resolve(SHOP, address=ADA)
    # Another identity with a smaller id, so that the lead is the one that is absorbed.
    number = 0
    while True:
        number += 1
        other = await directory.resolve(SHOP, shopify_id=number)
        if began and other and other.person < began.person:
            break
    await directory.join(SHOP, other.person, began.person)
    await world.receive(form("And in red?", number=2), "ses2")
    assert await world.types() == [STARTED, ["message_received"]]


async def test_a_mail_that_came_before_its_sender_was_erased_is_theirs_and_a_later_one_is_not(
    world: World,
) -> None:
    await world.receive(form(), "ses1")
    began = await world.conversation()
    world.later(hours=1)
    late = await world.arrive(form("And in red?", number=2), "ses2")
    world.later(hours=1)
    await world.parts.persons.forget(SHOP, [began.person], world.now)
    world.later(hours=1)
    await world.receive(form("And in green?", number=3), "ses3")
    assert await failures(world.inbound.handle_all, late) == {}
    await world.receive(form("And in grey?", number=4), "ses4")
    persons = [(mail.text, mail.person == began.person) for mail in await world.received()]
    assert persons == [
        ("Do you have it in blue?", True),
        ("And in green?", False),
        ("And in red?", True),
        ("And in grey?", False),
    ]
    assert await world.types() == [STARTED, STARTED, ["message_received"], ["message_received"]]


async def test_nobody_inherits_the_conversations_of_who_had_their_address(world: World) -> None:
    await world.receive(form(), "ses1")
    directory, before = world.parts.persons, world.now - timedelta(days=1)
    began = await directory.resolve(SHOP, shopify_id=1, address=ADA, at=before)
    await directory.resolve(SHOP, shopify_id=1, address="new@example.com", at=world.now)
    now_theirs = await directory.resolve(SHOP, shopify_id=2, address=ADA, at=world.now)
    assert began
    assert now_theirs
    assert began.person != now_theirs.person
    await world.receive(form("And in red?", number=2), "ses2")
    assert await world.types() == [STARTED, STARTED]


async def test_two_first_mails_at_once_start_one_conversation(world: World) -> None:
    bodies = [await world.arrive(form(number=n), f"ses{n}") for n in range(5)]
    other = await World.make(
        world.parts.settings.secret("mongo_uri"),
        world.parts.settings.mongo_database,
        world.endpoint,
        world.aws,
        mail_bucket=world.bucket,
    )
    try:
        await asyncio.gather(
            world.inbound.handle_all(bodies[:3], soon()),
            other.inbound.handle_all(bodies[2:], soon()),
        )
    finally:
        await other.close()
    types = await world.types()
    assert sorted(types) == sorted([STARTED] + [["message_received"]] * 4)


async def test_a_form_long_after_the_end_starts_anew_and_one_soon_after_opens_again(
    world: World,
) -> None:
    await world.receive(form(), "ses1")
    conversation = await world.conversation()

    async def close(key: str) -> None:
        await world.recorder.decide(
            type(conversation),
            SHOP,
            conversation.id,
            lambda c: c.close(world.now),
            claim=f"command/{key}",
            source="dashboard",
            actor="merchant",
        )

    await close("a")
    world.later(days=6)
    await world.receive(form(number=2), "ses2")
    await close("b")
    world.later(days=8)
    await world.receive(form(number=3), "ses3")
    assert await world.types() == [
        STARTED,
        ["closed"],
        ["message_received", "reopened"],
        ["closed"],
        STARTED,
    ]


async def test_an_answer_finds_its_conversation_by_its_token_whoever_sends_it(
    world: World,
) -> None:
    await world.receive(form(), "ses1")
    address = await world.token_address()
    await world.receive(plain("Thanks", sender="work@shopper.example"), "ses2", address.upper())
    assert await world.types() == [STARTED, ["message_received"]]


async def test_an_answer_without_its_token_is_found_by_the_ids_it_names(world: World) -> None:
    await world.receive(form(), "ses1")
    await world.receive(plain("One more thing", In_Reply_To="<form1@shopify.com>"), "ses2")
    await world.receive(
        plain(
            "And", References="<x@y.example> <plain@shopper.example>", message_id="<3@a.example>"
        ),
        "ses3",
    )
    assert await world.types() == [STARTED, ["message_received"], ["message_received"]]


async def test_an_answer_is_found_by_the_id_that_we_gave_our_mail(world: World) -> None:
    await world.receive(form(), "ses1")
    await world.answer("reply1")
    answer = plain("Thanks", sender="work@shopper.example", References=f"<reply1@{DOMAIN}>")
    await world.receive(answer, "ses2")
    assert await world.types() == [STARTED, ["reply_written"], ["message_received"]]
    # An id proves nothing: the answers still go to whom they went before.
    assert (await world.conversation()).address == ADA


async def test_an_erased_shop_gets_no_mail_and_begins_anew_once_it_installs_the_app(
    world: World,
) -> None:
    await world.receive(form(), "ses1")
    address = await world.token_address()
    gone = ShopErased(
        originator_id=f"shop/{SHOP}", originator_version=2, timestamp=world.now, erasure="e1"
    )
    new, refs = NewEvent.decided(gone), [SHOP_ERASED_REF]
    draft = Draft(SHOP, "erasure/e1/shop", "erasure", "system/erase", [new], refs=refs)
    await world.parts.store.append([draft])
    await world.receive(plain("Hello?"), "ses2", address)
    assert await world.types() == [STARTED, ["shop_erased"]]
    again = NewEvent.decided(installed("", shop=SHOP, version=3, at=world.now))
    draft = Draft(SHOP, "install/again", "install", "merchant", [again], refs=[INSTALLED_REF])
    await world.parts.store.append([draft])
    await world.receive(plain("Hello?"), "ses3", address)
    assert (await world.types())[2:] == [STARTED], "not in a conversation that no page shows"


async def test_a_token_of_another_shop_opens_nothing_there(world: World) -> None:
    await world.receive(form(), "ses1")
    await world.install(BIRCH)
    token = (await world.token_address()).partition("+")[2].partition("@")[0]
    await world.receive(plain("Hello"), "ses2", f"birch+{token}@{DOMAIN}")
    assert await world.types(BIRCH) == [STARTED]
    assert await world.types() == [STARTED]


async def test_a_mail_to_two_shops_is_recorded_in_both(world: World) -> None:
    await world.install(BIRCH)
    await world.receive(plain("Hello"), "ses1", f"acorn@{DOMAIN}", f"birch@{DOMAIN}")
    assert await world.types() == [STARTED]
    assert await world.types(BIRCH) == [STARTED]


async def test_a_mail_to_shops_without_the_app_makes_no_logs(world: World) -> None:
    nowhere = [f"invented-{number}@{DOMAIN}" for number in range(20)]
    await world.receive(plain("Hello"), "ses1", *nowhere)
    assert await world.parts.store.heads() == {SHOP: 1}
    assert world.nudges.heads == []
    await world.receive(plain("Hello"), "ses2", *nowhere, f"acorn@{DOMAIN}")
    assert await world.parts.store.heads() == {SHOP: 2}


class UnknownTo(PersonDirectory):
    """A directory that one shop cannot reach."""

    shop = ""

    async def resolve(self, shop: str, **who: Any) -> Resolved | None:
        if shop == self.shop:
            raise ConnectionError
        return await super().resolve(shop, **who)


async def test_a_shop_that_cannot_take_a_mail_keeps_it_from_no_other(world: World) -> None:
    await world.install(BIRCH)
    secret = world.parts.settings.secret("application_secret")
    persons = UnknownTo(world.parts.mongo.keyring, secret)
    persons.shop = SHOP
    mail = await world.arrive(plain("Hello"), "ses1", f"acorn@{DOMAIN}", f"birch@{DOMAIN}")
    inbound = replace(world.inbound, persons=persons)
    assert await failures(inbound.handle_all, mail) == {"ses1": "ConnectionError"}
    assert await world.types(BIRCH) == [STARTED]
    assert world.nudges.heads == [{BIRCH: 2}]


class Stuck(Aws):
    """Never answers with the raw mail of `ses1`."""

    async def get_object(self, bucket: str, key: str, version: str | None = None) -> bytes:
        if key.endswith("ses1"):
            await asyncio.Event().wait()
        return await super().get_object(bucket, key, version)


async def test_what_is_not_finished_in_time_fails_and_the_rest_is_done_with(world: World) -> None:
    slow, quick = await world.arrive(form(), "ses1"), await world.arrive(form(number=2), "ses2")
    aws = Stuck()
    inbound = replace(world.inbound, aws=aws)
    failed = await failures(inbound.handle_all, slow, quick, limit=Deadline.within(3))
    assert failed == {"ses1": "TimeoutError"}
    assert world.nudges.heads == [{SHOP: 2}]
    await aws.close()


async def test_a_mail_built_to_be_slow_is_recorded_and_holds_up_none_behind_it(
    world: World,
) -> None:
    part = b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n"
    parts = b"".join(part % (number, number) for number in range(290))
    raw = b"From: eve@evil.example\nMessage-ID: <slow@evil.example>\n" + parts + b"\n" * 980_000
    told = [await world.arrive(raw, "ses1"), await world.arrive(form(), "ses2")]
    started = time.monotonic()
    assert await failures(world.inbound.handle_all, *told) == {}
    assert time.monotonic() - started < 10
    assert sorted(await world.types()) == [STARTED, STARTED]


async def test_a_mail_larger_than_the_room_is_read_by_itself(world: World) -> None:
    told = [await world.arrive(form(number=number), f"ses{number}") for number in range(3)]
    inbound = replace(world.inbound, bytes_at_once=1)
    assert await failures(inbound.handle_all, *told) == {}


async def test_who_names_a_message_id_is_heard_and_gets_no_answers(world: World) -> None:
    await world.receive(plain("My order is late", message_id="<1@shopper.example>"), "ses1")
    stranger = plain("ok", sender="mallory@evil.example", References="<1@shopper.example>")
    await world.receive(stranger, "ses2", dmarc="FAIL", dkim="FAIL")
    assert await world.types() == [STARTED, ["message_received"]]
    conversation = await world.conversation()
    assert (conversation.address, conversation.last_message_id) == (ADA, "1@shopper.example")


@pytest.mark.parametrize(
    ("raw", "verdicts", "reason"),
    [
        (plain("Loop", sender=f"acorn@{DOMAIN}"), {}, "our own"),
        (b"", {}, "neither an author"),
        (b"\x00\xff\xfe no mime at all", {}, "neither an author"),
    ],
)
async def test_what_means_nothing_is_recorded_with_the_reason(
    world: World, raw: bytes, verdicts: dict[str, str], reason: str
) -> None:
    await world.receive(raw, "ses1", **verdicts)
    [commit] = await world.commits()
    assert commit.documents == []
    assert reason in str(commit.reason)
    whole = await world.parts.store.by_claim(SHOP, "mail/ses1", cause=True)
    assert whole is not None
    assert whole.cause is not None
    [cause] = await world.parts.reader.causes([whole])
    assert cause
    assert cause.stored
    assert await world.keys() == [cause.stored.ref["key"]]
    assert await world.parts.mails.get(SHOP, cause.stored) == raw


async def test_a_machines_answer_joins_and_does_not_open_the_conversation(world: World) -> None:
    await world.receive(form(), "ses1")
    conversation = await world.conversation()
    await world.recorder.decide(
        type(conversation),
        SHOP,
        conversation.id,
        lambda c: c.close(world.now),
        claim="command/close",
        source="dashboard",
        actor="merchant",
    )
    out_of_office = plain("I am away", Auto_Submitted="auto-replied")
    await world.receive(out_of_office, "ses2", await world.token_address())
    assert (await world.types())[-1] == ["message_received"]
    assert not (await world.conversation()).open


async def test_what_cannot_be_read_fails_alone_and_the_rest_is_recorded(world: World) -> None:
    good = await world.arrive(form(), "ses1")
    astray = await world.arrive(form(), "ses2", "someone@elsewhere.example")
    gone = good.body.replace("incoming/ses1", "incoming/gone").replace("ses1", "ses9")
    # A dead letter for mail that went astray would let strangers fill that queue.
    failed = await failures(
        world.inbound.handle_all, good, astray, record("{", "no-json"), record(gone, "no-object")
    )
    assert sorted(failed) == ["no-json", "no-object"]
    assert "not JSON" in failed["no-json"]
    assert failed["no-object"] == "KeyError"
    assert await world.types() == [STARTED]


async def test_a_message_that_names_another_bucket_is_a_dead_letter_and_nothing_is_read(
    world: World,
) -> None:
    others = await new_bucket(world.aws, "others")
    await world.aws.put_object(others, "incoming/ses1", form())
    told = await world.arrive(form(), "ses1")
    body = json.loads(told.body)
    body["receipt"]["action"]["bucketName"] = others
    failed = await failures(world.inbound.handle_all, record(body, "elsewhere"))
    assert "bucket of mail" in failed["elsewhere"]
    assert await world.types() == []


async def test_hostile_text_is_kept_as_it_was_written(world: World) -> None:
    await world.receive(plain("<script>alert(1)</script> \u202e {{7*7}}"), "ses1")
    [commit] = await world.commits()
    [received] = await world.parts.reader.of(commit, MessageReceived)
    assert isinstance(received.event, MessageReceived)
    assert received.event.text == "<script>alert(1)</script> \u202e {{7*7}}"
