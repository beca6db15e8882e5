"""A small world for the tests of mail: a log, buckets, SES's stand-in, and mails to write."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

from pydantic import SecretStr

from cplus.aws import Aws
from cplus.bootstrap import Parts
from cplus.consumers.batches.sqs import SqsRecord
from cplus.consumers.mail.arrived import INCOMING
from cplus.consumers.mail.inbound_email import Inbound
from cplus.consumers.sending.email_events import EmailEvents
from cplus.consumers.sending.outbound_email import Outbound
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.base import Cause, NewEvent
from cplus.events.catalogue.conversations import MessageReceived
from cplus.events.catalogue.mail import MailSetAside
from cplus.events.log.commit import Commit, Draft
from cplus.events.names import INSTALLED_REF
from cplus.events.recording import Recorder
from cplus.ids import random_id
from cplus.leases import Leases
from cplus.mail import reply_address
from cplus.settings import Settings
from tests.databases import connected
from tests.integration.intake import failures, new_bucket, record, versioned
from tests.nudges import Nudges
from tests.plain_http import plain_http
from tests.samples import installed

SHOP = "acorn.myshopify.com"
DOMAIN = "mail.cplus.example"
ADA = "ada@shopper.example"
START = datetime(2026, 11, 1, 12, tzinfo=UTC)


@dataclass
class World:
    """The parts under test, and a clock that only moves when it is told to."""

    parts: Parts
    endpoint: str
    send_queue: str
    aws: Aws
    nudges: Nudges = field(default_factory=Nudges)
    now: datetime = START

    @classmethod
    async def make(
        cls, mongo_uri: str, database: str, endpoint: str, aws: Aws, *, mail_bucket: str = ""
    ) -> World:
        """On a database that has its indexes; with a bucket of its own, unless one is given."""
        sqs, ses = [await aws.client(name) for name in ("sqs", "sesv2")]
        queue = (await sqs.create_queue(QueueName=f"send-{random_id(12)}"))["QueueUrl"]
        await ses.create_email_identity(EmailIdentity=DOMAIN)
        settings = Settings(
            mongo_uri=SecretStr(mongo_uri),
            mongo_database=database,
            mongo_keyring_database=f"{database}_keyring",
            application_secret=SecretStr("a secret that is only for tests"),
            mail_domain=DOMAIN,
            app_url="https://app.cplus.example",
            shopify_client_id="client",
            mail_bucket=mail_bucket or await new_mail_bucket(aws),
            roots_bucket=await new_bucket(aws, "roots"),
            send_queue=queue,
            push_origin=endpoint,
            settle_seconds=60,
        )
        parts = Parts(settings, lambda: made.now, mongo=connected(settings), aws=aws)
        made = cls(parts, endpoint, queue, aws)
        await made.install(SHOP)
        return made

    async def install(self, shop: str) -> None:
        """Lets a merchant install the app; again is fine."""
        event = installed("", shop=shop, at=self.now)
        draft = Draft(
            shop=shop,
            claim="install/test",
            source="install",
            actor="merchant",
            events=[NewEvent.decided(event)],
            cause=Cause("install"),
            refs=[INSTALLED_REF],
        )
        await self.parts.store.append([draft])

    @property
    def bucket(self) -> str:
        """The bucket of raw mail."""
        return self.parts.settings.mail_bucket

    @property
    def recorder(self) -> Recorder:
        return Recorder(self.parts.store, self.parts.reader, self.nudges)

    @property
    def inbound(self) -> Inbound:
        p = self.parts
        return Inbound(
            p.settings,
            p.store,
            p.persons,
            self.aws,
            self.recorder,
            blocks=p.conversations.blocks,
            clock=p.clock,
        )

    def outbound(self, aws: Aws | None = None) -> Outbound:
        p = self.parts
        leases = Leases(p.mongo.database)
        sending = leases, aws or self.aws, self.recorder, p.mail_parts, p.mail_budget
        return Outbound(
            p.settings, p.store, *sending, p.shop_tenants, p.clock, push=p.pushing.handle
        )

    @property
    def email_events(self) -> EmailEvents:
        return EmailEvents(self.parts.settings, self.parts.store, self.recorder, self.parts.clock)

    async def arrive(
        self, raw: bytes, ses_id: str, *to: str, folder: str = INCOMING, **verdicts: str
    ) -> SqsRecord:
        """Puts the mail into the bucket; answers the message with SES's notification."""
        key = f"{folder}{ses_id}"
        await self.aws.put_object(self.bucket, key, raw)
        told = {f"{name}Verdict": {"status": verdicts.get(name, "PASS")} for name in _VERDICTS}
        return record(
            {
                "notificationType": "Received",
                "mail": {"messageId": ses_id, "source": ADA},
                "receipt": {
                    "timestamp": self.now.isoformat(),
                    "recipients": list(to) or [f"acorn@{DOMAIN}"],
                    "action": {"type": "S3", "bucketName": self.bucket, "objectKey": key},
                    **told,
                },
            },
            ses_id,
        )

    async def receive(self, raw: bytes, ses_id: str, *to: str, **verdicts: str) -> None:
        """Lets a mail come in and be recorded."""
        message = await self.arrive(raw, ses_id, *to, **verdicts)
        assert await failures(self.inbound.handle_all, message) == {}

    async def keys(self) -> list[str]:
        """The key of every object in the bucket of mail that has a version left."""
        return list(await self.aws.list_versions(self.bucket, ""))

    async def commits(self, shop: str = SHOP) -> list[Commit]:
        """What the shop's log holds beside the install."""
        read = await self.parts.store.read(shop, 0)
        return [commit for commit in read if INSTALLED_REF not in commit.refs]

    async def types(self, shop: str = SHOP) -> list[list[str]]:
        """The types of the events of each commit, without what comes before the dot."""
        return [
            [document["type"].partition(".")[2] for document in commit.documents]
            for commit in await self.commits(shop)
        ]

    async def conversation(self, shop: str = SHOP) -> Conversation:
        """The only conversation of the shop."""
        streams = {d["stream"] for c in await self.commits(shop) for d in c.documents}
        [stream] = [name for name in streams if name.startswith("conversation/")]
        loaded: Conversation = await self.parts.recorder.load(Conversation, shop, stream)
        return loaded

    async def token_address(self) -> str:
        """The address for replies in the only conversation of the shop."""
        conversation = await self.conversation()
        secret = self.parts.settings.secret("application_secret")
        return reply_address(SHOP, conversation.conversation_id, secret, DOMAIN)

    async def received(self, shop: str = SHOP) -> list[MessageReceived]:
        """The messages of customers in the shop's log, in their order."""
        read = await self.parts.reader.read(await self.commits(shop), [MessageReceived])
        events = [recorded.event for commit in read for recorded in commit]
        return [event for event in events if isinstance(event, MessageReceived)]

    async def asides(self) -> list[MailSetAside]:
        """The mails in the shop's log that are shown apart, in their order."""
        read = await self.parts.reader.read(await self.commits(), [MailSetAside])
        events = [recorded.event for commit in read for recorded in commit]
        return [event for event in events if isinstance(event, MailSetAside)]

    async def answer(
        self, message_id: str = "reply1", text: str = "Yes, in blue.", **more: Any
    ) -> None:
        """Lets the merchant answer the only conversation."""
        conversation = await self.conversation()
        await self.recorder.decide(
            Conversation,
            SHOP,
            conversation.id,
            lambda c: c.reply(
                message_id=message_id, text=text, author="merchant", now=self.now, **more
            ),
            claim=f"reply/{message_id}",
            source="dashboard",
            actor="merchant",
            refs=[f"message/{message_id}"],
        )

    async def mailbox(self) -> list[dict[str, Any]]:
        async with plain_http() as http:
            found = await http.get(f"{self.endpoint}/_mailbox/messages.json")
        mails: list[dict[str, Any]] = found.json()["messages"]
        return mails

    def later(self, **delta: float) -> None:
        self.now += timedelta(**delta)

    async def close(self) -> None:
        await self.parts.close()


async def new_mail_bucket(aws: Aws) -> str:
    """A bucket for raw mail, which keeps versions."""
    bucket = await new_bucket(aws, "mail")
    await versioned(aws, bucket)
    return bucket


_VERDICTS = ("spam", "virus", "spf", "dkim", "dmarc")


def form(text: str = "Do you have it in blue?", sender: str = ADA, number: int = 1) -> bytes:
    """A mail of Shopify's contact form."""
    mail = EmailMessage()
    mail["From"] = "Acorn (Shopify) <mailer@shopify.com>"
    mail["To"] = f"acorn@{DOMAIN}"
    mail["Reply-To"] = sender
    mail["Subject"] = "New customer message on November 1, 2026 at 12:00 pm"
    mail["Message-ID"] = f"<form{number}@shopify.com>"
    mail.set_content(
        "You received a new message from your online store's contact form.\n\n"
        f"Country Code:\nUS\n\nName:\nAda\n\nEmail:\n{sender}\n\nBody:\n{text}\n"
    )
    return mail.as_bytes()


def plain(text: str, *, sender: str = ADA, **headers: str) -> bytes:
    """A mail that a person wrote."""
    mail = EmailMessage()
    mail["From"] = f"Ada <{sender}>"
    mail["Subject"] = headers.pop("subject", "Sizes")
    mail["Message-ID"] = headers.pop("message_id", "<plain@shopper.example>")
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail.as_bytes()
