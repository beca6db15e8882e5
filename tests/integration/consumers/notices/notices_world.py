"""A shop whose customers ask for their data, with the mailbox of its owner, and a clock that only
moves when it is told to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from cplus.aws import Aws
from cplus.bootstrap import Parts
from cplus.consumers.batches.sqs import SqsRecord
from cplus.consumers.notices.reminders import REMINDER
from cplus.consumers.reactions.following import follow
from cplus.consumers.reactions.mail import MAIL
from cplus.consumers.reactions.notices import NOTICES
from cplus.consumers.scheduled.due import DUE as ROWS
from cplus.consumers.scheduled.registry import HANDLERS
from cplus.consumers.scheduled.taking import take_due
from cplus.consumers.sending.email_events import EmailEvents
from cplus.consumers.sending.outbound_email import Outbound
from cplus.consumers.sending.purpose import MailParts
from cplus.consumers.webhooks.record import handle
from cplus.deadline import Deadline
from cplus.events.base import Event, NewEvent
from cplus.events.catalogue.mail import MailRequested
from cplus.events.catalogue.privacy import NOTICE_PURPOSES, DataRequested, PersonExported
from cplus.events.log.commit import Draft
from cplus.events.names import (
    INSTALLED_REF,
    data_request_stream,
    export_claim,
    shop_stream,
)
from cplus.ids import random_id
from cplus.leases import Leases
from cplus.local.shopify import LocalShop, LocalShopify
from cplus.privacy.erasing import ask, erase
from cplus.shopify.oauth import Tokens
from tests.integration.consumers.webhooks.installed_app import ID, SHOP, told
from tests.integration.intake import SECRET, Intake, emptied, failures, record, soon
from tests.plain_http import plain_http
from tests.samples import installed

DOMAIN = "mail.cplus.example"
START = datetime(2026, 12, 1, 12, tzinfo=UTC)
DUE = START + timedelta(days=30)
ANN = "ann@shopper.example"


class SendingAws(Aws):
    """Sends mail, or breaks off before or after that as a killed process does; tells when the mail
    is to be looked at again, in place of a message that would come in another test."""

    def __init__(self) -> None:
        super().__init__()
        self.breaks: Literal["before", "after"] | None = None
        self.delays: list[int] = []

    async def send_mail(self, *args: Any, **more: Any) -> str:
        if self.breaks == "before":
            raise ConnectionError("broken off")
        ses_id = await super().send_mail(*args, **more)
        if self.breaks == "after":
            raise ConnectionError("broken off")
        return ses_id

    async def send(self, *_args: Any, delay: int = 0, **_more: Any) -> None:
        self.delays.append(delay)


@dataclass
class World:
    """The parts under test."""

    used: Intake
    endpoint: str
    owner: str
    """The address of the shop's owner in Shopify, to which no other test sends."""
    now: datetime = START
    aws: SendingAws = field(default_factory=SendingAws)
    """What mail is sent with."""

    def __post_init__(self) -> None:
        given = self.used.parts
        self.parts = Parts(given.settings, lambda: self.now, mongo=given.mongo, aws=given.aws)

    async def install(self, shopify: LocalShopify) -> None:
        """Lets the merchant install the app, of whose addresses nobody knows yet."""
        shopify.add_shop(LocalShop(host=SHOP, id=ID, name="Blue Jam", email=self.owner))
        fields = {
            "client_id": "client-id",
            "client_secret": SECRET,
            "code": shopify.grants.code(SHOP, "read_customers"),
            "expiring": "1",
        }
        tokens = Tokens.model_validate(shopify.grants.tokens(SHOP, fields))
        await self.parts.credentials.save(SHOP, tokens)
        event = installed("Blue Jam", shop=SHOP, at=START, timezone="Pacific/Auckland")
        await self.happens(event, refs=[shop_stream(SHOP), INSTALLED_REF])

    async def happens(
        self, event: Event, *, claim: str = "", refs: Sequence[str] = (), erases: bool = False
    ) -> None:
        """Something is recorded."""
        new = NewEvent(shop_stream(SHOP), event, self.now)
        claim = claim or f"test/{random_id()}"
        draft = Draft(SHOP, claim, "test", "system", [new], refs=list(refs), erases=erases)
        await self.parts.recorder.append([draft])

    async def asks(self, request: int = 1, webhook_id: str = "w-1") -> None:
        """A customer asks Shopify for their data."""
        body = {
            "shop_id": ID,
            "shop_domain": SHOP,
            "customer": {"id": 7, "email": ANN},
            "data_request": {"id": request},
        }
        await self.tells("customers/data_request", body, webhook_id)

    async def tells(
        self, topic: str, body: dict[str, Any], webhook_id: str, at: datetime | None = None
    ) -> None:
        """Shopify sends a webhook."""
        message = told(topic, body, webhook_id=webhook_id, at=at or self.now)
        assert await handle([message], self.parts.webhooks, soon()) == []

    async def exports(self, request: int = 1) -> None:
        """The merchant answers a request."""
        person = await self.person()
        event = PersonExported(person=person, request_id=request, format="html")
        refs = [person, data_request_stream(request)]
        await self.happens(event, claim=export_claim(random_id()), refs=refs)

    async def erases(self) -> None:
        """The customer is erased."""
        await ask(
            self.parts.recorder, SHOP, await self.person(),
            erasure="e1", source="cli", actor="operator/x", at=self.now,
        )  # fmt: skip
        await erase(SHOP, "e1", use=self.parts.erasing)

    async def person(self) -> str:
        """Who asked."""
        [asked, *_] = await self.events(DataRequested)
        assert isinstance(asked, DataRequested)
        return asked.person

    async def events(self, *kinds: type[Event]) -> list[Event]:
        """What the log holds of these kinds."""
        commits = await self.parts.store.read(SHOP, 0)
        read = await self.parts.reader.read(commits, kinds)
        return [recorded.event for events in read for recorded in events]

    async def wishes(self) -> list[str]:
        """The kinds of the mails that are wished for."""
        kinds = {purpose: kind for kind, purpose in NOTICE_PURPOSES.items()}
        found = await self.events(MailRequested)
        return [kinds[one.purpose] for one in found if isinstance(one, MailRequested)]

    async def reminders(self) -> list[str]:
        """The kinds of the reminders that are still ahead."""
        rows = self.parts.mongo.database[ROWS].find({"what": REMINDER}).sort("due_at", 1)
        return [row["ref"].partition("/")[2] for row in await rows.to_list(None)]

    async def takes(self, deadline: Deadline | None = None) -> int:
        """The sweep takes what is due; answers how much that was."""
        return await take_due(HANDLERS, self.parts.due_work, deadline=deadline or soon())

    async def reacts(self) -> list[SqsRecord]:
        """The reactions follow the log; answers what lies on the queue of mail to send."""
        for reaction in (NOTICES, MAIL):
            await follow(reaction, SHOP, self.parts.reactor)
        return await self.used.drain(self.parts.settings.send_queue)

    async def sends(self, *messages: SqsRecord, mails: MailParts | None = None) -> None:
        """`outbound-email` takes these messages."""
        assert await failures(self.outbound(mails).handle_all, *messages) == {}

    async def crashes(self, message: SqsRecord, breaks: Literal["before", "after"]) -> None:
        """`outbound-email` takes the message, and dies before or after SES took the mail."""
        self.aws.breaks = breaks
        failed = await failures(self.outbound().handle_all, message)
        assert list(failed.values()) == ["ConnectionError"]
        self.aws.breaks = None

    def outbound(self, mails: MailParts | None = None) -> Outbound:
        """What sends, with `mails` in place of the parts' own."""
        p = self.parts
        made = (p.settings, p.store, Leases(p.mongo.database), self.aws, p.recorder)
        return Outbound(*made, mails or p.mail_parts, p.mail_budget, p.shop_tenants, p.clock)

    async def told_by_ses(self, kind: str, message_id: str, *, to: str = "", **detail: Any) -> None:
        """SES tells what became of a mail to the owner, or to somebody else."""
        key = kind.lower()
        tags = {"cplus-shop": ["blue-jam"], "cplus-message": [message_id]}
        mail = {
            "messageId": f"ses-{message_id}",
            "timestamp": self.now.isoformat(),
            "destination": [to or self.owner],
            "tags": tags,
        }
        p = self.parts
        taking = EmailEvents(p.settings, p.store, p.recorder, p.clock)
        event = record({"eventType": kind, "mail": mail, key: detail}, kind)
        assert await failures(taking.handle_all, event) == {}

    async def mails(self, address: str = "") -> list[dict[str, Any]]:
        """What came to the owner, or to somebody else."""
        async with plain_http() as http:
            found = await http.get(f"{self.endpoint}/_mailbox/messages.json")
        mails: list[dict[str, Any]] = found.json()["messages"]
        return [mail for mail in mails if (address or self.owner) in mail["recipients"]]

    def later(self, **delta: float) -> None:
        self.now += timedelta(**delta)


@asynccontextmanager
async def notices_world(
    shared: Intake, shopify: LocalShopify, endpoint: str
) -> AsyncIterator[World]:
    """A world in which nothing has happened but that the app was installed."""
    world = World(await emptied(shared), endpoint, f"{random_id(12)}@merchant.example")
    await world.install(shopify)
    try:
        yield world
    finally:
        await world.aws.close()
        await world.parts.close()
