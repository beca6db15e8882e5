"""Who is in the shop of the pictures, and what they and its staff can do there."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from cplus.actors import Actor, merchant
from cplus.commands.conversations.answering import message_id, reply
from cplus.events.aggregates.billing_account import month_of
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.catalogue.mail import MailDelivered, MailSent
from cplus.events.files import StoredFile
from cplus.events.names import (
    message_ref,
    started_ref,
)
from cplus.ids import random_id
from tests.integration.web.harness import SHOP, Harness

ROBIN, SAM = merchant("1"), merchant("2")
"""As the local Shopify calls them: the owner, and an agent."""


TOLD: Final[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "fixtures" / "pictured.toml").read_text("utf-8")
)


class Person(NamedTuple):
    """A customer; one without a number in Shopify is a lead."""

    name: str
    number: int = 0
    orders: int = 0
    spent: str = "0.00"
    tags: Sequence[str] = ()
    consent: str = "not_subscribed"

    @property
    def id(self) -> str:
        return f"person/{self.name.split()[0].lower()}"

    @property
    def address(self) -> str:
        return f"{self.name.lower().replace(' ', '.')}@example.com"


PEOPLE: Final = {key: Person(**told) for key, told in TOLD["people"].items()}


@dataclass
class Pictured:
    """The shop while it is filled; each thing happens so many hours before the picture."""

    web: Harness
    now: datetime

    def ago(self, hours: float) -> None:
        self.web.clock.now = self.now - timedelta(hours=hours)

    def who(self, actor: Actor = SAM) -> dict[str, Any]:
        use = self.web.parts.conversations
        return {"key": random_id(26), "actor": actor, "source": "dashboard", "use": use}

    async def asked(self, key: str, hours: float, subject: str, text: str) -> str:
        """A conversation that this person began; answers its id."""
        self.ago(hours)
        talk = random_id()
        await self._mail(key, talk, subject, text, begins=True)
        return talk

    async def wrote(self, key: str, talk: str, hours: float, text: str, *files: StoredFile) -> None:
        """The person writes again."""
        self.ago(hours)
        await self._mail(key, talk, "Re: your message", text, files=files)

    async def _mail(
        self, key: str, talk: str, subject: str, text: str, *, begins: bool = False,
        files: tuple[StoredFile, ...] = (),
    ) -> None:  # fmt: skip
        one, message, now = PEOPLE[key], random_id(), self.web.clock()

        def come(found: Conversation) -> None:
            if begins:
                found.start(person=one.id, channel="email", subject=subject, now=now)
            found.receive(
                now=now,
                person=one.id,
                message_id=message,
                from_name=one.name,
                from_address=one.address,
                subject=subject,
                text=text,
                rfc_message_id=f"<{message}@example.com>",
                files=files or None,
            )

        refs = [one.id, message_ref(message), *([started_ref(month_of(now))] if begins else [])]
        outcome = await self.web.parts.recorder.decide(
            Conversation, SHOP, f"conversation/{talk}", come, claim=f"mail/{message}",
            source="mail", actor="shopper", refs=refs,
        )  # fmt: skip
        assert outcome
        await self.web.nudger.fold({SHOP: outcome.position})

    async def answered(self, talk: str, hours: float, text: str, actor: Actor = SAM) -> str:
        """Staff replies, and the mail is delivered; answers the id of the message."""
        message = await self.replied(talk, hours, text, actor)
        arrived = MailDelivered(message_id=message, conversation_id=talk)
        await self.web.record(SHOP, f"mail/{message}", arrived)
        return message

    async def replied(self, talk: str, hours: float, text: str, actor: Actor = SAM) -> str:
        """Staff replies, and the mail was sent; answers the id of the message."""
        self.ago(hours)
        who = self.who(actor)
        message = message_id(SHOP, talk, who["key"])
        await reply(SHOP, talk, text=text, **who)
        sent = MailSent(message_id=message, conversation_id=talk, ses_message_id=random_id())
        await self.web.record(SHOP, f"mail/{message}", sent)
        return message
