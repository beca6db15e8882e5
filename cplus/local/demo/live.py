"""Continuous light traffic, so that the dashboard has something new to show."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from cplus.errors import CplusError
from cplus.local.demo.plan import SPAN, Plan, ShopPlan, Sizes, Webhook, dated
from cplus.local.demo.planning import make_plan

if TYPE_CHECKING:
    from cplus.local.demo.drive import Drive

_PAUSE: Final = (2.0, 7.0)  # seconds between two things that begin
_THINKING: Final = (4.0, 40.0)  # seconds that people take before they go on with a conversation
_SIZE: Final = (10, 12)  # customers and conversations of one round, for each shop

Work = Callable[[], Coroutine[Any, Any, None]]


async def live(drive: Drive, sizes: Sizes, next_run: Callable[[], int]) -> None:
    """Sends mails, webhooks and now and then a reply, until cancelled.

    Each round is a small plan with new people; failures are ignored, because nobody waits for the
    result. `next_run` numbers the rounds.
    """
    async with asyncio.TaskGroup() as going:
        while True:
            customers, conversations = _SIZE
            round_ = replace(
                sizes,
                customers=customers * sizes.shops,
                conversations=conversations * sizes.shops,
            )
            run = next_run()
            now = datetime.now(UTC).replace(microsecond=0)
            # Facts are in the past, so that anything else is newer.
            plan = make_plan(round_, run, now - SPAN, now=now)
            chance = random.Random(f"cplus live/{sizes.seed}/{run}")
            await _passed_over(drive.sign_in())
            plan = replace(plan, shops=await _with_the_app(drive, plan))
            for work in _works(drive, plan, now, chance):
                going.create_task(_passed_over(work()))
                await asyncio.sleep(chance.uniform(*_PAUSE))


def _works(drive: Drive, plan: Plan, now: datetime, chance: random.Random) -> list[Work]:
    def think() -> Awaitable[None]:
        return asyncio.sleep(chance.uniform(*_THINKING))

    def place(webhook: Webhook) -> float:
        # Who a customer is comes before most of what else is told of them, not before all.
        return chance.random() * (0.3 if webhook.topic == "customers/create" else 1.0)

    works: list[tuple[float, Work]] = [
        (place(webhook), partial(drive.outside.tell, dated(webhook, now)))
        for shop in plan.shops
        for webhook in (*shop.early, *shop.webhooks, *shop.late)
    ]
    works += [
        (chance.random(), partial(drive.talk, talk, think))
        for shop in plan.shops
        for talk in shop.talks
    ]
    return [work for _, work in sorted(works, key=lambda one: one[0])]


async def _with_the_app(drive: Drive, plan: Plan) -> tuple[ShopPlan, ...]:
    """The shops with the app installed; input for the others would have no effect."""
    there = (await drive.outside.shops()).items()
    installed = {host for host, has_it in there if has_it}
    return tuple(shop for shop in plan.shops if shop.host in installed)


async def _passed_over(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except CplusError:
        return
