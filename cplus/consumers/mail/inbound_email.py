"""Starts and joins conversations from raw mail, never through a read model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import structlog

from cplus.actors import SHOPPER
from cplus.aws import MAIL, Aws, SealedObjects
from cplus.clock import Clock, utc_now
from cplus.commands.block_lookup import BlockLookup
from cplus.commands.setup import is_announced
from cplus.consumers.batches.messages import each_message
from cplus.consumers.batches.room import Room
from cplus.consumers.batches.sqs import SqsRecord
from cplus.consumers.erased_shops import last_erasure
from cplus.consumers.mail.arrived import Arrived
from cplus.consumers.mail.concerned import Concerned
from cplus.consumers.mail.conversation_finder import ConversationFinder, may_take_answers
from cplus.consumers.mail.copies import Copies, Place
from cplus.consumers.mail.mailbox_answers import MailboxAnswers
from cplus.consumers.mail.message_ids import rfc_ref
from cplus.consumers.mail.reading import Found, as_written, may_be_answered, verdicts
from cplus.deadline import Deadline
from cplus.envelopes import Stored
from cplus.errors import InvalidInput
from cplus.events.aggregates.billing_account import month_of
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.base import Cause, NewEvent
from cplus.events.catalogue.customers import PersonsJoined
from cplus.events.catalogue.mail import QUARANTINE, AsideReason, MailSetAside
from cplus.events.catalogue.setup import MailTestReceived
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import AlreadyRecorded
from cplus.events.log.store import EventStore
from cplus.events.names import (
    INSTALLED_REF,
    mail_stream,
    mail_test_ref,
    message_ref,
    received_mail_claim,
    setup_stream,
    started_ref,
)
from cplus.events.names import person as named
from cplus.events.recording import Recorder
from cplus.events.repository import decided
from cplus.ids import random_id
from cplus.mail import InboundMail, Receipt, Route, code_in, parse_receipt, route
from cplus.privacy.identities import Resolved
from cplus.privacy.joining import join, join_recorded
from cplus.privacy.persons import PersonDirectory
from cplus.settings import Settings

log = structlog.get_logger()

BYTES_AT_ONCE = 48 * 1024 * 1024
"""Of raw mail that is in memory at once; reading takes ten times as many."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """What taking mail needs."""

    settings: Settings
    store: EventStore
    persons: PersonDirectory
    aws: Aws
    recorder: Recorder
    installed: set[str] = field(default_factory=set)
    """Shops that are known to have the app; none leaves its log again."""
    blocks: BlockLookup = field(default_factory=BlockLookup)
    """Finds whether a sender is blocked."""
    bytes_at_once: int = BYTES_AT_ONCE
    clock: Clock = utc_now
    """When a merchant's answer counts as written."""

    @property
    def finder(self) -> ConversationFinder:
        """Finds where a mail belongs."""
        return ConversationFinder(self.settings, self.store, self.recorder)

    @property
    def concerned(self) -> Concerned:
        """Finds whom a mail is about that its author does not say."""
        return Concerned(self.persons, self.finder)

    @property
    def copies(self) -> Copies:
        """Tells whether a mail came before."""
        return Copies(self.settings, self.store, self.recorder.reader)

    async def handle_all(self, records: Sequence[SqsRecord], limit: Deadline) -> list[str]:
        """Records the mails of a batch; answers the ids of the messages that failed.

        `limit` is when Lambda ends the function: what is not done shortly before it fails, so that
        the others are done with. Whatever was recorded is nudged, once per shop.
        """
        room = Room(self.bytes_at_once)
        async with self.recorder.together() as recorder:

            async def one(record: SqsRecord) -> None:
                await self._handle(record.body, room, recorder)

            return await each_message(records, one, limit)

    async def _handle(self, body: str, room: Room, recorder: Recorder) -> None:
        """Records one mail in the log of each shop that it was sent to.

        A mail to nobody who has the app is left to end in its bucket: a log or a dead letter would
        let any stranger make as many as they like. Raises InvalidInput for a notification that
        cannot be read or names another bucket, KeyError where the raw mail is not in the bucket,
        and what kept the first of the shops from taking the mail, once the others have it.
        """
        receipt = parse_receipt(body)
        if receipt.bucket != self.settings.needed("mail_bucket"):
            raise InvalidInput(reason="the mail is not in the bucket of mail")
        ways = await self._ways(receipt)
        if not ways:
            log.warning("mail_for_no_shop", ses_message_id=receipt.ses_message_id)
            return
        bucket = SealedObjects(self.aws, receipt.bucket, MAIL)
        async with Arrived(receipt, self.aws, bucket, room, self.settings.mail_domain) as arrived:
            failures: list[Exception] = []
            needed = False
            for way in ways:
                try:
                    needed |= await self._record(way, receipt, arrived, recorder)
                except Exception as error:  # noqa: BLE001 - raised below; the others get the mail
                    failures.append(error)
            if failures:
                raise failures[0]
            if not needed:
                await arrived.pass_away()

    async def _ways(self, receipt: Receipt) -> list[Route]:
        """One way to each shop with the app among the recipients, with a token where one is."""
        by_shop: dict[str, Route] = {}
        for way in route(receipt.recipients, self.settings.mail_domain):
            if way.shop not in by_shop or way.token:
                by_shop[way.shop] = way
        return [way for shop, way in by_shop.items() if await self._is_installed(shop)]

    async def _is_installed(self, shop: str) -> bool:
        if erasure := await last_erasure(self.store, None, shop):
            return erasure.is_over
        if shop not in self.installed:
            if not await self.store.by_ref(shop, INSTALLED_REF, 1):
                return False
            self.installed.add(shop)
        return True

    async def _record(
        self, way: Route, receipt: Receipt, arrived: Arrived, recorder: Recorder
    ) -> bool:
        """Records it in the shop's log; returns whether that names the clear object."""
        claim = received_mail_claim(receipt.ses_message_id)
        draft: Draft | None = None

        async def decide() -> Draft:
            nonlocal draft
            draft = await self._decide(way, receipt, arrived, claim, recorder)
            return draft

        answer = await recorder.record(way.shop, claim, decide)
        if isinstance(answer, AlreadyRecorded):
            await join_recorded(recorder.reader, answer.commit, self.persons.join)
            return arrived.passes and await self._names_clear(way.shop, claim, arrived)
        if draft is not None:
            await join(recorder.reader, draft, answer, self.persons.join)
            log.info("mail_recorded", shop=way.shop, position=answer.position)
        return False

    async def _names_clear(self, shop: str, claim: str, arrived: Arrived) -> bool:
        """Whether code from before recorded the mail as it lies there."""
        commit = await self.store.by_claim(shop, claim, cause=True)
        return commit is not None and (commit.cause or {}).get("ref") == arrived.clear.ref

    async def _decide(
        self, way: Route, receipt: Receipt, arrived: Arrived, claim: str, recorder: Recorder
    ) -> Draft:
        mail, said = await arrived.read()
        kept = await arrived.kept_for(way.shop)
        answers = MailboxAnswers(self.settings, recorder, self.clock)
        way, claimed = await answers.find(way, mail)
        if claimed is not None:
            files = partial(arrived.files_for, way.shop)
            parts = await answers.take(way, receipt, mail, claimed, files)
        elif isinstance(said, str):
            about = await self.concerned.by_unread(way, mail, receipt.received_at)
            parts = {"reason": said, "about": about}
        elif code := await self._test(way.shop, mail, receipt.received_at):
            about = await self.concerned.by_unread(way, mail, receipt.received_at)
            parts = {**_tested(way.shop, code, said, receipt.received_at), "about": about}
        else:
            parts = await self._converse(way, receipt, said, kept, arrived)
        refs = list(parts.pop("refs", ()))
        if mail.message_id:
            refs.append(rfc_ref(self.settings, mail.message_id))
        return Draft(
            shop=way.shop,
            claim=claim,
            source="mail",
            actor=parts.pop("actor", SHOPPER),
            cause=Cause(
                "mail",
                ref=kept.ref,
                headers=verdicts(receipt),
                opens=kept.opens,
            ),
            refs=refs,
            correlation_id=receipt.ses_message_id,
            **parts,
        )

    async def _test(self, shop: str, mail: InboundMail, now: datetime) -> str | None:
        """The code of the merchant's test that the mail is; None for any other mail."""
        code = code_in(mail)
        return code if code and await is_announced(self.store, shop, code, now) else None

    async def _converse(
        self, way: Route, receipt: Receipt, found: Found, kept: Stored, arrived: Arrived
    ) -> dict[str, Any]:
        """Events, sequences and refs of the commit: into which conversation it goes, and what it
        says there."""
        conversation, now = None, receipt.received_at
        if found.form is None and found.aside in {None, *QUARANTINE}:
            conversation = await self._answered(way, found, now)
        aside = (
            found.aside
            or await self._blocked(way.shop, found)
            or (found.aside_alone if conversation is None else None)
        )
        once, repeated = await self.copies.of(way.shop, found, aside=aside is not None)
        if repeated is not None:
            reason = "the same mail came before, under another id of SES"
            return {"reason": reason, "about": repeated}
        files = await arrived.files_for(way.shop)
        written = as_written(way.shop, receipt, found, kept.ref, files)
        if aside is not None:
            written["answers"] = conversation.conversation_id if conversation else None
            return await self._set_aside(way, found, aside, once, written, now)
        who = await self._sender(way.shop, found, conversation, now)
        begins: list[tuple[str, int]] = []
        if conversation is None:
            conversation, begins = await self.finder.by_person(way.shop, who, found, now)
        answer_here = bool(begins) or may_take_answers(conversation, who, found)
        message = message_ref(written["message_id"])
        conversation.receive(
            now=now,
            person=who.person,
            answer_here=answer_here,
            automatic=found.mail.automatic and found.form is None,
            answerable=may_be_answered(found),
            **written,
        )
        refs = [conversation.id, conversation.person, who.person, *who.absorbed, message]
        if begins:  # so it counts in its month
            refs.append(started_ref(month_of(now)))
        return {
            "events": [*_joins(who, now), *decided(conversation)],
            "sequences": [*begins, *once],
            "refs": list(dict.fromkeys(refs)),
        }

    async def _blocked(self, shop: str, found: Found) -> AsideReason | None:
        """Whether the merchant blocked its sender, as the mail shows them."""
        addresses = (found.address, found.sent_from)
        block = await self.blocks.of(self.recorder, shop, addresses)
        return "blocked" if block else None

    async def _answered(self, way: Route, found: Found, now: datetime) -> Conversation | None:
        """The conversation that the mail answers. One whose person was erased takes only late mail
        of somebody erased: whoever comes back could never be answered there."""
        conversation = await self.finder.by_thread(way, found.mail, now)
        if conversation is None or not conversation.erased:
            return conversation
        who = await self.persons.resolve(way.shop, address=found.address, happened_at=now)
        return conversation if who is not None and who.erased else None

    async def _set_aside(
        self,
        way: Route,
        found: Found,
        reason: AsideReason,
        once: list[Place],
        written: dict[str, Any],
        now: datetime,
    ) -> dict[str, Any]:
        """Events, sequences and refs of the commit of a mail that is shown apart."""
        reported = await self.concerned.by_report(way, found, now) if reason == "report" else None
        who = Resolved(reported) if reported else await self._sender(way.shop, found, None, now)
        event = MailSetAside(
            person=who.person,
            reason=reason,
            channel="contact_form" if found.form else "email",
            **written,
        )
        stream = mail_stream(event.message_id)
        return {
            "events": [*_joins(who, now), NewEvent(stream, event, now)],
            "sequences": once,
            "refs": [stream, who.person, *who.absorbed, message_ref(event.message_id)],
        }

    async def _sender(
        self, shop: str, found: Found, conversation: Conversation | None, now: datetime
    ) -> Resolved:
        """The person whose mail came `now`. An unknown sender is the person of the conversation, if
        the mail belongs to one, and otherwise somebody new."""
        who = await self.persons.resolve(shop, address=found.address, happened_at=now)
        if who is not None:
            return who
        return Resolved(conversation.person if conversation else named(random_id()))


def _tested(shop: str, code: str, found: Found, now: datetime) -> dict[str, Any]:
    """Events and refs of the commit of a merchant's test."""
    event = MailTestReceived(code=code, channel="contact_form" if found.form else "email")
    stream = setup_stream(shop)
    return {"events": [NewEvent(stream, event, now)], "refs": [stream, mail_test_ref(code)]}


def _joins(who: Resolved, now: datetime) -> list[NewEvent]:
    """What tells the log that others turned out to be the same person."""
    return [
        NewEvent(who.person, PersonsJoined(person=who.person, absorbed=other), now)
        for other in who.absorbed
    ]
