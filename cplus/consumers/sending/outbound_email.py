"""Sends each mail once: merchants' replies, and whatever else was requested.

The wish to send stands in the log before anything is sent. A lease lets one worker send, and
what it was about to do is noted first: after a crash in between nobody knows whether the mail
went out, so the next worker waits for SES's events to settle it, and sends again only when they
stay away.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from cplus.actors import system
from cplus.aws import LONGEST_DELAY, REFUSALS, Aws, MailNotTaken
from cplus.clock import Clock
from cplus.commands.conversations.withdrawing import Withdrawals, complete, withdrawn_by
from cplus.commands.sending_state import note_limit
from cplus.consumers.batches.messages import each_message
from cplus.consumers.batches.room import Room
from cplus.consumers.batches.sqs import SqsRecord
from cplus.consumers.erased_shops import is_removed
from cplus.consumers.mail.message_ids import rfc_refs
from cplus.consumers.pushing.news import PUSH
from cplus.consumers.sending.failing import Failure, addresses_of, record_failure
from cplus.consumers.sending.limits.budget import SHARED_DOMAIN, SHOP_DAY, Budget, Wait
from cplus.consumers.sending.outgoing import Outgoing, find_outgoing
from cplus.consumers.sending.purpose import Later, Leaving, Mail, MailParts, Never, Purpose
from cplus.consumers.sending.purposes import registered
from cplus.consumers.sending.tenants import REFUSED, ShopTenants
from cplus.deadline import Deadline
from cplus.errors import InvalidInput
from cplus.events.aggregates.addresses import Addresses
from cplus.events.base import Cause, Event, NewEvent
from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.catalogue.settings import LimitOf
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import settled
from cplus.events.log.store import EventStore
from cplus.events.names import mail_stream, rejected_claim, sent_claim
from cplus.events.recording import Recorder
from cplus.leases import Lease, Leases, of_sending
from cplus.mail import FALLBACK_TAG, FILES_LIMIT, MESSAGE_TAG, SHOP_TAG
from cplus.settings import Settings
from cplus.shopify import shop_host, shop_name
from cplus.wording import worded

log = structlog.get_logger()

_AT_ONCE = 4  # as many as the process has connections
_FIRST_DELAY = 5  # seconds until a mail is tried again that SES did not take for now
_ERASED = worded("the person was erased")
_REMOVED = worded("the app was removed from the shop before the mail went out")
MARKED = worded(
    "email to this address is stopped, because earlier email bounced or was called spam"
)
_CODES = {
    _ERASED: "invalid",
    _REMOVED: "removed",
    MARKED: "marked",
    **dict.fromkeys(REFUSALS, "not_taken"),
}
"""The code of each of our reasons, and of SES's; of any other, the mail could not be made."""
_LIMITS: Mapping[str, LimitOf] = {SHARED_DOMAIN: "shared_domain", SHOP_DAY: "account"}
_LISTED = "SES still suppresses the address"
_UNKNOWN = "unknown purpose"  # of a newer release, while this one still runs


@dataclass(frozen=True, slots=True)
class Outbound:
    """What sending needs."""

    settings: Settings
    store: EventStore
    leases: Leases
    aws: Aws
    recorder: Recorder
    parts: MailParts
    """What mails are made with."""
    budget: Budget
    tenants: ShopTenants
    clock: Clock
    purposes: Mapping[str, Purpose[Any]] = field(default_factory=registered)
    """Every kind of mail, by its name."""
    room: Room = field(default_factory=lambda: Room(FILES_LIMIT))
    """For the files of mails: until SES has it, a mail takes seven times what its files do."""
    push: Callable[[Mapping[str, Any], Deadline], Awaitable[None]] | None = None
    """Tells browsers of staff, whose messages come on the same queue."""

    async def handle_all(self, records: Sequence[SqsRecord], limit: Deadline) -> list[str]:
        """Sends the mails of a batch side by side; answers the ids of the messages that failed.

        `limit` is when Lambda ends the function: after a crash, another worker takes the mail
        once that moment has passed.
        """

        async def one(record: SqsRecord) -> None:
            message = record.json()
            if PUSH in message and self.push is not None:
                await self.push(message, limit)
            else:
                await self._handle(message, limit)

        return await each_message(records, one, limit, _AT_ONCE)

    async def _handle(self, message: Mapping[str, Any], limit: Deadline) -> None:
        """Sends the mail {"shop", "message_id"}, unless it was sent.

        Raises InvalidInput for a message that names no mail of the log, and whatever keeps SES
        or the database from answering: the message then comes back.
        """
        shop, message_id = shop_host(str(message.get("shop"))), str(message.get("message_id"))
        wanted = await find_outgoing(self.store, self.recorder.reader, shop, message_id)
        if wanted.settled:
            return
        if seconds := wanted.waits(self.clock()):
            # Whoever takes it back meanwhile finds the lease free.
            await self._look_again(shop, message_id, seconds)
            return
        async with self.room.of(wanted.size):
            await self._leased(shop, message_id, limit)

    async def _leased(self, shop: str, message_id: str, limit: Deadline) -> None:
        # A run that is over its time is ended: a second later nobody holds the lease any more.
        lease = await self.leases.take(of_sending(shop, message_id), limit.remaining() + 1.0)
        if lease is None:
            await self._look_again(shop, message_id, 5)
            return
        try:
            # Read again: the worker that held the lease before, or SES, may have settled it.
            mail = await find_outgoing(self.store, self.recorder.reader, shop, message_id)
            if not mail.settled:
                await self._send_once(lease, shop, mail)
        finally:
            await self.leases.release(lease)

    async def _look_again(self, shop: str, message_id: str, seconds: float) -> None:
        delay = max(1, min(LONGEST_DELAY, int(seconds) + 1))
        message = {"shop": shop, "message_id": message_id}
        await self.aws.send(self.settings.send_queue, message, group=shop, delay=delay)

    async def _send_once(self, lease: Lease, shop: str, mail: Outgoing) -> None:
        message_id = mail.message_id
        if withdrawn_by(lease) is not None and isinstance(mail.wish, ReplyWritten):
            use = Withdrawals(self.recorder, self.leases, self.clock)
            await complete(shop, mail.wish, lease, use)
            return
        tried: datetime | None = lease.notes.get("tried_at")
        if tried is not None:
            settle = timedelta(seconds=self.settings.settle_seconds)
            left = (tried + settle - self.clock()).total_seconds()
            if left > 0:
                log.info("mail_fate_unknown", shop=shop, message_id=message_id, seconds=int(left))
                await self._look_again(shop, message_id, left)
                return
        purpose = self.purposes.get(mail.purpose)
        to_customer = purpose is not None and purpose.threads
        leaving = await self.tenants.leaving(shop, to_customer=to_customer)
        match await self._ready(shop, mail, leaving):
            case Never(reason):
                await self._refused(shop, mail, reason)
            case Later(code, seconds) if seconds is None:
                await self._put_off(lease, shop, message_id, code)
            case Later(code, float(seconds)):
                log.info("mail_waits", shop=shop, message_id=message_id, code=code)
                await self._look_again(shop, message_id, seconds)
            case Mail() as ready:
                await self._send(lease, shop, mail, ready, leaving)

    async def _send(
        self, lease: Lease, shop: str, mail: Outgoing, ready: Mail, leaving: Leaving
    ) -> None:
        message_id = mail.message_id
        if not await self.leases.note(lease, tried_at=self.clock()):
            raise TimeoutError("the lease ended before the mail was sent")
        try:
            ses_id = await self.aws.send_mail(
                ready.raw,
                sender=ready.sender,
                recipients=ready.recipients,
                tags=_tags(shop, message_id, leaving),
                configuration_set=self.settings.ses_configuration_set,
                tenant=leaving.tenant,
            )
        except MailNotTaken as refusal:
            await self._give_back(shop, mail, leaving)
            if refusal.permanent and not await self._by_domain(lease, shop, leaving):
                await self.leases.note(lease, tried_at=None)
                await self._refused(shop, mail, refusal.code)
            else:
                await self._not_now(shop, refusal)
                await self._put_off(lease, shop, message_id, refusal.code)
            return
        refs = sent_refs(self.settings, mail, ses_id)
        sent = mail.sent(ses_id, leaving.fallback)
        await self._record(shop, mail, sent_claim(message_id, ses_id), sent, refs)
        log.info("mail_sent", shop=shop, message_id=message_id)

    async def _by_domain(self, lease: Lease, shop: str, leaving: Leaving) -> bool:
        """Whether SES may have refused the mail because of the merchant's own domain, which is
        looked at then: once for a mail, which next leaves from ours if the domain failed."""
        if leaving.own is None or lease.notes.get("domain_checked"):
            return False
        await self.tenants.domain_works(shop)
        return await self.leases.note(lease, domain_checked=True)

    async def _not_now(self, shop: str, refusal: MailNotTaken) -> None:
        if refusal.code in REFUSED:
            await self.tenants.refused(shop)
        elif not refusal.permanent:
            await self.budget.refused()

    async def _ready(self, shop: str, mail: Outgoing, leaving: Leaving) -> Mail | Never | Later:
        if mail.is_erased:
            return Never(_ERASED)
        if await is_removed(shop, self.parts.recorder):
            return Never(_REMOVED)
        known, address = await addresses_of(self.parts.recorder, shop, mail), mail.wish.to_address
        if address and known.reason(address):
            return Never(MARKED)
        if address and known.is_allowed(address) and not await self.tenants.allow(shop, address):
            return Later(_LISTED)
        purpose = self.purposes.get(mail.purpose)
        if purpose is None:
            return Later(_UNKNOWN)
        wait = await self._takes(shop, mail, leaving)
        if wait is not None:
            return Later(wait.code, wait.seconds)
        try:
            ready = await purpose.ready(shop, mail.wish, replace(self.parts, sender=leaving.own))
        except InvalidInput as error:  # an address that no mail can go to
            ready = Never(str(error.values["reason"]))
        if not isinstance(ready, Mail):
            await self._give_back(shop, mail, leaving)
        return _without_stopped(ready, known)

    async def _takes(self, shop: str, mail: Outgoing, leaving: Leaving) -> Wait | None:
        """Takes what the mail needs of what may be sent. That the shop reached a limit of a day is
        recorded, for who wonders why its mail waits."""
        wait = await self.budget.take(
            shop, _count(mail), answers=mail.answers, ours=leaving.counted
        )
        if wait is not None and wait.code in _LIMITS:
            what = _LIMITS[wait.code]
            log.warning("daily_limit_reached", shop=shop, of=what, limit=wait.limit)
            await note_limit(self.recorder, shop, of=what, limit=wait.limit, now=self.clock())
        return wait

    async def _give_back(self, shop: str, mail: Outgoing, leaving: Leaving) -> None:
        await self.budget.give_back(shop, _count(mail), ours=leaving.counted)

    async def _put_off(self, lease: Lease, shop: str, message_id: str, code: str) -> None:
        """Tries again later: SES's limits may last for hours, longer than a queue gives tries."""
        tries = int(lease.notes.get("put_off", 0)) + 1
        seconds = min(LONGEST_DELAY, _FIRST_DELAY * 2 ** min(tries - 1, 10))
        log.warning(
            "mail_put_off", shop=shop, message_id=message_id, code=code, tries=tries, delay=seconds
        )
        if not await self.leases.note(lease, tried_at=None, put_off=tries):
            raise TimeoutError("the lease ended before the refusal was noted")
        await self._look_again(shop, message_id, seconds)

    async def _refused(self, shop: str, mail: Outgoing, reason: str) -> None:
        message_id = mail.message_id
        log.warning("mail_rejected", shop=shop, message_id=message_id, reason=reason)
        draft = self._draft(shop, mail, rejected_claim(message_id), mail.rejected(str(reason)), [])
        failure = Failure(_CODES.get(reason, "invalid"), mail.wish.to_address)
        await record_failure(self.recorder, draft, mail, [failure], self.clock())

    async def _record(
        self, shop: str, mail: Outgoing, claim: str, event: Event, refs: list[str]
    ) -> None:
        draft = self._draft(shop, mail, claim, event, refs)
        [outcome] = await self.recorder.append([draft])
        settled(outcome)

    def _draft(self, shop: str, mail: Outgoing, claim: str, event: Event, refs: list[str]) -> Draft:
        stream = mail_stream(mail.message_id)
        return Draft(
            shop=shop,
            claim=claim,
            source="outbound-email",
            actor=system("outbound-email"),
            events=[NewEvent(stream, event, self.clock())],
            cause=Cause("command", headers={"message_id": mail.message_id}),
            refs=[*mail.refs(), *refs],
            correlation_id=mail.commit.correlation,
            causation_id=mail.commit.id,
        )


def _count(mail: Outgoing) -> int:
    """How many SES counts for it; one, if the wish names nobody."""
    return max(1, len(mail.recipients()))


def _without_stopped(ready: Mail | Never | Later, known: Addresses) -> Mail | Never | Later:
    """The mail, to nobody who gets copies and to whom mail is stopped."""
    if not isinstance(ready, Mail):
        return ready
    left = [one for one in ready.recipients if not known.reason(one)]
    return Mail(ready.sender, left, ready.raw)


def sent_refs(settings: Settings, mail: Outgoing, ses_message_id: str) -> list[str]:
    """The refs by which an answer to the mail finds its conversation, if it belongs to one."""
    purpose = registered().get(mail.purpose)
    threads = purpose is not None and purpose.threads and mail.conversation_id is not None
    return rfc_refs(settings, ses_message_id) if threads else []


def _tags(shop: str, message_id: str, leaving: Leaving) -> dict[str, str]:
    """What SES's events about the mail bring back."""
    tags = {SHOP_TAG: shop_name(shop), MESSAGE_TAG: message_id}
    if leaving.fallback:
        tags[FALLBACK_TAG] = leaving.fallback.replace(".", "_")
    return tags
