"""Takes what SES tells of the mail that was sent: sent, delivered, bounced, called spam."""

from __future__ import annotations

from dataclasses import dataclass

from cplus.consumers.mail.replies import find_reply, rfc_refs
from cplus.errors import InvalidInput
from cplus.events.base import Cause, Event, NewEvent
from cplus.events.catalogue import (
    MailBounced,
    MailComplained,
    MailDelivered,
    MailRejected,
    MailSent,
)
from cplus.events.log.append import ShopWriter
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import settled
from cplus.events.log.store import EventStore
from cplus.events.names import mail_event_claim, mail_stream, message_ref, sent_claim
from cplus.events.nudges import Nudger, heads_of
from cplus.mail import MailEvent, parse_event
from cplus.settings import Settings
from cplus.shopify import shop_host


@dataclass(frozen=True, slots=True)
class EmailEvents:
    """What taking SES's events needs."""

    settings: Settings
    store: EventStore
    nudger: Nudger

    async def handle_all(self, bodies: list[str]) -> list[Exception | None]:
        """Records the events of a batch; for each, what kept it from being recorded."""
        results: list[Exception | None] = []
        drafts: list[tuple[int, Draft]] = []
        for index, body in enumerate(bodies):
            results.append(None)
            try:
                draft = await self._draft(body)
                ShopWriter.check(draft)  # one that no commit can hold would refuse the batch
                drafts.append((index, draft))
            except Exception as error:  # noqa: BLE001  each message fails alone
                results[index] = error
        outcomes = await self.store.append([draft for _, draft in drafts])
        for (index, _), outcome in zip(drafts, outcomes, strict=True):
            try:
                settled(outcome)
            except Exception as error:  # noqa: BLE001  each message fails alone
                results[index] = error
        await self.nudger.nudge(heads_of(outcomes))
        return results

    async def _draft(self, body: str) -> Draft:
        told = parse_event(body)
        if not told.shop or not told.message:
            raise InvalidInput(reason="the event carries no tags of ours")
        shop = shop_host(f"{told.shop}.myshopify.com")
        reply = await find_reply(self.store, shop, told.message)
        event = _event(told, reply.conversation_id)
        stream = mail_stream(told.message)
        return Draft(
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
        )


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
