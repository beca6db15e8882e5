"""Replies that wait: they go out at their moment, once, or are taken back, whatever dies when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest

from cplus.actors import merchant
from cplus.aws import LONGEST_DELAY, Aws
from cplus.commands.conversations.withdrawing import TooLate, Withdrawals, Withdrawn, withdraw
from cplus.commands.files import Files
from cplus.consumers.reactions.following import follow
from cplus.consumers.reactions.replies import REPLIES, SCHEDULED, hand_out_scheduled
from cplus.consumers.scheduled.due import DUE, Due
from cplus.ids import random_id
from cplus.leases import Leases, of_sending
from cplus.mail import MailFile
from tests.integration.dying_aws import DyingAws, sent_to
from tests.integration.intake import failures, record
from tests.integration.mail_world import SHOP, START, World, form
from tests.plain_http import plain_http

SEND = record({"shop": SHOP, "message_id": "reply1"}, "send")
ADA = merchant("ada")


@pytest.fixture
def shopper() -> str:
    """An address to which no other test sends: they share the mailbox."""
    return f"{random_id(12)}@shopper.example"


@pytest.fixture
async def world(
    mongo_uri: str, database: str, aws_endpoint: str, aws: Aws, shopper: str
) -> AsyncIterator[World]:
    """With a conversation that nobody answered yet."""
    made = await World.make(mongo_uri, database, aws_endpoint, aws)
    await made.receive(form(sender=shopper), "ses1")
    yield made
    await made.close()


class Delays(Aws):
    """Notes for how long messages are held back, and holds none."""

    def __init__(self) -> None:
        super().__init__()
        self.delays: list[int] = []

    async def send(
        self,
        queue: str,
        message: Mapping[str, Any],
        group: str | None = None,
        delay: int = 0,
    ) -> None:
        self.delays.append(delay)


async def scheduled(world: World, **ahead: float) -> None:
    await world.answer(send_at=world.now + timedelta(**ahead))


async def undo(world: World) -> Withdrawn | TooLate:
    talk = await world.conversation()
    use = Withdrawals(world.recorder, Leases(world.parts.mongo.database), world.parts.clock)
    return await withdraw(
        SHOP, talk.conversation_id, message_id="reply1", actor=ADA, source="dashboard", use=use
    )


async def test_a_reply_goes_out_at_its_moment_and_not_before(world: World, shopper: str) -> None:
    await scheduled(world, seconds=10)
    early = Delays()
    assert await failures(world.outbound(early).handle_all, SEND) == {}
    assert early.delays == [11]
    assert await sent_to(world, shopper) == []
    world.later(seconds=10)
    for _ in range(2):
        assert await failures(world.outbound().handle_all, SEND) == {}
    assert len(await sent_to(world, shopper)) == 1


async def test_a_reply_that_was_taken_back_never_goes_out(world: World, shopper: str) -> None:
    await scheduled(world, seconds=10)
    assert isinstance(await undo(world), Withdrawn)
    world.later(hours=1)
    assert await failures(world.outbound().handle_all, SEND) == {}
    assert await sent_to(world, shopper) == []
    assert (await world.types())[-1] == ["reply_withdrawn"]


async def test_what_was_sent_is_not_taken_back(world: World, shopper: str) -> None:
    await scheduled(world, seconds=10)
    world.later(seconds=10)
    assert await failures(world.outbound().handle_all, SEND) == {}
    assert await undo(world) == TooLate()
    assert (await world.types())[-1] == ["sent"]


@pytest.mark.parametrize("sends", [True, False])
async def test_what_a_sender_died_over_is_not_taken_back(
    world: World, shopper: str, sends: bool
) -> None:
    await scheduled(world, seconds=10)
    world.later(seconds=10)
    dying = DyingAws(sends=sends)
    assert len(await failures(world.outbound(dying).handle_all, SEND)) == 1
    await dying.close()
    assert await undo(world) == TooLate()


async def test_the_sender_completes_what_died_while_it_was_taken_back(
    world: World, shopper: str
) -> None:
    await scheduled(world, seconds=10)
    leases = Leases(world.parts.mongo.database)
    lease = await leases.take(of_sending(SHOP, "reply1"), 60)
    assert lease is not None
    assert await leases.note(lease, withdrawn_by="merchant/ada", withdrawn_from="dashboard")
    await leases.release(lease)
    world.later(seconds=10)
    assert await failures(world.outbound().handle_all, SEND) == {}
    assert await sent_to(world, shopper) == []
    last = (await world.commits())[-1]
    assert (last.actor, last.types) == ("merchant/ada", ["conversation.reply_withdrawn"])


async def test_at_the_moment_itself_one_of_both_happens(world: World, shopper: str) -> None:
    await scheduled(world, seconds=10)
    world.later(seconds=10)
    taken, failed = await asyncio.gather(undo(world), failures(world.outbound().handle_all, SEND))
    assert failed == {}
    assert await failures(world.outbound().handle_all, SEND) == {}
    sent = len(await sent_to(world, shopper))
    assert (sent, taken) in [(1, TooLate()), (0, taken)]
    assert isinstance(taken, Withdrawn) == (sent == 0)


async def test_a_reply_for_later_waits_in_the_database_and_one_for_soon_on_the_queue(
    world: World,
) -> None:
    told: list[tuple[str, int]] = []

    async def send(queue: str, message: Mapping[str, Any], *, group: str, delay: int = 0) -> None:
        told.append((message["message_id"], delay))

    await scheduled(world, seconds=10)
    await world.answer("reply2", send_at=world.now + timedelta(seconds=LONGEST_DELAY + 1))
    settings = {"send_queue": world.send_queue}
    reactor = world.parts.reactor
    reactor = type(reactor)(
        **{name: getattr(reactor, name) for name in reactor.__slots__}
        | {"send": send, "setting": settings.__getitem__}
    )
    await follow(REPLIES, SHOP, reactor)
    assert told == [("reply1", 10)]
    [row] = await world.parts.mongo.database[DUE].find({}).to_list(None)
    assert (row["what"], row["ref"]) == (SCHEDULED, "reply2")
    assert row["due_at"] == START + timedelta(seconds=LONGEST_DELAY + 1)
    work = world.parts.due_work
    work = type(work)(
        **{name: getattr(work, name) for name in work.__slots__}
        | {"send": send, "setting": settings.__getitem__}
    )
    due = Due(SHOP, SCHEDULED, "reply2", row["due_at"])
    for _ in range(2):
        await hand_out_scheduled(due, work)
    assert told[1:] == [("reply2", 0)] * 2


async def test_files_go_with_the_mail_as_they_were_given(world: World, shopper: str) -> None:
    stored = await Files(world.parts.mails).put(
        SHOP, [MailFile("1", "Größe & Maße.pdf", "application/pdf", b"%PDF-1.7 \x00\xff")]
    )
    await world.answer(files=stored, cc=[f"cem.{shopper}"], bcc=[f"log.{shopper}"])
    assert await failures(world.outbound().handle_all, SEND) == {}
    [mail] = await sent_to(world, shopper)
    assert sorted(mail["recipients"]) == sorted([shopper, f"cem.{shopper}", f"log.{shopper}"])
    async with plain_http() as http:
        raw = await http.get(f"{world.endpoint}/_mailbox/{mail['message_id']}.eml")
    parsed = message_from_bytes(raw.content, policy=policy.default)
    [file] = list(parsed.iter_attachments())
    assert file.get_filename() == "Größe & Maße.pdf"
    assert file.get_content() == b"%PDF-1.7 \x00\xff"


async def test_a_file_that_is_gone_is_told_and_not_tried_for_ever(
    world: World, shopper: str
) -> None:
    stored = await Files(world.parts.mails).put(SHOP, [MailFile("1", "a.txt", "text/plain", b"a")])
    await world.answer(files=stored)
    await world.parts.objects.delete([{"bucket": stored[0].bucket, "key": stored[0].key}])
    assert await failures(world.outbound().handle_all, SEND) == {}
    assert await sent_to(world, shopper) == []
    assert "rejected" in (await world.types())[-1]
