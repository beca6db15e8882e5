"""When the merchant is to get a mail about a customer who asked for their data, and how often."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from cplus.consumers.notices.reminders import REMINDERS, carry_over
from cplus.consumers.notices.wishes import NoticeRequests
from cplus.consumers.scheduled.due import DUE as ROWS
from cplus.consumers.scheduled.registry import HANDLERS
from cplus.consumers.scheduled.taking import take_due
from cplus.deadline import Deadline
from cplus.events.catalogue.mail import MailRequested
from cplus.events.catalogue.privacy import NoticeKind, ShopErased
from cplus.events.catalogue.shops import AppUninstalled
from cplus.events.log.outcomes import Outcome
from cplus.events.names import SHOP_ERASED_REF, shop_stream
from cplus.projections.generations.lineage import Driven
from cplus.projections.running.runner import Runner
from lambdas.sweep import run_scope
from tests.integration.consumers.notices.notices_world import ANN, DUE, START, World
from tests.integration.consumers.webhooks.installed_app import ID, SHOP
from tests.integration.intake import soon


async def test_a_customer_who_asks_brings_the_merchant_one_mail_that_names_nobody(
    world: World,
) -> None:
    await world.asks()
    [message] = await world.reacts()
    await world.sends(message)
    [mail] = await world.mails()
    assert mail["subject"] == "A customer asked for their data: answer by 1 January 2027"
    [wish] = await world.events(MailRequested)
    assert isinstance(wish, MailRequested)
    assert mail["tags"] == {"cplus-shop": "blue-jam", "cplus-message": wish.message_id}
    assert (wish.purpose, wish.about) == ("data_request", {"data-request": "1"})
    person = await world.person()
    for wrong in (ANN, "ann", person, person.removeprefix("person/")):
        assert wrong not in mail["text"] + mail["html"]
    link = "https://admin.shopify.com/store/blue-jam/apps/client-id/privacy/requests/1"
    assert link in mail["text"]
    assert f'href="{link}"' in mail["html"]
    assert "Blue Jam" in mail["text"]


async def test_a_redelivery_and_another_webhook_of_one_request_bring_one_mail(
    world: World,
) -> None:
    await world.asks()
    sent = await world.reacts()
    await world.asks()
    await world.asks(webhook_id="w-2")
    sent += await world.reacts()
    assert len(sent) == 1
    assert await world.wishes() == ["first"]
    await world.asks(2, "w-3")
    assert len(await world.reacts()) == 1


async def test_the_merchant_is_reminded_a_week_and_a_day_before_it_is_due(world: World) -> None:
    await world.asks()
    await world.reacts()
    assert await world.reminders() == ["reminder", "last"]
    world.now = DUE - timedelta(days=7, seconds=1)
    assert await world.takes() == 0
    world.later(seconds=1)
    taken = await asyncio.gather(*(world.takes() for _ in range(3)))
    assert sum(taken) >= 1
    assert await world.wishes() == ["first", "reminder"], "three sweeps at once wish once"
    world.now = DUE - timedelta(days=1)
    assert await world.takes() == 1
    assert await world.wishes() == ["first", "reminder", "last"]
    assert await world.reminders() == []
    await world.sends(*await world.reacts())
    sent = sorted(mail["subject"].split(":")[0] for mail in await world.mails())
    assert sent == ["Last reminder", "Reminder"]


class _Overrun(Runner):
    """Of a sweep that takes all the time that it is given, and then fails."""

    now = 0.0

    async def driven(self) -> list[Driven]:
        self.now = 300.0
        raise ConnectionError


async def test_reminders_begin_whatever_the_sweep_of_their_minute_took_or_raised(
    world: World,
) -> None:
    await world.asks()
    await world.reacts()
    world.now = DUE - timedelta(days=7)
    parts = world.parts
    overrun = _Overrun(parts.mongo, parts.store, parts.reader, ())
    limit = Deadline.within(300, lambda: overrun.now)
    with pytest.raises(ConnectionError):
        await run_scope("recent", parts, overrun, limit)
    assert await world.wishes() == ["first", "reminder"]


async def _removed(world: World) -> None:
    await world.happens(AppUninstalled(), refs=[shop_stream(SHOP)])


async def _erased_shop(world: World) -> None:
    event = ShopErased(
        originator_id=shop_stream(SHOP), originator_version=9, timestamp=world.now, erasure="e9"
    )
    await world.happens(event, refs=[shop_stream(SHOP), SHOP_ERASED_REF], erases=True)


NEEDLESS = {
    "exported": World.exports,
    "erased": World.erases,
    "removed": _removed,
    "shop erased": _erased_shop,
}


@pytest.mark.parametrize("ends", NEEDLESS.values(), ids=NEEDLESS)
async def test_nobody_is_reminded_of_what_needs_no_answer_any_more(
    world: World, ends: Callable[[World], Awaitable[None]]
) -> None:
    await world.asks()
    await world.reacts()
    world.later(days=1)
    await ends(world)
    world.now = DUE - timedelta(hours=1)
    assert await world.takes() == 2
    assert await world.wishes() == ["first"]
    assert await world.reminders() == []


async def test_another_export_of_the_person_ends_no_reminders(world: World) -> None:
    await world.asks()
    await world.reacts()
    await world.exports(2)
    world.now = DUE - timedelta(days=7)
    assert await world.takes() == 1
    assert await world.wishes() == ["first", "reminder"]


async def test_a_request_that_is_recorded_late_leaves_out_what_is_behind(world: World) -> None:
    body = {"shop_id": ID, "customer": {"id": 7}, "data_request": {"id": 1}}
    await world.tells("customers/data_request", body, "w-1", START - timedelta(days=25))
    await world.reacts()
    assert await world.wishes() == ["first"]
    assert await world.reminders() == ["last"]
    body = {**body, "data_request": {"id": 2}}
    await world.tells("customers/data_request", body, "w-2", START - timedelta(days=30))
    assert await world.reacts() == []
    assert await world.reminders() == ["last"], "that one was over when it was recorded"


class _Failing(NoticeRequests):
    """Fails for one request."""

    async def wish(self, shop: str, request_id: int, kind: NoticeKind) -> Outcome | None:
        if request_id == 1:
            raise ConnectionError
        return await NoticeRequests.wish(self, shop, request_id, kind)


async def test_a_reminder_that_fails_holds_up_no_other_and_is_taken_again(world: World) -> None:
    for request in (1, 2):
        await world.asks(request, f"w-{request}")
    await world.reacts()
    world.now = DUE - timedelta(days=7)
    use = world.parts.notice_wishes
    failing = _Failing(use.recorder, use.due, use.clock)
    work = replace(world.parts.due_work, notices=failing)
    assert await take_due(HANDLERS, work, deadline=soon()) == 1
    assert await world.takes() == 0, "it is taken after a pause"
    world.later(minutes=1)
    assert await world.takes(Deadline.within(-1)) == 0, "no time is left"
    assert await world.takes() == 1
    assert await world.wishes() == ["first", "first", "reminder", "reminder"]


async def test_reminders_of_a_release_before_are_taken_when_their_time_comes(
    world: World,
) -> None:
    await world.asks()
    await world.reacts()
    database, week = world.parts.mongo.database, DUE - timedelta(days=7)
    await database[ROWS].delete_many({})
    for kind, before in (("reminder", 7), ("last", 1)):
        row = {"_id": f"{SHOP}/1/{kind}", "shop": SHOP, "request_id": 1, "kind": kind}
        await database[REMINDERS].insert_one({**row, "due_at": DUE - timedelta(days=before)})
    for _ in range(2):  # the second time as after a crash between the two writes
        assert await carry_over(database, world.parts.due_rows, week) in {0, 1}
    world.now = week
    left = [row["kind"] async for row in database[REMINDERS].find({})]
    assert left == ["last"], "a release to which one goes back finds what is ahead"
    parts = world.parts
    runner = Runner(parts.mongo, parts.store, parts.reader, ())
    await run_scope("recent", parts, runner, soon())
    assert await world.wishes() == ["first", "reminder"]
    world.now = DUE - timedelta(days=1)
    await run_scope("recent", parts, runner, soon())
    assert await world.wishes() == ["first", "reminder", "last"]
    assert await database[REMINDERS].count_documents({}) == 0
