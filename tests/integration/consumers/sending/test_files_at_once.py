"""Mails with large files go out one after the other: a process has room for one of the largest."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from cplus.consumers.sending.purpose import MailParts, Never, Purpose
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.catalogue.mail import REPLY
from cplus.events.files import StoredFile
from cplus.mail import FILES_LIMIT
from tests.integration.intake import failures, record
from tests.integration.mail_world import ADA, SHOP, World, form


async def written(world: World, message_id: str, size: int) -> None:
    """Lets the merchant write a reply with a file of so many bytes."""
    [received] = await world.received()
    file = StoredFile(
        id="f1", name="a.pdf", content_type="application/pdf", size=size, cid=None, inline=False,
        bucket="files", key=message_id, opens="",
    )  # fmt: skip

    def reply(conversation: Conversation) -> None:
        conversation.trigger_event(
            ReplyWritten,
            message_id=message_id,
            person=received.person,
            to_address=ADA,
            subject="Blue",
            text="Yes.",
            author="merchant",
            files=(file,),
            timestamp=world.now,
        )

    conversation = await world.conversation()
    await world.recorder.decide(
        Conversation, SHOP, conversation.id, reply, claim=f"reply/{message_id}",
        source="dashboard", actor="merchant", refs=[f"message/{message_id}"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("size", "at_once"), [(FILES_LIMIT // 2, 2), (FILES_LIMIT // 2 + 1, 1), (2 * FILES_LIMIT, 1)]
)
async def test_no_more_files_are_in_memory_than_one_mail_can_have(
    world: World, size: int, at_once: int
) -> None:
    await world.receive(form(), "ses1")
    for number in range(2):
        await written(world, f"r{number}", size)
    making, most = 0, 0
    both = asyncio.Event()

    async def ready(_shop: str, _wish: ReplyWritten, _use: MailParts) -> Never:
        nonlocal making, most
        making += 1
        most = max(most, making)
        if most == at_once:
            both.set()
        await asyncio.wait_for(both.wait(), 30)
        for _ in range(20):  # far more questions than the other mail would need to come here
            await world.commits()
        making -= 1
        return Never("a test")

    purposes = {REPLY: Purpose(REPLY, ready)}
    outbound = dataclasses.replace(world.outbound(), purposes=purposes)
    sending = [record({"shop": SHOP, "message_id": f"r{n}"}, f"r{n}") for n in range(2)]
    assert await failures(outbound.handle_all, *sending) == {}
    assert most == at_once
