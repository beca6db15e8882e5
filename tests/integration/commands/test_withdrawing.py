"""A reply that waits to be sent is taken back, or sent: one of them, whoever is quicker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cplus.actors import merchant
from cplus.commands.conversations.withdrawing import (
    TooLate,
    Withdrawals,
    Withdrawn,
    complete,
    withdraw,
    withdrawn_by,
)
from cplus.errors import InvalidInput, NotFound
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.base import NewEvent
from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.catalogue.mail import MailDelivered, MailSent
from cplus.events.log.commit import Draft
from cplus.events.log.store import EventStore
from cplus.events.names import mail_event_claim, message_ref, sent_claim
from cplus.events.reader import EventReader
from cplus.events.recording import Recorder
from cplus.leases import Leases, of_sending
from cplus.mongo import Mongo
from tests.nudges import Nudges

SHOP = "acorn.myshopify.com"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ADA = merchant("ada", "Ada Brandt")
STREAM = "conversation/k1"


@pytest.fixture
async def use(store: EventStore, mongo: Mongo) -> Withdrawals:
    """With a reply `r1` that waits, and one that does not."""
    made = Withdrawals(
        Recorder(store, EventReader(), Nudges()), Leases(mongo.database), lambda: NOW
    )

    def begin(talk: Conversation) -> None:
        talk.start(
            person="person/a", channel="email", subject="Tea", now=NOW,
            by="merchant", address="shopper@example.com",
        )  # fmt: skip
        later = NOW + timedelta(seconds=10)
        talk.reply(message_id="r1", text="Green.", author="ada", now=NOW, send_at=later)
        talk.reply(message_id="r2", text="Black.", author="ada", now=NOW)

    await made.recorder.decide(
        Conversation, SHOP, STREAM, begin, claim="reply/k", source="dashboard",
        actor="merchant/ada", refs=[message_ref("r1"), message_ref("r2")],
    )  # fmt: skip
    return made


async def undo(use: Withdrawals, message_id: str = "r1") -> Withdrawn | TooLate:
    return await withdraw(SHOP, "k1", message_id=message_id, actor=ADA, source="dashboard", use=use)


async def withdrawals(use: Withdrawals) -> list[str]:
    commits = await use.recorder.store.stream(SHOP, STREAM)
    return [c.actor for c in commits if "conversation.reply_withdrawn" in c.types]


async def test_a_reply_is_taken_back_once_however_often_it_is_asked_for(use: Withdrawals) -> None:
    assert await undo(use) == await undo(use) == Withdrawn(2)
    assert await withdrawals(use) == ["merchant/ada"]


async def test_a_reply_whose_sending_was_tried_is_not_taken_back(use: Withdrawals) -> None:
    lease = await use.leases.take(of_sending(SHOP, "r1"), 60)
    assert lease is not None
    assert await use.leases.note(lease, tried_at=NOW)
    await use.leases.release(lease)  # the sender died, and nobody knows whether it went out
    assert await undo(use) == TooLate()
    assert await withdrawals(use) == []


async def test_a_reply_that_is_being_sent_is_not_taken_back(use: Withdrawals) -> None:
    assert await use.leases.take(of_sending(SHOP, "r1"), 60) is not None
    assert await undo(use) == TooLate()


async def test_a_reply_of_which_the_log_says_that_it_was_sent_is_not_taken_back(
    use: Withdrawals,
) -> None:
    sent = MailSent(message_id="r1", conversation_id="k1", ses_message_id="s1")
    draft = Draft(
        shop=SHOP, claim=sent_claim("r1", "s1"), source="mail-event", actor="ses",
        events=[NewEvent("mail/r1", sent, NOW)], refs=[message_ref("r1")],
    )  # fmt: skip
    arrived = MailDelivered(message_id="r1", conversation_id="k1")
    copies = [  # at many mailboxes, after which the sending stands far behind
        Draft(
            shop=SHOP, claim=mail_event_claim("r1", "delivery", str(copy)), source="mail-event",
            actor="ses", events=[NewEvent("mail/r1", arrived, NOW)], refs=[message_ref("r1")],
        )
        for copy in range(300)
    ]  # fmt: skip
    await use.recorder.append([draft, *copies])
    assert await undo(use) == TooLate()


async def test_after_a_crash_behind_the_note_whoever_comes_next_records_it(
    use: Withdrawals,
) -> None:
    lease = await use.leases.take(of_sending(SHOP, "r1"), 60)
    assert lease is not None
    assert await use.leases.note(lease, withdrawn_by="merchant/ben", withdrawn_from="dashboard")
    await use.leases.release(lease)
    lease = await use.leases.take(of_sending(SHOP, "r1"), 60)  # the sender, when its time came
    assert lease is not None
    assert withdrawn_by(lease) == "merchant/ben"
    [commit, *_] = await use.recorder.store.stream(SHOP, STREAM)
    [reply, _] = await use.recorder.reader.of(commit, ReplyWritten)
    assert isinstance(reply.event, ReplyWritten)
    await complete(SHOP, reply.event, lease, use)
    await use.leases.release(lease)
    assert await undo(use) == Withdrawn(2)
    assert await withdrawals(use) == ["merchant/ben"]


async def test_what_does_not_wait_or_is_not_there_is_refused(use: Withdrawals) -> None:
    with pytest.raises(InvalidInput):
        await undo(use, "r2")
    with pytest.raises(NotFound):
        await undo(use, "r3")
    with pytest.raises(NotFound):
        await withdraw(
            "birch.myshopify.com", "k1", message_id="r1", actor=ADA, source="cli", use=use
        )
