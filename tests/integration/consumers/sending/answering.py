"""Shops that answer by themselves, in a world of mail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from typing import Any

from cplus.actors import LOCAL
from cplus.commands.conversations.answering import Conversations
from cplus.commands.mail_settings import set_auto_reply, set_hours
from cplus.consumers.reactions.auto_replies import AUTO_REPLIES
from cplus.consumers.reactions.following import follow
from cplus.consumers.sending.auto_replying import AutoReplying, auto_reply
from cplus.deadline import Deadline
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.aggregates.hours import typed_day
from cplus.events.base import Recorded
from cplus.events.catalogue.conversations import AutoReplied, MessageReceived
from cplus.events.catalogue.mail import MailRejected, MailRequested, MailSent
from cplus.events.log.commit import Commit
from cplus.events.names import conversation_stream, message_ref
from cplus.ids import random_id
from tests.integration.intake import failures, record
from tests.integration.mail_world import DOMAIN, SHOP, World, plain
from tests.plain_http import plain_http

OTHER = "birch.myshopify.com"
SUNDAY = datetime(2026, 11, 1, 12, tzinfo=UTC)
"""On which the shop is closed, as on every day but Monday."""
PATIENT = Deadline.never()
"""The limit of work that is not about its limit: the rounds of a loop may take their time."""


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
        await self.comes(plain(text, **headers), *to)

    async def comes(self, raw: bytes, *to: str) -> None:
        """A mail comes in. It lies where its commit names it, so that none of a thousand is copied
        and deleted; and it has all the time that a busy machine needs."""
        message = await self.world.arrive(raw, random_id(), *to, folder="raw/")
        assert await failures(self.world.inbound.handle_all, message, limit=PATIENT) == {}

    def use(self, **others: Any) -> AutoReplying:
        p = self.world.parts
        made = AutoReplying(self.world.recorder, p.all_ids, DOMAIN, p.clock)
        return replace(made, **others)

    async def react(self, shop: str = SHOP, **others: Any) -> None:
        """The reaction follows the log."""
        answers = partial(auto_reply, use=self.use())
        others = {"auto_reply": answers, "seconds": PATIENT.remaining(), **others}
        reactor = replace(self.world.parts.reactor, **others)
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


async def told(answering: Answering, use: AutoReplying, address: str, who: str) -> None:
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
