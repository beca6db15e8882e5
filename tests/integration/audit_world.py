"""A shop's log in which one thing leads to another: Ann writes, Ada replies, the mail is delivered,
the conversation is closed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cplus.actors import merchant
from cplus.commands.conversations import answering
from cplus.commands.conversations.answering import Conversations, Replied, message_id
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.base import Event, NewEvent
from cplus.events.catalogue.customers import CustomerChanged
from cplus.events.catalogue.mail import MailDelivered, MailSent
from cplus.events.log.commit import Commit, Draft
from cplus.events.log.commits import Commits
from cplus.events.log.outcomes import settled
from cplus.events.log.store import EventStore
from cplus.events.names import (
    conversation_stream,
    customer_stream,
    mail_stream,
    message_ref,
    received_mail_claim,
    shop_stream,
)
from cplus.events.reader import EventReader
from cplus.events.recording import Recorder
from cplus.mongo import Mongo
from tests.nudges import Nudges
from tests.samples import installed

SHOP, OTHER = "acorn.myshopify.com", "birch.myshopify.com"
TALK, ANN = "k3m9", "person/ann7"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
WORDS, ADDRESS = "Do you ship to Norway?", "ann@example.com"
REPLY = message_id(SHOP, TALK, "form1")
"""The id of the reply."""


class AuditWorld:
    """The log; each commit is recorded a minute after the one before."""

    def __init__(self, log: Mongo | Commits) -> None:
        self.now = NOW
        self.store = EventStore(log, self._clock)
        self.reader = EventReader()
        self.recorder = Recorder(self.store, self.reader, Nudges())

    def _clock(self) -> datetime:
        return self.now

    async def fill(self) -> AuditWorld:
        """Positions 1 to 7 of the shop, and one commit of another."""
        await self.draft("install/1", shop_stream(SHOP), installed(), actor="merchant/ada")
        await self.draft("install/1", shop_stream(OTHER), installed(shop=OTHER), shop=OTHER)
        await self.mail()
        ada, use = merchant("ada"), Conversations(self.recorder, self._clock)
        replied = await answering.reply(
            SHOP, TALK, text="We do.", key="form1", actor=ada, source="dashboard", use=use
        )
        assert isinstance(replied, Replied)
        reply = await self.at(3)
        sent_by_ses = MailSent(message_id=REPLY, conversation_id=TALK, ses_message_id="ses-2")
        delivered = MailDelivered(message_id=REPLY, conversation_id=TALK)
        for event in (sent_by_ses, delivered):
            self.now += timedelta(minutes=1)
            sent = isinstance(event, MailSent)
            await self.draft(
                f"{event.TYPE}/{REPLY}",
                mail_stream(REPLY),
                event,
                follows=reply,
                source="outbound-email" if sent else "mail-event",
                actor="system/outbound-email" if sent else "ses",
                refs=(conversation_stream(TALK), message_ref(REPLY)),
            )
        self.now += timedelta(minutes=1)
        await answering.close(SHOP, TALK, key="form2", actor=ada, source="dashboard", use=use)
        changed = CustomerChanged(
            shopify_customer_id=7, person=ANN, first_name="Ann", email=ADDRESS
        )
        self.now += timedelta(minutes=1)
        await self.draft("webhook/customers/update/1", customer_stream(7), changed, refs=(ANN,))
        return self

    async def mail(self) -> None:
        """Ann writes."""
        self.now += timedelta(minutes=1)
        stream, now = conversation_stream(TALK), self.now

        def writes(talk: Conversation) -> None:
            talk.start(person=ANN, channel="email", subject="Apron", now=now)
            talk.receive(
                now=now,
                message_id="m1",
                from_name="Ann",
                from_address=ADDRESS,
                text=WORDS,
                rfc_message_id="<1@example.com>",
                person=ANN,
                subject="Apron",
            )

        await self.recorder.decide(
            Conversation,
            SHOP,
            stream,
            writes,
            claim=received_mail_claim("ses-1"),
            source="mail",
            actor="shopper",
            refs=[ANN, message_ref("m1")],
            correlation_id="ses-1",
        )
        self.now += timedelta(minutes=1)

    async def draft(
        self,
        claim: str,
        stream: str,
        event: Event,
        *,
        follows: Commit | None = None,
        source: str = "webhook",
        actor: str = "shopify",
        shop: str = SHOP,
        refs: tuple[str, ...] = (),
    ) -> None:
        """One commit with this event."""
        draft = Draft(
            shop=shop,
            claim=claim,
            source=source,
            actor=actor,
            events=[NewEvent(stream, event, self.now)],
            refs=[stream, *refs],
            correlation_id=follows.correlation if follows else None,
            causation_id=follows.id if follows else None,
        )
        [outcome] = await self.store.append([draft])
        settled(outcome)

    async def at(self, position: int) -> Commit:
        """The commit of the shop at that position."""
        [commit] = await self.store.read(SHOP, position - 1, 1)
        return commit
