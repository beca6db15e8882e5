"""Whatever step of sending a worker crashes at, each kind of mail goes out once where SES's events
arrive. Where they do not, it goes out twice only if the crash came after SES took it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from email.message import EmailMessage
from typing import Any

import pytest

from cplus.aws import Aws
from cplus.consumers.sending.outbound_email import Outbound
from cplus.consumers.sending.purpose import Mail, MailParts
from cplus.consumers.sending.purposes import registered
from cplus.consumers.sending.requesting import request_draft
from cplus.events.catalogue.mail import REPLY, MailRequested
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import Outcome
from cplus.events.names import mail_claim, message_ref
from cplus.events.recording import Recorder
from cplus.ids import random_id
from cplus.leases import Lease, Leases
from tests.integration.intake import failures, record
from tests.integration.mail_world import SHOP, World, form

STEPS = ("before the claim", "after the claim", "before SES", "after SES took it", "recorded")
TWICE = "after SES took it"
"""Where a mail goes out again if SES never tells that it was sent: no kind of sending can know."""
CASES = [(step, events) for step in STEPS for events in (True, False) if events or step == TWICE]
"""The steps, and whether SES's events arrive of a mail that it took."""


class _Leases(Leases):
    """Breaks off at a step, as a process that is killed there."""

    def __init__(self, world: World, step: str) -> None:
        super().__init__(world.parts.mongo.database)
        self._step = step

    async def take(self, name: str, seconds: float) -> Lease | None:
        _breaks(self._step, "before the claim")
        return await super().take(name, seconds)

    async def note(self, lease: Lease, **notes: Any) -> bool:
        _breaks(self._step, "after the claim")
        return await super().note(lease, **notes)


class _Aws(Aws):
    """Breaks off before or after SES takes the mail; nothing is asked for again by a queue."""

    def __init__(self, step: str = "") -> None:
        super().__init__()
        self._step = step

    async def send_mail(self, *args: Any, **more: Any) -> str:
        _breaks(self._step, "before SES")
        ses_id = await super().send_mail(*args, **more)
        _breaks(self._step, "after SES took it")
        return ses_id

    async def send(self, *_args: Any, **_more: Any) -> None:
        """The test looks again by itself."""


class _Recorder(Recorder):
    """Breaks off once the fate is recorded."""

    async def append(self, drafts: Any) -> list[Outcome]:
        outcomes = await super().append(drafts)
        if any(isinstance(one, Draft) and one.source == "outbound-email" for one in drafts):
            _breaks("recorded", "recorded")
        return outcomes


def _breaks(step: str, here: str) -> None:
    if step == here:
        raise ConnectionError("broken off")


@pytest.fixture
async def world(mongo_uri: str, database: str, aws_endpoint: str, aws: Aws) -> AsyncIterator[World]:
    made = await World.make(mongo_uri, database, aws_endpoint, aws)
    yield made
    await made.close()


async def _ready(_shop: str, wish: MailRequested, use: MailParts) -> Mail:
    """A mail of any purpose: what is in it makes no difference to how it is sent."""
    mail, sender = EmailMessage(), f"no_reply@{use.settings.mail_domain}"
    mail["From"], mail["To"], mail["Subject"] = sender, wish.to_address, wish.purpose
    mail.set_content("For a test")
    return Mail(sender, [str(wish.to_address)], mail.as_bytes())


async def _wished(world: World, purpose: str, to: str) -> str:
    """A wish for such a mail; answers its id."""
    message_id = random_id()
    if purpose == REPLY:
        await world.answer(message_id)
        return message_id
    wish = MailRequested(
        message_id=message_id, purpose=purpose, person=f"person/{message_id}", to_address=to
    )
    claim = mail_claim(purpose, message_id)
    draft = request_draft(SHOP, wish, world.now, claim=claim, actor="system/test", source="test")
    await world.recorder.append([draft])
    return message_id


def _outbound(world: World, aws: Aws, step: str = "") -> Outbound:
    made = {name: replace(one, ready=_ready) for name, one in registered().items() if name != REPLY}
    recorder = world.recorder
    if step == "recorded":
        recorder = _Recorder(world.parts.store, world.parts.reader, world.nudges)
    return replace(
        world.outbound(aws),
        leases=_Leases(world, step),
        recorder=recorder,
        purposes={**registered(), **made},
    )


async def _told_by_ses(world: World, message_id: str) -> None:
    """The events of what SES took of this mail arrive."""
    for mail in await world.mailbox():
        if mail["tags"].get("cplus-message") == message_id:
            tags = {name: [value] for name, value in mail["tags"].items()}
            told = {
                "messageId": mail["message_id"],
                "timestamp": world.now.isoformat(),
                "tags": tags,
            }
            event = record({"eventType": "Send", "mail": told, "send": {}}, "send")
            assert await failures(world.email_events.handle_all, event) == {}


async def _out(world: World, message_id: str) -> int:
    mails = await world.mailbox()
    return sum(mail["tags"].get("cplus-message") == message_id for mail in mails)


@pytest.mark.parametrize("purpose", sorted(registered()))
async def test_a_mail_goes_out_once_at_whatever_step_its_sender_crashes(
    world: World, purpose: str
) -> None:
    to = f"{random_id(12)}@shopper.example"
    await world.receive(form(sender=to), f"ses-{random_id()}")
    aws = _Aws()
    for step, events in CASES:
        message_id = await _wished(world, purpose, to)
        message = record({"shop": SHOP, "message_id": message_id}, message_id)
        dying = _Aws(step)
        died = await failures(_outbound(world, dying, step).handle_all, message)
        assert list(died.values()) == ["ConnectionError"], step
        await dying.close()
        if events:
            await _told_by_ses(world, message_id)
        for _ in range(3):  # the message comes back, before and after SES had its time
            assert await failures(_outbound(world, aws).handle_all, message) == {}
            world.later(seconds=61)
        wanted = 2 if step == TWICE and not events else 1
        assert await _out(world, message_id) == wanted, (step, events)
        commits = await world.parts.store.by_ref(SHOP, message_ref(message_id), 20)
        assert sum("mail.sent" in one.types for one in commits) == 1, (step, events)
    await aws.close()
