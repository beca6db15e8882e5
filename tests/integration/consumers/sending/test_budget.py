"""What SES's account may send is shared: fair among shops, replies first, and never exceeded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cplus.aws import Aws, SendQuota
from cplus.commands.mail_settings import settings_of
from cplus.consumers.sending.limits.budget import Budget, Wait
from cplus.events.names import message_ref
from cplus.ids import random_id
from cplus.mongo import Database, Mongo, connect
from cplus.settings import Settings
from tests.integration.intake import failures, record
from tests.integration.mail_world import SHOP, World, form
from tests.plain_http import plain_http

A, B = "acorn.myshopify.com", "birch.myshopify.com"


class _Account(Aws):
    """SES's account, or nobody who could be asked."""

    def __init__(self, quota: SendQuota | None) -> None:
        super().__init__()
        self.quota = quota
        self.asked = 0

    async def send_quota(self) -> SendQuota:
        self.asked += 1
        if self.quota is None:
            raise ConnectionError
        return self.quota


@dataclass
class _Shared:
    """Two workers on one account, and a clock that only moves when it is told to."""

    database: Database
    account: _Account = field(
        default_factory=lambda: _Account(SendQuota(rate=10, daily=1000, sent=0, enabled=True))
    )
    now: datetime = datetime(2026, 11, 1, 12, tzinfo=UTC)

    def worker(self) -> Budget:
        return Budget(self.database, self.account, lambda: self.now, 10)

    async def takes(
        self, shop: str, recipients: int = 1, *, answers: bool = True, ours: bool = False
    ) -> Wait | None:
        return await self.worker().take(shop, recipients, answers=answers, ours=ours)

    def later(self, seconds: float = 0, *, hours: float = 0) -> None:
        self.now += timedelta(seconds=seconds, hours=hours)


@pytest.fixture
async def shared(mongo_uri: str, database: str) -> AsyncIterator[_Shared]:
    settings = Settings(mongo_uri=mongo_uri, mongo_database=database)  # type: ignore[arg-type]
    mongo: Mongo = connect(settings)
    yield _Shared(mongo.database)
    await mongo.close()


async def test_many_mails_of_one_shop_hold_up_no_reply_of_another(shared: _Shared) -> None:
    taken = [await shared.takes(A) for _ in range(200)]
    assert taken.count(None) == 5, "half of what the account sends in a second"
    waits = [one for one in taken if one]
    assert {one.code for one in waits} == {"ShopRate"}
    assert await shared.takes(B) is None
    shared.later(1)
    assert [await shared.takes(A) for _ in range(6)].count(None) == 5


async def test_workers_that_take_at_once_never_get_more_than_the_account_has(
    shared: _Shared,
) -> None:
    assert await shared.takes(A) is None
    shared.later(1)
    shops = [f"shop{number}.myshopify.com" for number in range(40)]
    taken = await asyncio.gather(*(shared.takes(shop) for shop in shops))
    assert taken.count(None) == 10
    assert {one.code for one in taken if one} == {"AccountRate"}
    shared.later(0.5)
    taken = await asyncio.gather(*(shared.takes(shop) for shop in shops))
    assert taken.count(None) == 5
    # What the account had not for a shop, that shop has still.
    shared.later(1)
    assert await shared.takes(shops[-1], 5) is None


async def test_replies_go_before_the_rest(shared: _Shared) -> None:
    shops = [f"shop{number}.myshopify.com" for number in range(12)]
    taken = [await shared.takes(shop, answers=False) for shop in shops]
    assert taken.count(None) == 8, "a fifth is kept"
    assert await shared.takes(A) is None


async def test_the_last_of_the_day_is_for_replies_and_then_nobody_sends(shared: _Shared) -> None:
    shared.account.quota = SendQuota(rate=10, daily=1000, sent=799, enabled=True)
    assert await shared.takes(A, answers=False) is None
    assert await shared.takes(A, answers=False) == Wait("DailyQuota", 900.0)
    assert await shared.takes(A) is None
    shared.account.quota = SendQuota(rate=10, daily=1000, sent=999, enabled=True)
    shared.later(61)
    assert await shared.takes(A) is None
    assert await shared.takes(B) == Wait("DailyQuota", 900.0), "ours count until SES is asked again"
    shared.account.quota = SendQuota(rate=10, daily=-1, sent=10**9, enabled=True)
    shared.later(61)
    assert await shared.takes(B) is None, "no limit"


async def test_the_account_is_asked_once_a_minute_by_one_worker(shared: _Shared) -> None:
    first = await asyncio.gather(*(shared.takes(f"{n}.myshopify.com") for n in range(8)))
    assert shared.account.asked == 1
    assert first == [None] * 8, "the first ones do not wait for the answer"
    shared.later(61)
    await asyncio.gather(*(shared.takes(f"{n}.myshopify.com") for n in range(8)))
    assert shared.account.asked == 2
    shared.account.quota = None
    shared.later(61)
    assert await shared.takes(A) is None, "what was told last counts"


async def test_without_a_word_of_ses_mail_goes_out_and_of_a_paused_account_it_waits(
    shared: _Shared,
) -> None:
    shared.account.quota = None
    assert [await shared.takes(A) for _ in range(20)] == [None] * 20
    shared.account.quota = SendQuota(rate=10, daily=1000, sent=0, enabled=False)
    shared.later(61)
    assert await shared.takes(A) == Wait("SendingPaused", 900.0)


async def test_after_a_refusal_all_wait_and_a_mail_to_many_goes_when_there_is_room(
    shared: _Shared,
) -> None:
    assert await shared.takes(A) is None
    await shared.worker().refused()
    wait = await shared.takes(B)
    assert wait is not None
    assert (wait.code, round(wait.seconds, 3)) == ("AccountRate", 1.1)
    shared.later(3)
    assert await shared.takes(A, 50) is None, "more than a second's worth"
    assert isinstance(await shared.takes(A), Wait)
    shared.later(10)
    assert await shared.takes(A) is None


async def test_a_mail_to_many_gets_its_turn_among_mails_to_one(shared: _Shared) -> None:
    single = many = 0
    for _ in range(100):  # 10 seconds, in which three shops ask for all that there is
        shared.later(0.1)
        for shop in ("cedar.myshopify.com", "dogwood.myshopify.com", A):
            single += await shared.takes(shop) is None
        many += await shared.takes(B, 12) is None
    assert many, "it went out"
    assert single + 12 * many <= 10 * 10 + 10 + 12, "the rate is kept over time"


async def test_one_shop_never_uses_up_the_day_of_all(shared: _Shared) -> None:
    shared.account.quota = SendQuota(rate=1000, daily=100, sent=0, enabled=True)
    await shared.takes(B)  # from now on the quota is known
    assert [await shared.takes(A) for _ in range(60)].count(None) == 50
    wait = await shared.takes(A)
    assert wait is not None
    assert (wait.code, wait.limit) == ("ShopDay", 50)
    assert await shared.takes(B) is None
    shared.later(hours=12)  # midnight: nothing of it is 24 hours old yet
    assert isinstance(await shared.takes(A), Wait)
    shared.later(seconds=wait.seconds - 12 * 3600)
    shared.account.quota = SendQuota(rate=1000, daily=100, sent=0, enabled=True)
    assert await shared.takes(A) is None
    assert isinstance(await shared.takes(A), Wait), "one by one"
    shared.later(seconds=1728)
    assert await shared.takes(A) is None
    shared.later(hours=48)
    assert [await shared.takes(A) for _ in range(60)].count(None) == 50


async def test_a_shop_has_a_limit_on_our_own_domain_and_its_answers_go_first(
    shared: _Shared,
) -> None:
    shared.account.quota = None  # also if nobody knows SES's quota
    taken = [await shared.takes(A, answers=False, ours=True) for _ in range(12)]
    assert taken.count(None) == 8, "a fifth is for answers to customers"
    assert {one.code for one in taken if one} == {"SharedDomain"}
    assert await shared.worker().used(A) == 8
    assert [await shared.takes(A, ours=True) for _ in range(12)].count(None) == 2
    assert await shared.takes(A) is None, "what goes to the merchant, or from their own domain"
    assert await shared.takes(B, ours=True) is None
    await shared.worker().give_back(A, 1, ours=True)
    many = await shared.takes(A, 25, ours=True)
    assert many is not None
    assert (many.code, round(many.seconds)) == ("SharedDomain", 36 * 3600)
    assert await shared.takes(A, ours=True) is None
    shared.later(hours=48)
    assert await shared.worker().used(A) == 0
    assert await shared.takes(A, 25, ours=True) is None, "one to more than a day is for, alone"


async def test_workers_that_count_a_day_at_once_lose_nothing(shared: _Shared) -> None:
    taken = await asyncio.gather(*(shared.takes(A, ours=True) for _ in range(30)))
    assert taken.count(None) == 10


async def _ses(world: World, **wanted: Any) -> dict[str, Any]:
    async with plain_http() as http:
        answer = await http.post(f"{world.endpoint}/_local/ses", json=wanted)
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json()
    return told


@pytest.fixture
async def world(mongo_uri: str, database: str, aws_endpoint: str, aws: Aws) -> AsyncIterator[World]:
    made = await World.make(mongo_uri, database, aws_endpoint, aws)
    before = await _ses(made)
    yield made
    await _ses(made, **{name: before[name] for name in ("rate", "daily", "enabled", "fail")})
    await made.close()


async def _out(world: World, message_id: str) -> int:
    mails = await world.mailbox()
    return sum(mail["tags"].get("cplus-message") == message_id for mail in mails)


async def test_mail_beyond_a_shops_limit_waits_and_is_told_once_and_goes_out_later(
    world: World,
) -> None:
    to, message_id = f"{random_id(12)}@shopper.example", random_id()
    await world.receive(form(sender=to), "ses1")
    await world.answer(message_id)
    message = record({"shop": SHOP, "message_id": message_id}, "send")
    budget = world.parts.mail_budget
    assert await budget.take(SHOP, budget.shared, answers=True, ours=True) is None
    for _ in range(2):
        assert await failures(world.outbound().handle_all, message) == {}
    assert await _out(world, message_id) == 0
    limited = (await settings_of(world.recorder, SHOP)).limited
    assert limited is not None
    assert (limited.of, limited.limit) == ("shared_domain", budget.shared)
    assert sum("daily_limit_reached" in one for one in await world.types()) == 1
    world.later(hours=48)
    assert await failures(world.outbound().handle_all, message) == {}
    assert await _out(world, message_id) == 1


async def test_a_mail_that_does_not_go_takes_nothing_of_the_day(world: World) -> None:
    to, message_id = f"{random_id(12)}@shopper.example", random_id()
    await world.receive(form(sender=to), "ses1")
    await world.answer(message_id)
    message = record({"shop": SHOP, "message_id": message_id}, "send")
    await _ses(world, fail=[{"how": "throttle", "times": 1, "to": to}])
    assert await failures(world.outbound().handle_all, message) == {}
    assert await world.parts.mail_budget.used(SHOP) == 0
    world.later(seconds=61)
    assert await failures(world.outbound().handle_all, message) == {}
    assert await world.parts.mail_budget.used(SHOP) == 1


@pytest.mark.parametrize(
    ("how", "at_once", "waits"),
    [
        ("throttle", 0, 61),
        ("limit", 0, 61),
        ("paused", 0, 61),
        ("slow", 1, 0),
        ("lost", 1, 61),
        ("error", 0, 61),
    ],
)
async def test_a_mail_that_ses_does_not_take_now_is_put_off_and_goes_out_later(
    world: World, how: str, at_once: int, waits: int
) -> None:
    to, message_id = f"{random_id(12)}@shopper.example", random_id()
    await world.receive(form(sender=to), "ses1")
    await world.answer(message_id)
    message = record({"shop": SHOP, "message_id": message_id}, "send")
    await _ses(world, fail=[{"how": how, "times": 1, "seconds": 0.01, "to": to}])
    failed = await failures(world.outbound().handle_all, message)
    assert bool(failed) == (how in {"lost", "error"}), "its fate is unknown then"
    assert await _out(world, message_id) == at_once
    if how == "lost":  # SES tells that it went out
        [mail] = [one for one in await world.mailbox() if to in one["recipients"]]
        told = {"messageId": mail["message_id"], "timestamp": str(world.now)}
        tags = {"tags": {name: [value] for name, value in mail["tags"].items()}}
        event = record({"eventType": "Send", "mail": {**told, **tags}, "send": {}}, "send")
        assert await failures(world.email_events.handle_all, event) == {}
    world.later(seconds=waits)
    assert await failures(world.outbound().handle_all, message) == {}
    assert await _out(world, message_id) == 1
    commits = await world.parts.store.by_ref(SHOP, message_ref(message_id), 20)
    assert sum("mail.sent" in one.types for one in commits) == 1


async def test_the_local_ses_keeps_its_quotas_and_refuses_for_good_on_demand(
    world: World,
) -> None:
    to, message_id = f"{random_id(12)}@shopper.example", random_id()
    await world.receive(form(sender=to), "ses1")
    await world.answer(message_id)
    message = record({"shop": SHOP, "message_id": message_id}, "send")
    sent = (await _ses(world))["sent"]
    await _ses(world, daily=sent)
    assert (await world.aws.send_quota()).daily == sent
    assert await failures(world.outbound().handle_all, message) == {}
    assert await _out(world, message_id) == 0
    await _ses(world, daily=-1, fail=[{"how": "reject", "times": 1}])
    world.later(seconds=61)
    assert await failures(world.outbound().handle_all, message) == {}
    assert (await world.types())[-1] == ["rejected", "delivery_failed"]
    async with plain_http() as http:
        unknown = await http.post(f"{world.endpoint}/_local/ses", json={"colour": "blue"})
    assert unknown.status_code == 400
