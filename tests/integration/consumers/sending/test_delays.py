"""A reply that came back for now is told to have failed once a day went by without its arrival."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from cplus.aws import Aws
from cplus.consumers.reactions.following import follow
from cplus.consumers.reactions.mail import MAIL
from cplus.consumers.scheduled.registry import HANDLERS
from cplus.consumers.scheduled.taking import take_due
from cplus.ids import random_id
from tests.integration.intake import failures, record, soon
from tests.integration.mail_world import SHOP, World, form

FOR_NOW = {"bounceType": "Transient", "bounceSubType": "MailboxFull", "feedbackId": "f1"}
GOOD = {"bounceType": "Permanent", "bounceSubType": "General", "feedbackId": "f2"}


@pytest.fixture
async def world(mongo_uri: str, database: str, aws_endpoint: str, aws: Aws) -> AsyncIterator[World]:
    made = await World.make(mongo_uri, database, aws_endpoint, aws)
    await made.receive(form(sender=f"{random_id(12)}@shopper.example"), "ses1")
    await made.answer()
    await told(made, "Bounce", **FOR_NOW)
    yield made
    await made.close()


async def told(world: World, kind: str, **detail: Any) -> None:
    tags = {"cplus-shop": ["acorn"], "cplus-message": ["reply1"]}
    mail = {"messageId": "ses-out", "timestamp": world.now.isoformat(), "tags": tags}
    event = record({"eventType": kind, "mail": mail, kind.lower(): detail}, kind)
    assert await failures(world.email_events.handle_all, event) == {}


async def passes(world: World, **time: float) -> list[list[str]]:
    """The reaction follows the log, the time goes by, and the sweep takes what is due; answers what
    stands in the log since the reply bounced for now."""
    await follow(MAIL, SHOP, world.parts.reactor)
    world.later(**time)
    for _ in range(2):
        await take_due(HANDLERS, world.parts.due_work, deadline=soon())
    return (await world.types())[3:]


async def test_after_a_day_it_is_told_once_with_its_reason(world: World) -> None:
    assert await passes(world, hours=23) == []
    assert await passes(world, hours=1) == [["bounced", "delivery_failed"]]
    assert await passes(world, hours=48) == [["bounced", "delivery_failed"]]
    failed = (await world.commits())[-1].documents[1]["data"]
    assert failed["reason"] == "mailbox_full"
    bounced = (await world.commits())[-1].documents[0]["data"]
    assert (bounced["reason"], bounced["permanent"]) == ("GivenUp/MailboxFull", True)


@pytest.mark.parametrize("before", [True, False])
async def test_what_arrived_is_never_told_to_have_failed(world: World, *, before: bool) -> None:
    world.later(minutes=-5 if before else 5)  # an out-of-office note comes after the delivery
    await told(world, "Delivery")
    assert await passes(world, hours=25) == [["delivered"]]


async def test_what_bounced_for_good_meanwhile_is_told_once(world: World) -> None:
    await told(world, "Bounce", **GOOD)
    assert len(await passes(world, hours=25)) == 1


async def test_a_bounce_from_long_ago_is_left_alone(world: World) -> None:
    world.later(days=30)
    assert await passes(world, seconds=1) == []
