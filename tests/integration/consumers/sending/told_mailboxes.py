"""A merchant whose mailboxes are told, for who tests what they hear."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from cplus.actors import MERCHANT
from cplus.commands import mailboxes
from cplus.commands.conversations.answering import Conversations
from cplus.consumers.mailboxes.telling import MailboxNews
from cplus.consumers.reactions.following import follow
from cplus.consumers.reactions.mailboxes import MAILBOXES
from cplus.consumers.scheduled.registry import HANDLERS
from cplus.consumers.scheduled.taking import take_due
from cplus.consumers.sending.purpose import Mail
from cplus.consumers.sending.purposes import registered
from cplus.deadline import Deadline
from cplus.events.base import NewEvent
from cplus.events.catalogue.mail import MailRequested
from cplus.events.catalogue.mailboxes import Notify
from cplus.events.log.commit import Draft
from cplus.mail.mailbox_tokens import mailbox_code
from cplus.projections.models.conversations import CONVERSATIONS
from cplus.projections.running.runner import Runner
from tests.integration.mail_world import DOMAIN, SHOP, World

OWNER = "owner@acorn.example"


class Told:
    """A merchant, and what is requested for their mailboxes."""

    def __init__(self, world: World) -> None:
        self.world = world
        parts = world.parts
        self.news = MailboxNews(world.recorder, parts.due_rows, parts.queries, parts.clock)
        self.use = Conversations(world.recorder, parts.clock)
        self._form: dict[str, Any] = {"source": "dashboard", "actor": MERCHANT, "use": self.use}
        self.secret = parts.settings.secret("application_secret")

    async def add(self, address: str = OWNER) -> str:
        await mailboxes.add_mailbox(
            SHOP, address, domain=DOMAIN, key=f"add-{address}", **self._form
        )
        found = (await mailboxes.mailboxes_of(self.world.recorder, SHOP)).by_id.values()
        return [one.id for one in found if one.address == address][-1]

    async def verify(self, mailbox: str, number: int = 1) -> None:
        code = mailbox_code(SHOP, mailbox, number, self.secret)
        await mailboxes.verify(
            SHOP, mailbox, code, secret=self.secret, key=f"v-{mailbox}-{number}", **self._form
        )

    async def on(self, address: str = OWNER, notify: Notify = "each", **more: int) -> str:
        mailbox = await self.add(address)
        await self.verify(mailbox)
        await self.choose(mailbox, notify, **more)
        return mailbox

    async def choose(self, mailbox: str, notify: Notify, **more: int) -> None:
        chosen: dict[str, Any] = {"minutes": None, "hour": None, **more}
        key = f"choose-{mailbox}-{notify}-{more}"
        await mailboxes.choose(SHOP, mailbox, notify, key=key, **chosen, **self._form)

    async def react(self) -> None:
        use = replace(self.world.parts.reactor, mailboxes=self.news)
        assert not (await follow(MAILBOXES, SHOP, use)).stopped

    async def sweep(self) -> None:
        use = replace(self.world.parts.due_work, mailboxes=self.news)
        await take_due(HANDLERS, use, deadline=Deadline.never())

    async def fold(self) -> None:
        """Lets the read model of conversations catch up."""
        parts = self.world.parts
        runner = Runner(parts.mongo, parts.store, parts.reader, [CONVERSATIONS], parts.clock)
        await runner.catch_up(CONVERSATIONS, SHOP)

    async def wishes(self, *purposes: str) -> list[MailRequested]:
        read = await self.world.parts.reader.read(await self.world.commits(), [MailRequested])
        events: list[Any] = [recorded.event for commit in read for recorded in commit]
        return [one for one in events if one.purpose in (purposes or ("notification",))]

    async def made(self, wish: MailRequested) -> Any:
        return await registered()[wish.purpose].ready(SHOP, wish, self.world.parts.mail_parts)

    async def mail(self, wish: MailRequested) -> EmailMessage:
        made = await self.made(wish)
        assert isinstance(made, Mail), made
        parsed = message_from_bytes(made.raw, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    async def record(self, event: Any, stream: str, claim: str) -> None:
        new = NewEvent(stream, event, self.world.now)
        draft = Draft(shop=SHOP, claim=claim, source="test", actor="shopify", events=[new],
                      refs=[stream])  # fmt: skip
        await self.world.recorder.append([draft])
