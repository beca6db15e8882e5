"""An import in several runs: one at a time, from where the last one came to, and to its end."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from dataclasses import replace
from typing import Any

import pytest

from cplus.consumers.imports.customer_import import MAX_DELAY, handle
from cplus.consumers.imports.importer import Importer
from cplus.deadline import Deadline
from cplus.events.base import NewEvent
from cplus.events.catalogue.imports import ImportEnded, ImportStarted
from cplus.events.catalogue.privacy import ShopErased
from cplus.events.log.commit import Draft
from cplus.events.names import SHOP_ERASED_REF, correlation_ref
from cplus.events.recording import Recorder
from cplus.local.shopify import LocalShopify
from tests.integration.consumers.imports.import_world import (
    SHOP,
    asked,
    at_once,
    counted,
    events,
    for_one_page,
    imported,
    installed,
    sending,
    waiting,
)
from tests.integration.intake import Intake, record, soon, tasks


async def test_a_doubled_or_late_message_changes_nothing_and_asks_nothing(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10)
    await handle([asked()], importer, soon())
    before = len(await use.parts.store.read(SHOP, 0))
    shopify.fail_next(SHOP, 500)
    try:
        for message in (asked(), asked(cursor="0.4.x", page=2), asked(page=99)):
            assert await handle([message], importer, soon()) == []
    finally:
        shopify._faults.clear()
    assert len(await use.parts.store.read(SHOP, 0)) == before
    assert await waiting(use) == []


async def test_near_the_time_limit_the_cursor_is_handed_on_and_a_fresh_run_goes_on(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10)
    message, runs = asked(correlation_id="install-7", causation_id="commit-7"), 0
    while True:
        runs += 1
        assert await handle([message], *for_one_page(importer)) == []
        left = await waiting(use)
        if not left:
            break
        [again] = left
        assert again["page"] == runs + 1
        assert again["cursor"] or runs == 3, "the orders are left"
        message = record(again)
    assert runs == 4
    chain = use.parts.store.iterate_ref(SHOP, correlation_ref("install-7"))
    pages = [page async for page in chain]
    assert [page.causation_id for page in pages] == ["commit-7"] * len(pages)
    assert {page.actor for page in pages} == {"system/import"}
    assert len(pages) == (await use.parts.store.head(SHOP)).position > 1
    assert await imported(use) == list(range(1, 11))


async def test_a_page_that_comes_after_the_shop_was_erased_makes_nobody_known(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10)
    await handle([asked()], *for_one_page(importer))
    [again] = await waiting(use)
    before = await imported(use)
    gone = ShopErased(
        originator_id=f"shop/{SHOP}",
        originator_version=1,
        timestamp=use.parts.clock(),
        erasure="e1",
    )
    new, refs = NewEvent.decided(gone), [SHOP_ERASED_REF]
    draft = Draft(SHOP, "erasure/e1/shop", "erasure", "system/erase", [new], refs=refs)
    await use.parts.store.append([draft])
    # Its tokens are still there and taken, as in the moments before an erasure comes to them.
    assert await handle([record(again)], importer, soon()) == []
    assert await imported(use) == before
    last = (await events(use))[-1].event
    assert isinstance(last, ImportEnded)
    assert last.outcome == "uninstalled"


async def test_a_doubled_hand_over_neither_doubles_nor_loops(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10)
    await handle([asked()], *for_one_page(importer))
    [again] = await waiting(use)
    for message in (record(again), record(again), asked()):
        assert await handle([message], importer, soon()) == []
    assert await imported(use) == list(range(1, 11))
    assert await waiting(use) == []


async def test_two_runs_of_an_import_never_work_at_the_same_time(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10)
    seen, (keeping, sent) = counted(shopify), sending(importer)
    answers = await asyncio.gather(*(handle([asked()], keeping, soon()) for _ in range(3)))
    assert answers == [[], [], []]
    assert await imported(use) == list(range(1, 11))
    assert len(seen) == 6, "two counts, orders, and no page twice"
    assert [delay for _, delay in sent] == [60, 60], "the others are looked at later"
    for message, _ in list(sent):
        assert await handle([record(message)], keeping, soon()) == []
    assert len(seen) == 6
    assert len(sent) == 2


async def test_of_two_imports_of_one_shop_one_works_and_no_request_is_doubled(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10)
    seen, (keeping, sent) = counted(shopify), sending(importer)
    answers = await asyncio.gather(
        *(handle([asked(name)], keeping, soon()) for name in ("i1", "i2"))
    )
    assert answers == [[], []]
    assert await imported(use) == list(range(1, 11))
    assert len(seen) == 6
    [(other, delay)] = sent
    assert other["import_id"] in ("i1", "i2")
    assert delay == 60
    lease = await importer.leases.take(f"import/{SHOP}", 60)
    assert lease is not None, "it was given back"


async def test_imports_of_other_shops_are_not_held_up(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 3)
    assert await importer.leases.take("import/red-tea.myshopify.com", 60)
    assert await handle([asked()], importer, soon()) == []
    assert await imported(use) == [1, 2, 3]


async def test_a_throttled_run_waits_no_longer_than_it_may_and_hands_on_with_a_delay(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    # 4 customers cost some 20 points: enough for one page, and two more points a second.
    await installed(use, shopify, 10, maximum_available=30, restore_rate=2)
    delays: list[int] = []

    async def send(message: Any, *, group: str, delay: int) -> None:
        delays.append(delay)

    begun = time.monotonic()
    short = replace(importer, send=send)
    assert await handle([asked()], short, Deadline.within(5)) == []
    assert time.monotonic() - begun < 5.0
    assert len(delays) == 1
    assert 1 <= delays[0] <= 900
    assert await imported(use) == [1, 2, 3, 4]


async def test_a_short_throttle_is_waited_for(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10, maximum_available=50, restore_rate=200)
    assert await handle([asked()], importer, soon()) == []
    assert await imported(use) == list(range(1, 11))


async def test_an_uninstalled_shop_ends_its_import(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10)
    await handle([asked()], *for_one_page(importer))
    shopify.grants.revoke(SHOP)
    [again] = await waiting(use)
    assert await handle([record(again)], importer, soon()) == []
    told = [one.event for one in await events(use)]
    assert told[-1] == ImportEnded(import_id="i1", outcome="uninstalled", pages=1)
    assert await handle([record(again)], importer, soon()) == []
    assert len(await use.parts.store.read(SHOP, 0)) == 2


async def test_without_tokens_an_import_ends_at_once(use: Intake, importer: Importer) -> None:
    assert await handle([asked()], importer, soon()) == []
    assert [one.event for one in await events(use)] == [
        ImportStarted(import_id="i1"),
        ImportEnded(import_id="i1", outcome="uninstalled", pages=0),
    ]


async def test_a_missing_scope_ends_the_import_as_refused(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10, scope="read_orders")
    assert await handle([asked()], importer, soon()) == []
    assert (await events(use))[-1].event == ImportEnded(import_id="i1", outcome="refused", pages=0)


async def test_what_shopify_refuses_for_good_ends_the_import_as_refused(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 3)
    shopify.fail_next(SHOP, 404, 2)
    assert await handle([asked()], importer, soon()) == []
    assert [one.event for one in await events(use)] == [
        ImportStarted(import_id="i1"),
        ImportEnded(import_id="i1", outcome="refused", pages=0),
    ]


async def test_a_token_that_was_refused_is_renewed_once(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10)
    shopify.store.state.installs[SHOP].access.clear()
    assert await handle([asked()], importer, soon()) == []
    assert await imported(use) == list(range(1, 11))


async def test_while_shopify_refuses_our_address_an_import_waits_and_keeps_the_tokens(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10)
    message, sent = asked(), list[tuple[Any, int]]()

    async def send(message: Any, *, group: str, delay: int) -> None:
        sent.append((message, delay))

    for _ in range(7):  # more often than a queue hands a message out
        shopify.fail_next(SHOP, 403)
        assert await handle([message], replace(importer, send=send), soon()) == []
        again, delay = sent.pop()
        assert delay == MAX_DELAY
        message = record(again)
    assert not shopify._faults[SHOP], "one call for each run"
    assert await events(use) == []
    assert await use.parts.credentials.saved_at(SHOP)
    assert await handle([message], importer, soon()) == []
    assert await imported(use) == list(range(1, 11))


async def test_a_shop_that_refuses_for_three_days_is_closed_and_asked_no_more(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10)
    keeping, sent = sending(importer)
    shopify.fail_next(SHOP, 403, 3)
    assert await handle([asked(refused=287)], keeping, soon()) == []
    [(again, delay)] = sent
    assert (again["refused"], delay) == (3 * 24 * 3600 / MAX_DELAY, MAX_DELAY)
    assert await handle([record(again)], keeping, soon()) == []
    closed = ImportEnded(import_id="i1", outcome="closed", pages=0)
    assert [one.event for one in await events(use)] == [ImportStarted(import_id="i1"), closed]
    for _ in range(2):
        assert await handle([record(again)], keeping, soon()) == [], "a message that comes late"
    assert shopify._faults[SHOP] == [403], "nobody asks"
    assert len(sent) == 1
    assert await use.parts.credentials.saved_at(SHOP), "the tokens may be good"
    shopify._faults.clear()


async def test_a_page_between_refusals_begins_the_three_days_anew(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10)
    keeping, sent = sending(importer)

    def refused_next(answer: dict[str, Any]) -> dict[str, Any]:
        if "customers" in (answer.get("data") or {}):
            shopify.fail_next(SHOP, 403)
        return answer

    shopify.changed[SHOP] = refused_next
    assert await handle([asked(refused=288)], keeping, soon()) == []
    assert [message["refused"] for message, _ in sent] == [1]
    shopify.changed.clear()
    shopify._faults.clear()
    assert await handle([record(sent[0][0])], keeping, soon()) == []
    assert await imported(use) == list(range(1, 11))


async def test_a_void_token_is_renewed_and_tried_at_most_once_in_a_run(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10)
    shopify.fail_next(SHOP, 401, 100)
    try:
        for _ in range(2):
            assert await handle([asked()], importer, soon()) == []
            # The question, and the attempt to renew; nothing once the import has ended.
            assert len(shopify._faults[SHOP]) == 98
        assert await use.parts.standing(SHOP) is None
        assert len(shopify._faults[SHOP]) == 96
    finally:
        shopify._faults.clear()
    assert (await events(use))[-1].event == ImportEnded(
        import_id="i1", outcome="uninstalled", pages=0
    )


async def test_a_token_that_is_refused_though_it_was_just_renewed_ends_the_import(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10)
    original, hours = shopify.grants.now, itertools.count(2, 2)
    before = shopify.grants.refreshes[SHOP]
    # Each token has ended when it is used first.
    shopify.grants.now = lambda: original() + next(hours) * 3600
    try:
        assert await handle([asked()], importer, soon()) == []
    finally:
        shopify.grants.now = original
    assert shopify.grants.refreshes[SHOP] == before + 1
    assert (await events(use))[-1].event == ImportEnded(
        import_id="i1", outcome="uninstalled", pages=0
    )


async def test_a_shopify_that_is_down_for_a_moment_is_asked_again_in_the_same_run(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10)
    shopify.fail_next(SHOP, 503, 2)
    use_now = replace(importer, sleep=at_once)
    assert await handle([asked()], use_now, soon()) == []
    assert await imported(use) == list(range(1, 11))


async def test_a_shopify_that_stays_down_is_asked_again_later_and_later(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10)
    keeping, sent = sending(importer)
    use_now = replace(keeping, sleep=at_once)
    shopify.fail_next(SHOP, 503, 5 * 14)
    try:
        assert await handle([asked()], use_now, soon()) == []
        for failed in range(1, 12):
            assert await handle([asked(failed=failed)], use_now, soon()) == []
        assert await handle([asked(failed=12)], use_now, soon()) == ["m"], "the queue counts"
    finally:
        shopify._faults.clear()
    told = [(message["failed"], delay) for message, delay in sent]
    assert told[:3] == [(1, 30), (2, 60), (3, 120)]
    assert told[-1] == (12, 900)
    assert await handle([asked(failed=12)], use_now, soon()) == []
    assert await imported(use) == list(range(1, 11))


async def test_a_shopify_that_goes_down_midway_is_asked_again_from_there(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10)
    keeping, sent = sending(importer)
    first = replace(keeping, sleep=at_once)
    original = use.parts.nudger.nudge

    class Nudger:
        async def nudge(self, heads: Any) -> None:
            await original(heads)
            shopify.fail_next(SHOP, 503, 5)

    recorder = Recorder(use.parts.store, use.parts.reader, Nudger())
    assert await handle([asked()], replace(first, recorder=recorder), soon()) == []
    shopify._faults.clear()
    [(message, delay)] = sent
    assert delay > 0
    assert message["page"] == 2
    assert await handle([record(message)], importer, soon()) == []
    assert await imported(use) == list(range(1, 11))


@pytest.mark.parametrize(
    "body",
    [
        "no json",
        "{}",
        json.dumps({"shop": "nowhere", "import_id": "i1"}),
        json.dumps({"shop": SHOP}),
        json.dumps({"shop": SHOP, "import_id": "a/b"}),
    ],
)
async def test_a_message_that_names_no_import_fails_alone(
    use: Intake, importer: Importer, body: str
) -> None:
    assert await handle([record(body)], importer, soon()) == ["m"]
    assert await use.parts.store.read(SHOP, 0) == []


async def test_a_run_leaves_no_task_behind(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10)
    await handle([asked("warm")], importer, soon())
    before = tasks()
    await handle([asked()], *for_one_page(importer))
    shopify.fail_next(SHOP, 503)
    await handle([asked()], replace(importer, sleep=at_once), soon())
    await asyncio.sleep(0)
    # The Shopify of these tests serves from this process: its tasks are not the app's.
    assert {task for task in tasks() - before if "RequestHandler" not in repr(task)} == set()
