"""Processes that read and write a sealed log, and a person of whom it holds something of every
kind."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.base import Cause, Event, NewEvent
from cplus.events.catalogue.customers import CustomerChanged, CustomerImported, PersonsJoined
from cplus.events.catalogue.mail import MailDelivered, MailSetAside
from cplus.events.catalogue.orders import OrderChanged
from cplus.events.catalogue.privacy import DataRequested
from cplus.events.log.commit import Commit, Draft
from cplus.events.log.store import COMMITS, EventStore
from cplus.events.names import conversation_stream, data_request_stream, mail_stream, message_ref
from cplus.events.reader import EventReader
from cplus.events.recording import Recorder
from cplus.events.repository import decided
from cplus.mongo import Mongo
from cplus.privacy.all_ids import AllIds
from cplus.privacy.erasing import Behind, Directory, Erasing, ask, erase
from cplus.privacy.keyring import LOCAL, Keyring, LocalMaster
from cplus.privacy.ledger import Erased
from cplus.projections.base import Projection
from cplus.projections.checks.verify import verify_shop
from cplus.projections.groups import ALL
from cplus.projections.running.runner import Runner
from cplus.workspace.drafts import Drafts
from tests.nudges import Nudges

SHOP = "acorn.myshopify.com"
ADA, OLD, BEA = "person/ada", "person/old", "person/bea"
"""Ada was known as somebody else before."""
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
WORDS = ("+4915112345", "lampshade", "lovelace")
"""In everything that is of Ada, and in nothing that is of others."""


@dataclass
class Elsewhere:
    """Stands for the directory, the objects and the ledger: keeps what it was told."""

    forgotten: list[tuple[str, tuple[str, ...], datetime]] = field(default_factory=list)
    deleted: set[tuple[str, str]] = field(default_factory=set)
    entries: list[Erased] = field(default_factory=list)

    async def forget(self, shop: str, persons: Collection[str], at: datetime) -> None:
        self.forgotten.append((shop, tuple(persons), at))

    async def delete(self, refs: Collection[Mapping[str, str]]) -> int:
        before = len(self.deleted)
        self.deleted |= {(ref["bucket"], ref["key"]) for ref in refs}
        return len(self.deleted) - before

    async def write(self, entry: Erased) -> None:
        self.entries.append(entry)


async def no_rows(_shop: str, _position: int) -> list[str]:
    """For tests of what an erasure does with log and keys: no read model is waited for."""
    return []


async def nobody_known(_shop: str, _address: str) -> list[str]:
    """Who has an address, in a directory without anybody."""
    return []


class Process:
    """What a process that has just started works with."""

    def __init__(self, mongo: Mongo, log: Any = None, **options: Any) -> None:
        masters = {LOCAL: LocalMaster("a secret that is only for tests")}
        self.mongo = mongo
        self.keyring = Keyring(mongo.keyring, masters, lambda: NOW, **options)
        self.store = EventStore(log or mongo, lambda: NOW, keys=self.keyring)
        self.reader = EventReader(keys=self.keyring)
        self.recorder = Recorder(self.store, self.reader, Nudges())
        self.drafts = Drafts(mongo.database, self.store, self.keyring, nobody_known, lambda: NOW)

    async def ask(self, person: str = ADA, erasure: str = "e1", shop: str = SHOP) -> None:
        """Somebody asks that a person be erased."""
        await ask(
            self.recorder, shop, person, erasure=erasure, source="cli", actor="operator/x", at=NOW
        )

    async def complete(
        self,
        erasure: str = "e1",
        shop: str = SHOP,
        *,
        elsewhere: Elsewhere | None = None,
        directory: Directory | None = None,
        behind: Behind = no_rows,
        drafts: Drafts | None = None,
        **more: Any,
    ) -> Erased:
        """Carries an erasure out that was asked for; `more`: other parts of Erasing."""
        way = elsewhere or Elsewhere()
        ids = AllIds(self.store, self.reader, self.mongo.keyring)
        knows = directory or way
        use = Erasing(
            self.recorder,
            self.keyring,
            ids,
            knows,
            way,
            way,
            drafts or self.drafts,
            behind,
            lambda: NOW,
            **more,
        )
        return await erase(shop, erasure, use=use)

    async def erase(self, person: str = ADA, erasure: str = "e1", shop: str = SHOP) -> Erased:
        """Erases a person."""
        await self.ask(person, erasure, shop)
        return await self.complete(erasure, shop)

    async def emails(self, commits: Sequence[Commit] | None = None) -> list[str | None]:
        """The addresses that Shopify told of."""
        if commits is None:
            commits = await self.store.read(SHOP, 0)
        found = await self.reader.read(commits, [CustomerChanged])
        return [one.event.email for events in found for one in events]  # type: ignore[attr-defined]

    async def fold(self, *projections: Projection, shop: str = SHOP) -> None:
        """Brings these read models to the end of the log, or all."""
        runner = Runner(self.mongo, self.store, self.reader, ALL, lambda: NOW)
        for projection in projections or ALL:
            await runner.catch_up(projection, shop)

    async def differences(self, shop: str = SHOP) -> list[Any]:
        """What a rebuild would change, by read model."""
        found = []
        for projection in ALL:
            checked = await verify_shop(self.mongo, self.store, self.reader, projection, shop)
            assert checked.position == (await self.store.head(shop)).position
            found += [(projection.name, one) for one in checked.differences]
        return found

    async def words(self, shop: str = SHOP) -> list[str]:
        """The words of Ada that the log still gives, or that stand in a row."""
        events = str(await self.reader.read(await self.store.read(shop, 0, limit=100_000)))
        return sorted({*words_in(events), *await self.words_in_rows()})

    async def words_in_rows(self) -> list[str]:
        """The words of Ada that stand in a row."""
        names = await self.mongo.database.list_collection_names()
        of_rows = [self.mongo.database[name] for name in names if name != COMMITS]
        return words_in(str([await rows.find({}).to_list(None) for rows in of_rows]))


def words_in(text: str) -> list[str]:
    """The words of Ada that stand there."""
    return [word for word in WORDS if word in text.lower()]


def mail(
    number: int,
    person: str = ADA,
    talk: Conversation | None = None,
    *,
    shop: str = SHOP,
    bucket: str = "mail",
) -> Draft:
    """A mail of a person, into this conversation or one of its own."""
    talk = talk or Conversation.empty(conversation_stream(f"c{number}"))
    name, words = ("Lovelace", "a lampshade") if person != BEA else ("Bea", "a table")
    raw = {"bucket": bucket, "key": f"raw{number}"}
    if not talk.version:
        talk.start(person=person, channel="email", subject=f"About {words}", now=NOW)
    talk.receive(
        now=NOW,
        message_id=f"m{number}",
        person=person,
        from_name=name,
        from_address=f"{name.lower()}@shopper.example",
        subject=f"About {words}",
        text=f"I like {words}",
        rfc_message_id=f"<{name}{number}@shopper.example>",
        raw=raw,
    )
    refs = list(dict.fromkeys([talk.id, talk.person, person, message_ref(f"m{number}")]))
    events = decided(talk)
    cause = Cause("mail", ref=raw)
    return Draft(shop, f"mail/{number}", "mail", "shopper", events, cause, refs=refs)


def answer(number: int, talk: Conversation, shop: str = SHOP) -> Draft:
    """The merchant's answer: its commit names the conversation, and nobody."""
    talk.reply(message_id=f"r{number}", text="Here is the lampshade", author="x", now=NOW)
    refs = [talk.id, message_ref(f"r{number}")]
    return Draft(shop, f"reply/{number}", "dashboard", "merchant/x", decided(talk), refs=refs)


def fact(number: int, stream: str, *events: Event, large: str = "", shop: str = SHOP) -> Draft:
    """A webhook; `large`: the bucket in which its body is."""
    named = [getattr(event, name) for event in events for name in event.NAMES_PERSONS]
    body = Cause("webhook", b"lovelace and a lampshade")
    cause = Cause("webhook", ref={"bucket": large, "key": f"b{number}"}) if large else body
    news = [NewEvent(stream, event, NOW) for event in events]
    refs = [stream, *dict.fromkeys(named)]
    return Draft(shop, f"webhook/{number}", "webhook", "shopify", news, cause, refs=refs)


BUCKETS = {"mail": "mail", "bodies": "bodies"}


def history(shop: str = SHOP, buckets: Mapping[str, str] = BUCKETS) -> list[Draft]:
    """Something of every kind that the log holds of Ada, some of it under her older id; and what
    is of Bea, in whose conversation Ada took part too."""
    at, raw = buckets["mail"], {"bucket": buckets["mail"], "key": "raw5"}
    own = Conversation.empty(conversation_stream("c1"))
    of_bea = Conversation.empty(conversation_stream("c3"))
    known: dict[str, Any] = {
        "first_name": "Lovelace",
        "note": "likes a lampshade",
        "phone": "+4915112345",
    }
    old = CustomerChanged(shopify_customer_id=7, person=OLD, email="lovelace@old.example", **known)
    page = [
        CustomerImported(shopify_customer_id=7, person=ADA, **known),
        CustomerImported(shopify_customer_id=8, person=BEA, first_name="Bea"),
    ]
    order = OrderChanged(
        shopify_order_id=1, person=ADA, name="#1001", currency="EUR", total_price="1.00"
    )
    asked = DataRequested(request_id=9, person=ADA, email="lovelace@shopper.example", due_at=NOW)
    aside = MailSetAside(
        message_id="m5", person=ADA, reason="spam", channel="email", from_name="Lovelace",
        from_address=None, subject="A lampshade", text="A lampshade", rfc_message_id=None,
        raw=raw,
    )  # fmt: skip
    delivered = MailDelivered(message_id="r1", conversation_id="c1")
    joined = PersonsJoined(person=ADA, absorbed=OLD)
    return [
        fact(1, "customer/7", old, shop=shop),
        fact(2, ADA, joined, shop=shop),
        fact(3, "import/i1", *page, large=buckets["bodies"], shop=shop),
        fact(4, "order/1", order, shop=shop),
        fact(5, data_request_stream(9), asked, shop=shop),
        mail(1, talk=own, shop=shop, bucket=at),
        answer(1, own, shop),
        fact(6, mail_stream("r1"), delivered, shop=shop),
        mail(2, OLD, shop=shop, bucket=at),
        mail(3, BEA, of_bea, shop=shop, bucket=at),
        mail(4, ADA, of_bea, shop=shop, bucket=at),
        Draft(
            shop, "mail/5", "mail", "shopper", [NewEvent(mail_stream("m5"), aside, NOW)],
            Cause("mail", ref=raw),
            refs=[mail_stream("m5"), ADA, message_ref("m5")],
        ),
    ]  # fmt: skip
