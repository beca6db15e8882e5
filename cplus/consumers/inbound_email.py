"""Starts and joins conversations from raw mail, never through a read model."""

from __future__ import annotations

import asyncio
import hashlib
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from cplus.aws import Aws
from cplus.consumers.joining import join, join_recorded
from cplus.consumers.replies import rfc_ref
from cplus.errors import InvalidInput
from cplus.events import (
    AlreadyRecorded,
    Appended,
    Cause,
    Commit,
    Conflict,
    Draft,
    EventStore,
    NewEvent,
    Nudger,
    PersonDirectory,
    Repository,
    Resolved,
    heads_of,
    random_id,
    settled,
)
from cplus.events.aggregates.conversation import Conversation
from cplus.events.base import AggregateEvent
from cplus.events.catalogue import PersonsJoined
from cplus.mail import (
    ContactForm,
    InboundMail,
    Receipt,
    Route,
    answer_address,
    candidates,
    contact_form,
    is_own_mail,
    parse,
    parse_receipt,
    route,
)
from cplus.settings import Settings

log = structlog.get_logger()

_TRIES = 8
_AT_ONCE = 5
_CANDIDATES = 20  # a mail may name a thousand others; the best come first


@dataclass(frozen=True, slots=True)
class _Found:
    """What one mail says to one shop."""

    mail: InboundMail
    form: ContactForm | None
    address: str
    name: str | None
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Inbound:
    """What taking mail needs."""

    settings: Settings
    store: EventStore
    repository: Repository
    persons: PersonDirectory
    aws: Aws
    nudger: Nudger

    async def handle_all(self, bodies: Sequence[str]) -> list[Exception | None]:
        """Records the mails of a batch; for each, what kept it from being recorded."""
        turns = asyncio.Semaphore(_AT_ONCE)

        async def one(body: str) -> list[Appended | AlreadyRecorded]:
            async with turns:
                return await self.handle(body)

        done = await asyncio.gather(*(one(body) for body in bodies), return_exceptions=True)
        await self.nudger.nudge(
            heads_of(outcome for result in done if isinstance(result, list) for outcome in result)
        )
        for result in done:
            if isinstance(result, BaseException) and not isinstance(result, Exception):
                raise result
        return [result if isinstance(result, Exception) else None for result in done]

    async def handle(self, body: str) -> list[Appended | AlreadyRecorded]:
        """Records one mail in the log of each shop that it was sent to.

        Raises InvalidInput for a notification that cannot be read or that names no shop, and
        KeyError where the raw mail is not in the bucket.
        """
        receipt = parse_receipt(body)
        routes = route(receipt.recipients, self.settings.mail_domain)
        if not routes:
            raise InvalidInput(reason="no recipient of the mail is a shop")
        raw = await self.aws.get_object(receipt.bucket, receipt.key)
        mail = await asyncio.to_thread(parse, raw)
        by_shop: dict[str, Route] = {}
        for way in routes:
            if way.shop not in by_shop or way.token:
                by_shop[way.shop] = way
        return [await self._record(way, receipt, mail) for way in by_shop.values()]

    async def _record(
        self, way: Route, receipt: Receipt, mail: InboundMail
    ) -> Appended | AlreadyRecorded:
        claim = f"mail/{receipt.ses_message_id}"
        for left in reversed(range(_TRIES)):
            known = await self.store.by_claim(way.shop, claim)
            if known is not None:
                await join_recorded(known, self.persons.join)
                return AlreadyRecorded(known)
            draft = await self._decide(way, receipt, mail, claim)
            [outcome] = await self.store.append([draft])
            if isinstance(outcome, Conflict) and left:
                continue  # another mail was quicker: look again where this one belongs
            answer = settled(outcome)
            await join(draft, answer, self.persons.join)
            log.info("mail_recorded", shop=way.shop, position=answer.position)
            return answer
        raise AssertionError("the last try always answers")

    async def _decide(self, way: Route, receipt: Receipt, mail: InboundMail, claim: str) -> Draft:
        found = self._read(receipt, mail)
        parts: dict[str, Any] = {"reason": found} if isinstance(found, str) else {}
        if not isinstance(found, str):
            parts = await self._converse(way, receipt, found)
        refs = list(parts.pop("refs", ()))
        if mail.message_id:
            refs.append(rfc_ref(self.settings, mail.message_id))
        return Draft(
            shop=way.shop,
            claim=claim,
            source="mail",
            actor="shopper",
            cause=Cause(
                "mail",
                ref={"bucket": receipt.bucket, "key": receipt.key},
                headers=_verdicts(receipt),
            ),
            refs=refs,
            **parts,
        )

    def _read(self, receipt: Receipt, mail: InboundMail) -> _Found | str:
        """What the mail says; or why it means nothing."""
        if receipt.virus == "FAIL":
            return "SES found a virus in it"
        if receipt.spam == "FAIL":
            return "SES called it spam"
        if mail.bounce:
            return "a report of the mail system"
        if is_own_mail(mail, self.settings.mail_domain):
            return "our own mail came back"
        form = contact_form(mail)
        if form is not None and not receipt.sender_is_proved:
            return "a contact form that Shopify did not sign"
        address = form.email if form else answer_address(mail, self.settings.mail_domain)
        if not address:
            return "no sender that can be answered"
        if form is not None:
            subject = _first_words(form.body) or mail.subject
            return _Found(mail, form, address, form.name or None, subject, form.body)
        return _Found(mail, None, address, mail.from_name or None, mail.subject, mail.reply_text)

    async def _converse(self, way: Route, receipt: Receipt, found: _Found) -> dict[str, Any]:
        """Events, sequences and refs of the commit: into which conversation it goes, and what it
        says there."""
        conversation = None if found.form else await self._by_thread(way, found.mail)
        if conversation is None and found.mail.automatic and found.form is None:
            return {"reason": "automatic mail starts nothing"}
        who = await self.persons.resolve(way.shop, address=found.address)
        if who is None:
            return {"reason": "no sender that can be answered"}
        sequences: list[tuple[str, int]] = []
        if conversation is None:
            conversation, sequences = await self._by_person(way.shop, who, receipt, found)
        message_id = _message_id(way.shop, receipt.ses_message_id)
        conversation.receive(
            now=receipt.received_at,
            message_id=message_id,
            person=who.person,
            from_name=found.name,
            from_address=found.address,
            subject=found.subject,
            text=found.text,
            rfc_message_id=found.mail.message_id,
            automatic=found.mail.automatic and found.form is None,
            attachments=len(found.mail.attachments),
            raw={"bucket": receipt.bucket, "key": receipt.key},
        )
        joins = [
            NewEvent(
                who.person, PersonsJoined(person=who.person, absorbed=other), receipt.received_at
            )
            for other in who.absorbed
        ]
        events = [e for e in conversation.collect_events() if isinstance(e, AggregateEvent)]
        return {
            "events": [*joins, *(NewEvent.decided(event) for event in events)],
            "sequences": sequences,
            "refs": list(
                dict.fromkeys(
                    [conversation.id, conversation.person, who.person, f"message/{message_id}"]
                )
            ),
        }

    async def _by_thread(self, way: Route, mail: InboundMail) -> Conversation | None:
        """The conversation that the mail answers: by its token, then by Message-IDs."""
        secret = self.settings.secret("application_secret")
        ways = candidates(mail, [way], shop=way.shop, secret=secret)[:_CANDIDATES]
        for candidate in ways:
            if candidate.kind in ("token", "marker"):
                streams = [f"conversation/{candidate.value}"]
            else:
                ref = rfc_ref(self.settings, candidate.value)
                commits = await self.store.by_ref(way.shop, ref)
                streams = [s for c in commits for s in _conversations(c)]
            for stream in streams:
                conversation: Conversation = await self.repository.load(
                    Conversation, way.shop, stream
                )
                if conversation.version:
                    return conversation
        return None

    async def _by_person(
        self, shop: str, who: Resolved, receipt: Receipt, found: _Found
    ) -> tuple[Conversation, list[tuple[str, int]]]:
        """The newest conversation of the person, if a contact form may join it; or a new one,
        with the place among the person's conversations that it claims."""
        contact = _contact(who.person)
        number, newest = await self.store.latest(shop, contact)
        for former in who.ids[1:]:  # what began before two persons turned out to be one
            _, other = await self.store.latest(shop, _contact(former))
            if other and (newest is None or other.position > newest.position):
                newest = other
        if found.form is not None and newest is not None:
            for stream in _conversations(newest):
                conversation: Conversation = await self.repository.load(Conversation, shop, stream)
                if self._may_join(conversation, receipt.received_at):
                    return conversation, []
        conversation = Conversation.empty(f"conversation/{random_id()}")
        conversation.start(
            person=who.person,
            channel="contact_form" if found.form else "email",
            subject=found.subject,
            now=receipt.received_at,
        )
        return conversation, [(contact, number + 1)]

    def _may_join(self, conversation: Conversation, now: datetime) -> bool:
        if conversation.open:
            return True
        limit = timedelta(days=self.settings.join_closed_days)
        return conversation.closed_at is not None and now - conversation.closed_at < limit


def _contact(person: str) -> str:
    """The sequence that numbers the conversations of a person."""
    return f"contact/{person.removeprefix('person/')}"


def _conversations(commit: Commit) -> list[str]:
    """The conversations that the commit is about, by its claims and refs."""
    names = [ref for ref in commit.refs if ref.startswith("conversation/")]
    claimed = [c.partition("@")[0] for c in commit.claims if c.startswith("conversation/")]
    return list(dict.fromkeys(names + claimed))


def _first_words(text: str) -> str:
    """What a form is about: the beginning of its first line.

    Shopify's own subject only tells the minute, and the shopper never saw it.
    """
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return textwrap.shorten(first, 80, placeholder="…")


def _message_id(shop: str, ses_message_id: str) -> str:
    """The id of the message that a mail is: the same, however often it is read."""
    return hashlib.sha256(f"{shop}\n{ses_message_id}".encode()).hexdigest()[:16]


def _verdicts(receipt: Receipt) -> dict[str, str]:
    """What the commit keeps beside the pointer to the raw mail: SES's id and its verdicts."""
    verdicts = {name: getattr(receipt, name) for name in ("spam", "virus", "spf", "dkim", "dmarc")}
    told = {name: verdict for name, verdict in verdicts.items() if verdict}
    return {"ses_message_id": receipt.ses_message_id, **told}
