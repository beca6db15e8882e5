"""Takes what SES tells of the mail that was sent: sent, delivered, bounced, called spam."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cplus.consumers.batches.messages import Batch
from cplus.consumers.batches.sqs import SqsRecord
from cplus.consumers.mail.replies import find_reply, rfc_refs
from cplus.deadline import Deadline
from cplus.errors import CplusError, InvalidInput
from cplus.events.base import Cause, Event, NewEvent
from cplus.events.catalogue.mail import (
    MailBounced,
    MailComplained,
    MailDelivered,
    MailRejected,
    MailSent,
)
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import settled
from cplus.events.log.store import EventStore
from cplus.events.names import mail_event_claim, mail_stream, message_ref, sent_claim
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
        reply = await find_reply(self.store, self.recorder.reader, shop, told.message)
        event = _event(told, reply.conversation_id)
        stream = mail_stream(told.message)
        draft = Draft(
            shop=shop,
            claim=_claim(told),
            source="mail-event",
            actor="ses",
            events=[NewEvent(stream, event, told.occurred_at)] if event else [],
            cause=Cause("mail-event", body=body.encode()),
            refs=[
                stream,
                reply.stream,
                message_ref(told.message),
                *rfc_refs(self.settings, told.ses_message_id),
            ],
            correlation_id=reply.commit.correlation,
            causation_id=reply.commit.id,
            about=[reply.wish.person],  # it has the recipient's address
        )
        self.store.check(draft)  # one that no commit can hold would refuse the batch
        return draft


def _claim(told: MailEvent) -> str:
    """One claim for each thing that SES tells: a bounce for now and one for good are two."""
    if told.kind == "send":
        return sent_claim(str(told.message), told.ses_message_id)
    mark = told.feedback_id or f"{told.ses_message_id}/{told.occurred_at.isoformat()}"
    return mail_event_claim(str(told.message), told.kind, mark)


def _event(told: MailEvent, conversation_id: str) -> Event | None:
    ids = {"message_id": str(told.message), "conversation_id": conversation_id}
    match told.kind:
        case "send":
            return MailSent(**ids, ses_message_id=told.ses_message_id)
        case "delivery":
            return MailDelivered(**ids)
        case "bounce":
            reason = told.detail or "unknown"
            return MailBounced(**ids, permanent=told.permanent, reason=reason)
        case "complaint":
            return MailComplained(**ids)
        case "reject" | "rendering_failure":
            return MailRejected(**ids, reason=told.detail or told.kind)
        case "delivery_delay":
            return None
