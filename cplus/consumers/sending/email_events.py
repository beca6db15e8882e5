"""Takes what SES tells of the mail that was sent: sent, delivered, bounced, called spam."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cplus.consumers.batches.messages import Batch
from cplus.consumers.batches.sqs import SqsRecord
from cplus.consumers.sending.outbound_email import sent_refs
from cplus.consumers.sending.outgoing import Outgoing, find_outgoing
from cplus.deadline import Deadline
from cplus.errors import CplusError, InvalidInput
from cplus.events.base import Cause, Event, NewEvent
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import settled
from cplus.events.log.store import EventStore
from cplus.events.names import mail_event_claim, mail_stream, sent_claim
from cplus.events.recording import Recorder
from cplus.mail import MailEvent, parse_event
from cplus.settings import Settings
from cplus.shopify import shop_host


@dataclass(frozen=True, slots=True)
class EmailEvents:
    """What taking SES's events needs."""

    settings: Settings
    store: EventStore
    recorder: Recorder

    async def handle_all(self, records: Sequence[SqsRecord], limit: Deadline) -> list[str]:
        """Records the events of a batch in one append; answers the ids of the messages that
        failed. `limit` is when Lambda ends the function."""
        batch = Batch(records, limit)
        drafts = await batch.each(batch.messages, lambda record: self._draft(record.body))
        outcomes = await self.recorder.append([item.value for item in drafts])
        for item, outcome in zip(drafts, outcomes, strict=True):
            try:
                settled(outcome)
            except CplusError as error:
                batch.fail(item, error)
        return batch.failed

    async def _draft(self, body: str) -> Draft:
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
        return draft


def _claim(told: MailEvent) -> str:
    """One claim for each thing that SES tells: a bounce for now and one for good are two."""
    if told.kind == "send":
        return sent_claim(str(told.message), told.ses_message_id)
    mark = told.feedback_id or f"{told.ses_message_id}/{told.occurred_at.isoformat()}"
    return mail_event_claim(str(told.message), told.kind, mark)


def _event(told: MailEvent, mail: Outgoing) -> Event | None:
    match told.kind:
        case "send":
            return mail.sent(told.ses_message_id)
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
