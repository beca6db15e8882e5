"""A large shop is imported by a bulk operation: every customer once, whatever becomes of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cplus.consumers.imports.customer_import import handle
from cplus.consumers.imports.importer import Importer
from cplus.consumers.reactions.imports import IMPORTS
from cplus.events.base import NewEvent
from cplus.events.catalogue.customers import CustomerImported
from cplus.events.catalogue.imports import ImportEnded, ImportPageLoaded, ImportStarted
from cplus.events.catalogue.shops import BulkOperationFinished
from cplus.events.names import bulk_operation_ref
from cplus.local.shopify import LocalShopify
from cplus.local.shopify.admin_api.bulk import Operations, Outcome
from cplus.shopify.bulk import customers_query
from tests.integration.consumers.imports.import_world import (
    SHOP,
    asked,
    at_once,
    counted,
    customer,
    events,
    for_one_page,
    imported,
    installed,
    sending,
)
from tests.integration.consumers.imports.recorders import Dying, Narrow
from tests.integration.consumers.reactions.reactions_world import write
from tests.integration.intake import Intake, record, soon

ALL = list(range(1, 11))
SILENT = Outcome(told=False)
HELD = Outcome(told=False, held=True)


@pytest.fixture
async def bulk(use: Intake, shopify: LocalShopify) -> AsyncIterator[Operations]:
    """The bulk operations of a shop of ten customers."""
    await installed(use, shopify, 10)
    operations = shopify.bulk
    operations.of.clear()
    operations.next.clear()
    operations.next[SHOP] = [SILENT] * 9
    yield operations
    operations.finish(SHOP)
    await operations.idle()
    operations.enabled, operations.at_once = True, 5


@pytest.fixture
def large(importer: Importer) -> Importer:
    """An importer for which ten customers are many, and that waits no time."""
    return replace(importer, bulk_over=9, sleep=at_once)


async def _to_the_end(importer: Importer, bulk: Operations, message: Any = None) -> list[int]:
    """Runs until nothing is left; the delays in between."""
    message, delays = message or asked(), list[int]()
    while True:
        keeping, sent = sending(importer)
        assert await handle([message], keeping, soon()) == []
        if not sent:
            return delays
        [(again, delay)] = sent
        delays.append(delay)
        bulk.finish(SHOP)
        await bulk.idle()
        message = record(again)


def _asked_by_pages(seen: list[dict[str, Any]]) -> int:
    return sum("customers" in (answer.get("data") or {}) for answer in seen)


async def test_a_large_shop_comes_by_one_bulk_operation_and_is_not_asked_by_pages(
    use: Intake, large: Importer, shopify: LocalShopify, bulk: Operations
) -> None:
    seen = counted(shopify)
    bulk.next[SHOP] = [HELD]
    assert await _to_the_end(large, bulk) == [60], "it waits without a run"
    assert await imported(use) == ALL
    assert len(bulk.of[SHOP]) == 1
    assert _asked_by_pages(seen) == 0
    told = [one.event for one in await events(use)]
    assert told[0] == ImportStarted(import_id="i1", total=10, bulk=True)
    assert [one.customers for one in told if isinstance(one, ImportPageLoaded)] == [4, 4, 2]
    assert told[-1] == ImportEnded(import_id="i1", outcome="complete", pages=5, orders="complete")


async def test_a_smaller_shop_comes_by_pages(
    use: Intake, large: Importer, bulk: Operations
) -> None:
    assert await _to_the_end(replace(large, bulk_over=10), bulk) == []
    assert await imported(use) == ALL
    assert bulk.of[SHOP] == []
    assert (await events(use))[-1].event == ImportEnded(
        import_id="i1", outcome="complete", pages=3, orders="complete"
    )


async def test_the_cause_of_a_piece_is_its_lines_as_they_came(
    use: Intake, large: Importer, bulk: Operations
) -> None:
    await _to_the_end(large, bulk)
    commit = await use.parts.store.by_claim(SHOP, "import/i1/3", cause=True)
    assert commit is not None
    [cause] = await use.parts.reader.causes([commit])
    assert cause is not None
    assert cause.body is not None
    ids = [json.loads(line)["legacyResourceId"] for line in cause.body.splitlines()]
    assert ids == ["1", "2", "3", "4"]
    assert bulk.of[SHOP][0].file.read_bytes().startswith(cause.body)


async def test_while_it_runs_the_import_looks_less_and_less_often(
    use: Intake, large: Importer, bulk: Operations
) -> None:
    bulk.next[SHOP] = [HELD]
    message, delays = asked(), []
    for _ in range(6):
        keeping, sent = sending(large)
        assert await handle([message], keeping, soon()) == []
        [(again, delay)] = sent
        delays.append(delay)
        message = record(again)
    assert delays == [60, 120, 240, 480, 900, 900]
    bulk.finish(SHOP)
    await bulk.idle()
    assert await _to_the_end(large, bulk, message) == []
    assert await imported(use) == ALL


async def test_a_file_is_gone_on_with_at_the_byte_where_a_run_ended(
    use: Intake, large: Importer, bulk: Operations
) -> None:
    bulk.next[SHOP] = [HELD]
    keeping, sent = sending(large)
    assert await handle([asked()], keeping, soon()) == []
    bulk.finish(SHOP)
    await bulk.idle()
    runs = 0
    while sent:
        runs += 1
        message, _ = sent.pop()
        assert await handle([record(message)], *for_one_page(keeping)) == []
    assert runs == 4, "three pieces, and the orders"
    assert await imported(use) == ALL
    assert len(bulk.of[SHOP]) == 1


@pytest.mark.parametrize(
    ("outcome", "operations"),
    [
        pytest.param(Outcome("FAILED", "TIMEOUT", 5, told=False), 2, id="timeout with a part"),
        pytest.param(
            Outcome("FAILED", "INTERNAL_SERVER_ERROR", 5, told=False), 2, id="error with a part"
        ),
        pytest.param(
            Outcome("FAILED", "INTERNAL_SERVER_ERROR", 0, told=False), 2, id="error with none"
        ),
        pytest.param(Outcome("CANCELED", told=False), 2, id="canceled"),
        pytest.param(Outcome("EXPIRED", told=False), 2, id="expired"),
        pytest.param(Outcome("FAILED", "ACCESS_DENIED", told=False), 1, id="denied"),
    ],
)
async def test_whatever_becomes_of_an_operation_every_customer_comes_once(
    use: Intake, large: Importer, bulk: Operations, outcome: Outcome, operations: int
) -> None:
    bulk.next[SHOP].insert(0, outcome)
    await _to_the_end(large, bulk)
    assert await imported(use) == ALL
    assert len(bulk.of[SHOP]) == operations
    assert (await events(use))[-1].event.TYPE == ImportEnded.TYPE


async def test_a_part_is_gone_on_with_behind_its_last_customer(
    large: Importer, bulk: Operations
) -> None:
    bulk.next[SHOP].insert(0, Outcome("FAILED", "TIMEOUT", 5, told=False))
    await _to_the_end(large, bulk)
    assert "id:>0" in bulk.of[SHOP][0].query
    assert "id:>5" in bulk.of[SHOP][1].query


async def test_after_three_operations_the_rest_is_read_by_pages(
    use: Intake, large: Importer, shopify: LocalShopify, bulk: Operations
) -> None:
    bulk.next[SHOP] = [Outcome("FAILED", "TIMEOUT", 2, told=False)] * 3
    seen = counted(shopify)
    await _to_the_end(large, bulk)
    assert await imported(use) == ALL
    assert len(bulk.of[SHOP]) == 3
    assert _asked_by_pages(seen) == 1, "four customers were left"


async def test_an_app_that_may_not_use_bulk_operations_reads_by_pages(
    use: Intake, large: Importer, bulk: Operations
) -> None:
    bulk.enabled = False
    assert await _to_the_end(large, bulk) == []
    assert await imported(use) == ALL
    assert bulk.of[SHOP] == []


@pytest.mark.parametrize("at_once_", [1, 5])
async def test_other_operations_of_the_app_are_waited_for(
    use: Intake, large: Importer, shopify: LocalShopify, bulk: Operations, at_once_: int
) -> None:
    bulk.at_once = at_once_
    bulk.next[SHOP] = [HELD] * at_once_ + [SILENT]
    other = "{ customers(sortKey: ID) { edges { node { legacyResourceId } } } }"
    local = bulk.root(shopify.store.state.shops[SHOP], frozenset({"read_customers"}))
    for _ in range(at_once_):
        local["bulkOperationRunQuery"](None, query=other, groupObjects=False)
    keeping, sent = sending(large)
    assert await handle([asked()], keeping, soon()) == []
    [(again, delay)] = sent
    assert delay == 60
    assert len(bulk.of[SHOP]) == at_once_
    bulk.finish(SHOP)
    await bulk.idle()
    await _to_the_end(large, bulk, record(again))
    assert await imported(use) == ALL


async def test_a_file_that_is_gone_is_made_anew(
    use: Intake, large: Importer, bulk: Operations
) -> None:
    bulk.next[SHOP].insert(0, HELD)
    keeping, sent = sending(large)
    assert await handle([asked()], keeping, soon()) == []
    bulk.finish(SHOP)
    await bulk.idle()
    [(again, _)] = sent
    first, kept = for_one_page(keeping)
    assert await handle([record(again)], first, kept) == []
    (again, _) = sent[-1]
    bulk.expire(SHOP)
    await _to_the_end(large, bulk, record(again))
    assert await imported(use) == ALL
    assert len(bulk.of[SHOP]) == 2


@pytest.mark.parametrize(
    ("number", "after"), [(1, False), (1, True), (2, False), (2, True), (3, True), (5, False)]
)
async def test_a_crash_at_each_step_doubles_neither_a_customer_nor_an_operation(
    use: Intake,
    large: Importer,
    bulk: Operations,
    number: int,
    after: bool,
) -> None:
    dying = replace(large, recorder=Dying(large.recorder, number, after=after))
    message, crashed = asked(), 0
    while True:
        keeping, sent = sending(dying)
        failed = await handle([message], keeping, soon())
        await bulk.idle()
        crashed += len(failed)
        if not failed and not sent:
            break
        if sent:
            message = record(sent[0][0])
    assert crashed == 1
    assert await imported(use) == ALL
    assert len(bulk.of[SHOP]) == 1


async def test_a_customer_that_cannot_be_read_or_stored_is_left_out_and_counted(
    use: Intake, large: Importer, shopify: LocalShopify, bulk: Operations
) -> None:
    people = shopify.store.state.shops[SHOP].customers
    people[2] = customer(3, note="x" * 5_000_000)
    people[7] = customer(8).model_copy(update={"updated_at": "yesterday"})
    await _to_the_end(large, bulk)
    assert await imported(use) == [1, 2, 4, 5, 6, 7, 9, 10]
    told = [one.event for one in await events(use)]
    assert sum(one.skipped for one in told if isinstance(one, ImportPageLoaded)) == 2


@pytest.mark.parametrize("fails", [False, True])
async def test_an_import_that_is_refused_cancels_what_nobody_will_read(
    use: Intake, shopify: LocalShopify, large: Importer, bulk: Operations, fails: bool
) -> None:
    bulk.next[SHOP].insert(0, HELD)
    keeping, sent = sending(large)
    assert await handle([asked()], keeping, soon()) == []
    [(again, _)] = sent

    def refuse(answer: dict[str, Any]) -> dict[str, Any]:
        said = answer.get("data") or {}
        if "bulkOperation" in said or (fails and "bulkOperationCancel" in said):
            return {"errors": [{"message": "no", "extensions": {"code": "BAD_REQUEST"}}]}
        return answer

    [operation] = bulk.of[SHOP]
    shopify.changed[SHOP] = refuse
    try:
        if fails:  # Shopify does not do it: the import has ended all the same
            bulk.of[SHOP].clear()
        assert await handle([record(again)], sending(large)[0], soon()) == []
    finally:
        del shopify.changed[SHOP]
    operation.go.set()
    await bulk.idle()
    assert operation.status == ("COMPLETED" if fails else "CANCELED")
    ended = [one.event for one in await events(use) if isinstance(one.event, ImportEnded)]
    assert [one.outcome for one in ended] == ["refused"]


def _held(new: NewEvent) -> int | None:
    return new.event.shopify_customer_id if isinstance(new.event, CustomerImported) else None


async def test_a_piece_that_no_commit_holds_is_recorded_in_halves(
    use: Intake, large: Importer, bulk: Operations
) -> None:
    await _to_the_end(replace(large, recorder=Narrow(large.recorder, _held, 7)), bulk)
    assert await imported(use) == [1, 2, 3, 4, 5, 6, 8, 9, 10]
    assert (await events(use))[-1].event.TYPE == ImportEnded.TYPE


async def test_what_shopify_says_of_the_end_wakes_the_import_that_waits(
    use: Intake, large: Importer, bulk: Operations
) -> None:
    keeping, _ = sending(large)
    await handle([asked(correlation_id="install-7")], keeping, soon())
    await bulk.idle()
    await write(
        use,
        BulkOperationFinished(operation=bulk.of[SHOP][0].gid, status="completed"),
        BulkOperationFinished(operation="gid://shopify/BulkOperation/999", status="completed"),
    )
    commits = (await use.parts.store.read(SHOP, 0))[-2:]
    handed: list[dict[str, Any]] = []

    class Handing:
        store = use.parts.store

        def at_step(self, _step: str) -> None: ...

        def setting(self, name: str) -> str:
            return name

        async def send(self, queue: str, message: dict[str, Any], *, group: str) -> None:
            assert (queue, group) == ("import_queue", SHOP)
            handed.append(message)

    for commit in commits:
        [told] = await use.parts.reader.of(commit)
        await IMPORTS.hand_out(commit, told, Handing())  # type: ignore[arg-type]
    [woken] = handed
    assert (woken["import_id"], woken["correlation_id"]) == ("i1", "install-7")
    assert await _to_the_end(large, bulk, record(woken)) == []
    assert await imported(use) == ALL


async def test_a_second_import_never_reads_the_file_of_one_before_it(
    use: Intake, large: Importer, shopify: LocalShopify, bulk: Operations
) -> None:
    await _to_the_end(large, bulk)
    shopify.store.state.shops[SHOP].customers.append(customer(11))
    await _to_the_end(large, bulk, asked("i2"))
    assert len(bulk.of[SHOP]) == 2
    assert await imported(use) == [*ALL, *ALL, 11]


async def test_an_operation_that_waits_in_another_import_is_left_to_that_one(
    use: Intake, large: Importer, bulk: Operations
) -> None:
    bulk.next[SHOP] = [HELD, HELD]
    keeping, sent = sending(large)
    assert await handle([asked("i1")], keeping, soon()) == []
    assert await handle([asked("i2")], keeping, soon()) == []
    first, second = [message for message, _ in sent]
    commits = [
        await use.parts.store.by_ref(SHOP, bulk_operation_ref(one.gid)) for one in bulk.of[SHOP]
    ]
    assert [[commit.claims[0] for commit in some] for some in commits] == [
        ["import/i1/2"],
        ["import/i2/2"],
    ]
    bulk.finish(SHOP)
    await bulk.idle()
    for message in (first, second):
        assert await _to_the_end(large, bulk, record(message)) == []


async def test_an_operation_from_before_the_import_that_nobody_noted_is_not_read(
    use: Intake, large: Importer, shopify: LocalShopify, bulk: Operations
) -> None:
    query = customers_query(0)
    local = bulk.root(shopify.store.state.shops[SHOP], frozenset({"read_customers"}))
    local["bulkOperationRunQuery"](None, query=query, groupObjects=False)
    await bulk.idle()
    shopify.store.state.shops[SHOP].customers.append(customer(11))
    later = use.parts.clock() + timedelta(seconds=2)
    await _to_the_end(replace(large, clock=lambda: later), bulk)
    assert await imported(use) == [*ALL, 11]


async def test_a_piece_ends_at_some_megabytes_too(
    use: Intake, large: Importer, shopify: LocalShopify, bulk: Operations
) -> None:
    people = shopify.store.state.shops[SHOP].customers
    for number in (1, 2, 3):
        people[number - 1] = customer(number, note="x" * 3_500_000)
    await _to_the_end(replace(large, page_size=10), bulk)
    told = [one.event for one in await events(use)]
    loaded = [one for one in told if isinstance(one, ImportPageLoaded)]
    assert [(one.customers, one.skipped) for one in loaded] == [(2, 0), (8, 0)]
    assert await imported(use) == ALL
