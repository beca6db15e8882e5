"""Sends each answer once.

The wish to send stands in the log before anything is sent. A lease lets one worker send, and
what it was about to do is noted first: after a crash in between nobody knows whether the mail
went out, so the next worker waits for SES's events to settle it, and sends again only when they
stay away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import structlog

from cplus.aws import Aws, MailNotTaken
from cplus.clock import Clock
from cplus.consumers.leases import Lease, Leases
from cplus.consumers.sqs import json_object
from cplus.errors import InvalidInput
from cplus.events import (
    Cause,
    Draft,
    EventStore,
    NewEvent,
    Nudger,
    Recorded,
    heads_of,
    settled,
)
from cplus.events.catalogue import MailRejected, MailSent, ReplyWritten
from cplus.mail import (
    compose_reply,
    conversation_token,
    message_id_key,
    reply_address,
    reply_subject,
)
from cplus.settings import Settings
from cplus.shopify import shop_host, shop_name

log = structlog.get_logger()

LEASE_SECONDS = 120.0
"""Longer than any function that sends may run."""

_AT_ONCE = 4  # as many as the process has connections
_LONGEST_DELAY = 900  # seconds that SQS can hold a message back


@dataclass(frozen=True, slots=True)
class Outbound:
    """What sending needs."""

    settings: Settings
    store: EventStore
    leases: Leases
    aws: Aws
    nudger: Nudger
    clock: Clock

    async def handle_all(
        self, bodies: Sequence[str], lease_seconds: float = LEASE_SECONDS
    ) -> list[Exception | None]:
        """Sends the mails of a batch side by side; for each, what kept it from being sent.

        `lease_seconds` is longer than this run can last: whoever comes after a crash takes the
        mail up when they are over.
        """
        turns = asyncio.Semaphore(_AT_ONCE)

        async def one(body: str) -> Exception | None:
            async with turns:
                try:
                    await self.handle(json_object(body), lease_seconds)
                except Exception as error:  # noqa: BLE001  each message fails alone
                    return error
                return None

        return list(await asyncio.gather(*(one(body) for body in bodies)))

    async def handle(
        self, message: Mapping[str, Any], lease_seconds: float = LEASE_SECONDS
    ) -> None:
        """Sends the mail {"shop", "message_id"}, unless it was sent.

        Raises InvalidInput for a message that names no mail of the log, and whatever keeps SES
        or the database from answering: the message then comes back.
        """
        shop, message_id = shop_host(str(message.get("shop"))), str(message.get("message_id"))
        written = await find_reply(self.store, shop, message_id)
        if await self._is_settled(shop, message_id):
            return
        name = f"send/{shop}/{message_id}"
        lease = await self.leases.take(name, lease_seconds)
        if lease is None:
            await self._look_again(shop, message_id, 5)
            return
        try:
            await self._send_once(lease, shop, message_id, written)
        finally:
            await self.leases.release(lease)

    async def _is_settled(self, shop: str, message_id: str) -> bool:
        claims = [f"sent/{message_id}", f"rejected/{message_id}"]
        return bool(await self.store.by_claims(shop, claims))

    async def _look_again(self, shop: str, message_id: str, seconds: float) -> None:
        delay = max(1, min(_LONGEST_DELAY, int(seconds) + 1))
        message = {"shop": shop, "message_id": message_id}
        await self.aws.send(self.settings.send_queue, message, group=shop, delay=delay)

    async def _send_once(self, lease: Lease, shop: str, message_id: str, written: Recorded) -> None:
        if await self._is_settled(shop, message_id):
            return  # by the worker that held the lease before, or by an event of SES
        tried: datetime | None = lease.notes.get("tried_at")
        if tried is not None:
            settle = timedelta(seconds=self.settings.settle_seconds)
            left = (tried + settle - self.clock()).total_seconds()
            if left > 0:
                log.info("mail_fate_unknown", shop=shop, message_id=message_id, seconds=int(left))
                await self._look_again(shop, message_id, left)
                return
        if not await self.leases.note(lease, tried_at=self.clock()):
            raise TimeoutError("the lease ended before the mail was sent")
        try:
            ses_id = await self._hand_over(shop, message_id, written)
        except MailNotTaken as refusal:
            await self.leases.note(lease, tried_at=None)
            if not refusal.permanent:
                raise
            await self._record_refusal(shop, message_id, written, refusal.code)
            return
        await self._record(
            shop,
            message_id,
            written,
            f"sent/{message_id}",
            MailSent(
                message_id=message_id,
                conversation_id=conversation_of(written),
                ses_message_id=ses_id,
            ),
            refs=rfc_refs(self.settings, ses_id),
        )
        log.info("mail_sent", shop=shop, message_id=message_id)

    async def _hand_over(self, shop: str, message_id: str, written: Recorded) -> str:
        reply = cast(ReplyWritten, written.event)
        domain = self.settings.mail_domain
        secret = self.settings.secret("application_secret")
        address = reply_address(shop, conversation_of(written), secret, domain)
        raw = compose_reply(
            shop_name=shop_name(shop),
            from_address=address,
            to=reply.to_address,
            subject=reply_subject(reply.subject),
            text=reply.text,
            reply_to=address,
            in_reply_to=reply.in_reply_to,
            references=[reply.in_reply_to] if reply.in_reply_to else [],
            own_message_id=f"{message_id}@{domain}",
            # A long shop name leaves no room for it in the address: the text carries it too.
            token=conversation_token(shop, conversation_of(written), secret),
        )
        return await self.aws.send_mail(
            raw,
            sender=address,
            recipients=[reply.to_address],
            tags={"cplus-shop": shop_name(shop), "cplus-message": message_id},
            configuration_set=self.settings.ses_configuration_set,
        )

    async def _record_refusal(
        self, shop: str, message_id: str, written: Recorded, code: str
    ) -> None:
        log.warning("mail_rejected", shop=shop, message_id=message_id, reason=code)
        event = MailRejected(
            message_id=message_id, conversation_id=conversation_of(written), reason=code
        )
        await self._record(shop, message_id, written, f"rejected/{message_id}", event)

    async def _record(
        self,
        shop: str,
        message_id: str,
        written: Recorded,
        claim: str,
        event: MailSent | MailRejected,
        refs: list[str] | None = None,
    ) -> None:
        stream = f"mail/{message_id}"
        draft = Draft(
            shop=shop,
            claim=claim,
            source="outbound-email",
            actor="system",
            events=[NewEvent(stream, event, self.clock())],
            cause=Cause("command", headers={"message_id": message_id}),
            refs=[stream, written.stream, f"message/{message_id}", *(refs or [])],
            causation_id=written.id,
        )
        [outcome] = await self.store.append([draft])
        settled(outcome)
        await self.nudger.nudge(heads_of([outcome]))


async def find_reply(store: EventStore, shop: str, message_id: str) -> Recorded:
    """The wish to send behind a message id; raises InvalidInput when the log has none."""
    for commit in await store.by_ref(shop, f"message/{message_id}", limit=100):
        for index, document in enumerate(commit.documents):
            if document["type"] == ReplyWritten.TYPE:
                recorded = commit.event(index)
                if getattr(recorded.event, "message_id", None) == message_id:
                    return recorded
    raise InvalidInput(reason="the log of this shop has no such answer")


def conversation_of(written: Recorded) -> str:
    """The id of the conversation that an answer belongs to."""
    return written.stream.removeprefix("conversation/")


def rfc_ref(settings: Settings, message_id: str) -> str:
    """The ref by which the log finds a Message-ID, which itself never enters the log's refs."""
    return f"rfc/{message_id_key(message_id, settings.secret('application_secret'))}"


def rfc_refs(settings: Settings, ses_message_id: str) -> list[str]:
    """The refs by which the log finds answers to a mail that SES took.

    SES replaces the Message-ID header by its own id, in a domain named for the region, and in
    the oldest region also seen in a domain of its own.
    """
    domains = [f"{settings.region}.amazonses.com", "email.amazonses.com"]
    return [rfc_ref(settings, f"{ses_message_id}@{domain}") for domain in domains]
