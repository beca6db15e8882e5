"""Of somebody who was erased no mail is left, whatever became of it; and who comes back is
answered."""

from __future__ import annotations

from cplus.events.aggregates.conversation.decisions import Conversation, as_received
from cplus.privacy.erasing.listing import list_held
from cplus.privacy.export.gathering import gather
from tests.integration.consumers.mail.erasing_people import erased, legible
from tests.integration.intake import failures, record
from tests.integration.mail_world import ADA, SHOP, World, form, plain

BEA = "bea@shopper.example"
REPORT = (
    b"From: Mail Delivery <mailer-daemon@shopper.example>\nTo: acorn@mail.cplus.example\n"
    b"Subject: Undelivered Mail\nMessage-ID: <report@shopper.example>\n"
    b"Auto-Submitted: auto-replied\n"
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n"
    b"Content-Type: text/plain\n\nYour message to <ada@shopper.example> did not arrive.\n--b\n"
    b"Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n"
    b"Final-Recipient: rfc822; ada@shopper.example\nAction: failed\nStatus: 5.1.1\n\n--b--\n"
)


async def moved_to_ada(world: World) -> tuple[str, str]:
    """Bea's conversation, in which answers go to Ada: the ids of both."""
    await world.receive(form(sender=BEA), "ses1")
    await world.receive(plain("Me too", sender=ADA), "ses2", await world.token_address())
    bea, ada = await world.received()
    await world.recorder.decide(
        Conversation,
        SHOP,
        (await world.conversation()).id,
        lambda c: c.answer_to(message_id=ada.message_id, now=world.now),
        claim="moved/1",
        source="dashboard",
        actor="merchant",
    )
    return bea.person, ada.person


async def test_a_reply_belongs_to_whom_it_goes_to(world: World) -> None:
    bea, ada = await moved_to_ada(world)
    await world.answer(text="Dear Ada of Elm Street")
    store, reader = world.parts.store, world.parts.reader
    told = {
        who: [one.text for one in (await gather(store, reader, SHOP, [who])).messages]
        for who in (bea, ada)
    }
    assert told == {bea: ["Do you have it in blue?"], ada: ["Me too", "Dear Ada of Elm Street"]}
    assert "reply1" in (await list_held(store, reader, SHOP, [ada])).messages
    beas = (await list_held(store, reader, SHOP, [bea])).objects
    assert len(beas) == 1, "not the mail of somebody else in the same conversation"
    await erased(world, ada)
    left = await legible(world)
    assert "Elm Street" not in left
    assert ADA not in left
    assert BEA in left


async def test_what_ses_tells_of_a_reply_is_of_whom_it_went_to(world: World) -> None:
    await world.receive(form(), "ses1")
    await world.answer()
    bounce = {
        "eventType": "Bounce",
        "mail": {
            "timestamp": "2026-11-01T12:00:00.000Z",
            "messageId": "out1",
            "destination": [ADA],
            "tags": {"cplus-shop": ["acorn"], "cplus-message": ["reply1"]},
        },
        "bounce": {
            "feedbackId": "f1",
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "timestamp": "2026-11-01T12:00:00.000Z",
            "bouncedRecipients": [{"emailAddress": ADA}],
        },
    }
    assert await failures(world.email_events.handle_all, record(bounce, "x1")) == {}
    assert "bouncedRecipients" in await legible(world)
    [message] = await world.received()
    await erased(world, message.person)
    left = await legible(world)
    assert "bouncedRecipients" not in left
    assert ADA not in left


async def test_a_report_belongs_to_the_person_of_the_mail_that_it_reports(world: World) -> None:
    await world.receive(form(), "ses1")
    [message] = await world.received()
    await world.receive(REPORT, "ses2")
    [aside] = await world.asides()
    assert (aside.reason, aside.person) == ("report", message.person)
    await erased(world, message.person)
    assert ADA not in await legible(world)
    assert await world.keys() == []


async def test_a_report_that_names_nobody_is_of_whom_its_conversation_answers(world: World) -> None:
    await world.receive(form(), "ses1")
    [message] = await world.received()
    raw = REPORT.replace(b"Final-Recipient: rfc822; ada@shopper.example\n", b"")
    await world.receive(raw, "ses2", await world.token_address())
    [aside] = await world.asides()
    assert aside.person == message.person
    assert as_received(aside)["automatic"], "what a machine says tells nothing of the person"


async def test_no_copy_and_no_unread_mail_of_somebody_erased_is_left(world: World) -> None:
    first = plain("Do you have it in blue?")
    await world.receive(first, "ses1")
    await world.receive(first, "ses2")
    await world.receive(plain("Bad", message_id="<bad@shopper.example>"), "ses3", virus="FAIL")
    to = await world.token_address()
    own = plain("Ada wrote this", sender=to, message_id="<own@shopper.example>")
    await world.receive(own, "ses4", to)
    assert [len(one) for one in await world.types()] == [2, 0, 1, 0]
    assert len(await world.keys()) == 4
    [message] = await world.received()
    await erased(world, message.person)
    assert await world.keys() == []
    assert "blue" not in await legible(world)


async def test_who_comes_back_by_answering_an_old_mail_begins_anew(world: World) -> None:
    await world.receive(form(), "ses1")
    await world.answer()
    to = await world.token_address()
    [message] = await world.received()
    await erased(world, message.person)
    world.later(days=1)
    await world.receive(plain("I am back", message_id="<back@shopper.example>"), "ses9", to)
    back = (await world.received())[1]
    assert back.person != message.person
    assert back.originator_id != message.originator_id
    talk: Conversation = await world.recorder.load(Conversation, SHOP, back.originator_id)
    talk.reply(message_id="reply2", text="Welcome", author="merchant", now=world.now)
    assert talk.answers_to == back.person


async def test_late_mail_of_somebody_erased_stays_where_it_belongs(world: World) -> None:
    await world.receive(form(), "ses1")
    to = await world.token_address()
    late = await world.arrive(plain("Before that", message_id="<late@shopper.example>"), "ses2", to)
    [message] = await world.received()
    world.later(hours=1)
    await erased(world, message.person)
    assert await failures(world.inbound.handle_all, late) == {}
    first, second = await world.received()
    assert (second.originator_id, second.person) == (first.originator_id, first.person)
    assert "Before that" not in await legible(world)
