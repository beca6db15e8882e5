"""Takes what SES tells of the mail that was sent: sent, delivered, bounced, called spam."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cplus.clock import Clock
from cplus.consumers.batches.messages import Batch
from cplus.consumers.batches.sqs import SqsRecord
from cplus.consumers.sending.failing import Failure, at, record_arrival, record_failure
from cplus.consumers.sending.outbound_email import sent_refs
from cplus.consumers.sending.outgoing import Outgoing, find_outgoing
from cplus.deadline import Deadline
from cplus.errors import CplusError, InvalidInput
from cplus.events.base import Cause, Event, NewEvent
from cplus.events.catalogue.mail import REPLY
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import settled
from cplus.events.log.store import EventStore
from cplus.events.names import mail_event_claim, mail_stream, sent_claim
from cplus.events.recording import Recorder
from cplus.mail import MailEvent, parse_event
from cplus.mail.failures import failure_of
from cplus.settings import Settings
from cplus.shopify import shop_host


@dataclass(frozen=True, slots=True)
class _Taken:
    """What SES told of a mail, and the draft of it."""

    told: MailEvent
    mail: Outgoing
    draft: Draft

    @property
    def failure(self) -> str | None:
        """Why the mail did not arrive; None if it arrived, or nobody knows yet."""
        told, mail = self.told, self.mail
        delivered = mail.delivered_at
        if told.kind == "bounce" and delivered and delivered > told.occurred_at and mail.is_single:
            return None  # the news of a bounce that was overtaken by the mail's arrival
        return failure_of(told)

    @property
    def decides(self) -> bool:
        """Whether more follows from it than its own event."""
        arrived = self.told.kind == "delivery" and self.mail.failed and self.mail.is_single
        reply = self.mail.purpose == REPLY
        return self.failure is not None or (arrived and reply)


@dataclass(frozen=True, slots=True)
class EmailEvents:
    """What taking SES's events needs."""

    settings: Settings
    store: EventStore
    recorder: Recorder
    clock: Clock

    async def handle_all(self, records: Sequence[SqsRecord], limit: Deadline) -> list[str]:
        """Records the events of a batch in one append, and then each of those from which more
        follows; answers the ids of the messages that failed. `limit` is when Lambda ends the
        function."""
        batch = Batch(records, limit)
        taken = await batch.each(batch.messages, lambda record: self._taken(record.body))
        plain = [item for item in taken if not item.value.decides]
        outcomes = await self.recorder.append([item.value.draft for item in plain])
        for item, outcome in zip(plain, outcomes, strict=True):
            try:
                settled(outcome)
            except CplusError as error:
                batch.fail(item, error)
        for item in taken:
            if item.value.decides:  # one by one: several may be of one conversation
                await batch.each([item], self._decided)
        return batch.failed

    async def _decided(self, taken: _Taken) -> None:
        """Records what SES told with what is decided because of it."""
        told, mail, now = taken.told, taken.mail, self.clock()
        if taken.failure is None:
            await record_arrival(self.recorder, taken.draft, mail, now)
        else:
            failures = _failures(told, mail, taken.failure)
            await record_failure(self.recorder, taken.draft, mail, failures, now)

    async def _taken(self, body: str) -> _Taken:
        told = parse_event(body)
        if not told.shop or not told.message:
            raise InvalidInput(reason="the event has none of our tags")
        shop = shop_host(f"{told.shop}.myshopify.com")
        mail = await find_outgoing(self.store, self.recorder.reader, shop, told.message)
        event = _event(told, mail)
        stream = mail_stream(told.message)
        draft = Draft(
            shop=shop,
            claim=_claim(told),
            source="mail-event",
            actor="ses",
            events=[NewEvent(stream, event, told.occurred_at)] if event else [],
            cause=Cause("mail-event", body=body.encode()),
            refs=[*mail.refs(), *sent_refs(self.settings, mail, told.ses_message_id)],
            correlation_id=mail.commit.correlation,
            causation_id=mail.commit.id,
            about=mail.persons,  # it has the recipient's address
        )
        self.store.check(draft)  # one that no commit can hold would refuse the batch
        return _Taken(told, mail, draft)


def _failures(told: MailEvent, mail: Outgoing, reason: str) -> list[Failure]:
    """Where it did not arrive, each with its reason. A complaint names all that may have made it:
    if they are several, nobody knows who."""
    if told.kind == "bounce" and told.recipients:
        each = [(failure_of(one), one.recipients[0]) for one in told.each()]
        return [Failure(why or reason, at(mail, who)) for why, who in each]
    if told.kind == "complaint" and not mail.is_single:
        may = {at(mail, one) for one in told.recipients} - {None}
        return [Failure(reason, may.pop() if len(may) == 1 else None)]
    return [Failure(reason, mail.wish.to_address)]


def _claim(told: MailEvent) -> str:
    """One claim for each thing that SES tells: a bounce for now and one for good are two."""
    if told.kind == "send":
        return sent_claim(str(told.message), told.ses_message_id)
    mark = told.feedback_id or f"{told.ses_message_id}/{told.occurred_at.isoformat()}"
    return mail_event_claim(str(told.message), told.kind, mark)


def _event(told: MailEvent, mail: Outgoing) -> Event | None:
    match told.kind:
        case "send":
            return mail.sent(told.ses_message_id, told.fallback)
        case "delivery":
            return mail.delivered()
        case "bounce":
            return mail.bounced(told.detail or "unknown", permanent=told.permanent)
        case "complaint":
            return mail.complained()
        case "reject" | "rendering_failure":
            return mail.rejected(told.detail or told.kind)
        case "delivery_delay":
            return None
