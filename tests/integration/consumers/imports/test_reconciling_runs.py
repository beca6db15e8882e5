"""When a reconciliation runs, how it goes on, and what it leaves alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from cplus.aws import Aws
from cplus.consumers.imports.reconciler import RECONCILE, hour_message, hour_of
from cplus.consumers.imports.reconciling import LOST
from cplus.deadline import Deadline
from cplus.events.base import Cause, NewEvent
from cplus.events.catalogue.customers import CustomerImported
from cplus.events.catalogue.imports import ImportEnded, ImportPageLoaded
from cplus.events.catalogue.orders import OrderChanged
from cplus.events.catalogue.privacy import PersonErased
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import Outcome
from cplus.events.names import INSTALLED_REF, install_import
from cplus.events.recording import Recorder
from cplus.local.shopify import LocalCustomer, LocalShopify
from cplus.shopify.oauth import Tokens
from tests.admin_orders import node
from tests.integration.consumers.imports.reconcile_world import (
    SHOP,
    World,
    installed,
    later,
    world,
)
from tests.integration.intake import Intake, intake

MORNING: Final = datetime(2026, 11, 20, 6, tzinfo=UTC)
CHANGED: Final = "2026-11-20T07:00:00Z"


@pytest.fixture(scope="module")
async def shared(mongo_uri: str, aws: Aws, shopify: LocalShopify) -> AsyncIterator[Intake]:
    async with intake(mongo_uri, aws, origin=shopify.origin) as made:
        yield made


def customer(number: int, **given: Any) -> LocalCustomer:
    told = {"first_name": f"First{number}", "email": f"p{number}@example.com", **given}
    return LocalCustomer.model_validate({"id": number, "updated_at": CHANGED, **told})


def order(number: int, customer: int = 1) -> dict[str, Any]:
    return node(number, CHANGED, updatedAt=CHANGED, customer={"legacyResourceId": str(customer)})


async def told(made: World, *kinds: Any) -> list[int]:
    """The ids of which such events tell, in the order of the log."""
    found = await made.parts.reader.read(await made.commits(), list(kinds))
    name = "shopify_order_id" if OrderChanged in kinds else "shopify_customer_id"
    return [getattr(one.event, name) for events in found for one in events]


async def changed(shared: Intake, shopify: LocalShopify, people: int = 6, **given: Any) -> World:
    """A day later, and Shopify told nothing of so many new customers and their orders."""
    made = await world(shared, shopify, MORNING, **given)
    made.has(
        [customer(one + 1) for one in range(people)], [order(100 + one) for one in range(people)]
    )
    later(made, hours=24)
    return made


async def test_what_no_webhook_told_is_recorded_once_and_the_day_is_done_once(
    shared: Intake, shopify: LocalShopify, capsys: pytest.CaptureFixture[str]
) -> None:
    made = await changed(shared, shopify)
    assert (await made.reconciled("2026-11-21"))["lost"] == 12
    assert f'"{LOST}": 12.0' in capsys.readouterr().out
    assert await told(made, CustomerImported) == [1, 2, 3, 4, 5, 6]
    assert await told(made, OrderChanged) == [100, 101, 102, 103, 104, 105]
    before = len(await made.commits())
    assert await made.reconciled("2026-11-21") == {}
    assert await made.reconciled("2026-11-20") == {}, "a message that comes late"
    assert len(await made.commits()) == before


async def test_an_import_that_is_not_complete_comes_first_and_a_new_install_begins_anew(
    shared: Intake, shopify: LocalShopify
) -> None:
    made = await changed(shared, shopify)
    await installed(made, imported=False)
    assert await made.reconciled("2026-11-21") == {}
    await installed(made)
    assert await told(made, CustomerImported) == [1, 2, 3, 4, 5, 6]
    found = await made.reconciled("2026-11-21")
    assert (found["lost"], found["added"]) == (0, 0)


async def test_a_run_without_time_hands_on_and_the_next_goes_on_behind_it(
    shared: Intake, shopify: LocalShopify
) -> None:
    made = await changed(shared, shopify)
    await made.folded()
    message, runs = made.message("2026-11-21"), 0
    while message:
        assert await made.does(message, until_an_answer(shopify)) == []
        message = made.sent.pop()[0] if made.sent else {}
        runs += 1
        assert runs < 50
    del shopify.changed[SHOP]
    assert runs == 4, "a page each: two of customers, two of orders"
    assert await told(made, CustomerImported) == [1, 2, 3, 4, 5, 6]
    assert len(await told(made, OrderChanged)) == 6


def until_an_answer(shopify: LocalShopify) -> Deadline:
    """A time limit that comes near with the first answer of Shopify."""
    now = 0.0

    def answered(answer: dict[str, Any]) -> dict[str, Any]:
        nonlocal now
        now = 95
        return answer

    shopify.changed[SHOP] = answered
    return Deadline.within(100, lambda: now)


class Crashing(Recorder):
    """Writes, and is gone before anybody knows, at the n-th time."""

    left = 0

    async def append(self, drafts: Sequence[Draft]) -> list[Outcome]:
        outcomes = await super().append(drafts)
        self.left -= 1
        if self.left == 0:
            raise ConnectionError
        return outcomes


async def test_a_crash_after_each_step_loses_nothing_and_records_nothing_twice(
    shared: Intake, shopify: LocalShopify
) -> None:
    made = await changed(shared, shopify)
    await made.folded()
    parts, message = made.parts, made.message("2026-11-21")
    crashing = Crashing(parts.store, parts.reader, parts.nudger)
    importer = replace(made.reconciler.importer, recorder=crashing)
    made.reconciler = replace(made.reconciler, importer=importer)
    crashes = 0
    # Nothing is folded meanwhile, so the read models know of no page that was written.
    while True:
        crashing.left = crashes + 1
        failed = await made.does(message)
        if not failed:
            break
        crashes += 1
    assert crashes >= 4, "two pages of customers, two of orders, the end"
    assert await told(made, CustomerImported) == [1, 2, 3, 4, 5, 6]
    assert await told(made, OrderChanged) == [100, 101, 102, 103, 104, 105]
    assert made.sent == []


async def test_a_missing_scope_skips_its_part_and_a_removed_app_ends_it(
    shared: Intake, shopify: LocalShopify
) -> None:
    made = await changed(shared, shopify, scopes="read_customers")
    assert (await made.reconciled("2026-11-21"))["lost"] == 6
    before = len(await made.commits())
    later(made, hours=24)
    await made.parts.credentials.save(
        SHOP, Tokens(access_token="void", scope="read_customers", expires_in=None)
    )
    assert await made.reconciled("2026-11-22") == {}
    await made.parts.credentials.forget(SHOP, made.now + timedelta(days=1))
    assert await made.reconciled("2026-11-22") == {}
    assert len(await made.commits()) == before


async def test_a_shop_that_is_worked_on_is_looked_at_again_but_not_for_ever(
    shared: Intake, shopify: LocalShopify
) -> None:
    made = await changed(shared, shopify)
    leases = made.reconciler.importer.leases
    lease = await leases.take(f"import/{SHOP}", 60)
    assert lease is not None
    message, seen = made.message("2026-11-21"), 0
    while message:
        assert await made.does(message) == []
        message, delay = made.sent.pop() if made.sent else ({}, 900)
        assert delay == 900
        seen += 1
    assert seen == 9
    await leases.release(lease)
    assert (await made.reconciled("2026-11-21"))["lost"] == 12


async def test_who_was_erased_stays_so_and_what_changed_just_now_is_left_to_the_next_day(
    shared: Intake, shopify: LocalShopify
) -> None:
    made = await changed(shared, shopify, people=2)
    await made.reconciled("2026-11-21")
    found = await made.parts.persons.resolve(SHOP, shopify_id=1)
    assert found is not None
    erased = PersonErased(erasure="e1", person=found.person, orders=(100, 101))
    draft = Draft(
        shop=SHOP,
        claim="erasure/e1/end",
        source="privacy",
        actor="system",
        events=[NewEvent("erasure/e1", erased, made.now)],
        cause=Cause("command"),
        refs=[found.person],
    )
    await made.parts.recorder.append([draft])
    just_now = (made.now + timedelta(hours=23)).isoformat()
    made.has([customer(1, note="late"), customer(3, updated_at=just_now)], [order(100)])
    later(made, hours=24)
    result = await made.reconciled("2026-11-22")
    assert (result["lost"], result["added"]) == (0, 0)
    later(made, hours=24)
    assert (await made.reconciled("2026-11-23"))["lost"] == 1


async def test_a_recorded_page_names_everybody_in_it_so_that_an_erasure_takes_it_too(
    shared: Intake, shopify: LocalShopify
) -> None:
    made = await changed(shared, shopify, people=1)
    await made.reconciled("2026-11-21")
    just_now = (made.now + timedelta(hours=23)).isoformat()
    at = made.now.isoformat()
    people = [customer(1, updated_at=at), customer(2, updated_at=at)]
    made.has([*people, customer(3, updated_at=just_now)], [])
    later(made, hours=24)
    assert (await made.reconciled("2026-11-22"))["lost"] == 1
    page = (await made.commits())[-2]
    for number in (1, 2, 3):
        found = await made.parts.persons.resolve(SHOP, shopify_id=number)
        assert found is not None
        assert found.person in page.refs


async def test_each_shop_has_its_turn_in_one_hour_and_who_has_no_time_goes_on_behind(
    shared: Intake, shopify: LocalShopify
) -> None:
    made = await world(shared, shopify, MORNING)
    shops = [f"shop-{number:04}.myshopify.com" for number in range(1000)]

    async def listed(after: str, limit: int) -> list[str]:
        return [shop for shop in shops if shop > after][:limit]

    made.reconciler = replace(made.reconciler, shops=listed)
    turns: dict[str, list[str]] = {}
    for hour in range(24):
        message = hour_message(datetime(2026, 11, 21, hour, 59, tzinfo=UTC))
        over = Deadline.within(0)
        while message:
            failed = await made.does(message, over)
            assert failed == []
            handed = [one for one, _ in made.sent if RECONCILE not in one]
            for one, _ in made.sent:
                if RECONCILE in one:
                    assert hour_of(one["shop"]) == hour
                    turns.setdefault(one["shop"], []).append(one[RECONCILE])
            made.sent.clear()
            message = handed[0] if handed else {}
    assert turns == {shop: ["2026-11-21"] for shop in shops}


@pytest.mark.parametrize(
    "message",
    [
        {"shop": SHOP, "reconcile": "today"},
        {"shop": "evil.example.com", "reconcile": "2026-11-21"},
        {"shop": SHOP, "reconcile": "2026-11-21", "began": "x", "part": "customers"},
        {"shop": SHOP, "reconcile": "2026-11-21", "began": "2026-11-21T00:00:00", "part": "y"},
        {"reconcile_hour": "2026-11-21", "after": ""},
        {"reconcile_hour": "2026-11-21T03", "after": None},
    ],
)
async def test_a_message_that_cannot_be_read_fails_and_does_nothing(
    message: dict[str, Any], shared: Intake, shopify: LocalShopify
) -> None:
    made = await world(shared, shopify, MORNING)
    before = len(await made.commits())
    assert await made.does(message) == ["m"]
    assert len(await made.commits()) == before


async def test_the_next_day_goes_on_with_an_import_that_a_closed_shop_refused(
    shared: Intake, shopify: LocalShopify
) -> None:
    made = await changed(shared, shopify)
    await installed(made, imported=False)
    [install] = await made.parts.store.by_ref(SHOP, INSTALLED_REF, 1)
    message = {"shop": SHOP, "import_id": install_import(f"{install.id}/0"), "refused": 288}
    refused = until_refused(shopify)
    assert await made.does(message) == []
    assert refused() == 1
    assert await told(made, CustomerImported) == [1, 2, 3, 4], "the first page came"
    [again] = [one for one, _ in made.sent]
    made.sent.clear()
    shopify.changed.clear()
    shopify.fail_next(SHOP, 403)
    assert await made.does({**again, "refused": 288}) == []
    assert made.sent == []

    for day in ("2026-11-21", "2026-11-22"):
        before = len(await made.commits())
        shopify.fail_next(SHOP, 403)
        assert await made.reconciled(day) == {}, "it is closed still"
        assert shopify._faults[SHOP] == [], "and asked once"
        assert len(await made.commits()) == before
    later(made, hours=48)
    assert await made.reconciled("2026-11-23") == {}
    assert await told(made, CustomerImported) == [1, 2, 3, 4, 5, 6], "each once"
    ended = await made.parts.reader.read(await made.commits(), [ImportEnded])
    assert [one.event.outcome for events in ended for one in events] == [  # type: ignore[attr-defined]
        *("complete", "closed", "complete")
    ]
    assert (await made.reconciled("2026-11-24"))["lost"] == 0, "from here on as ever"


async def test_a_shop_that_refuses_a_reconciliation_is_asked_again_the_next_day(
    shared: Intake, shopify: LocalShopify
) -> None:
    made = await changed(shared, shopify)
    shopify.fail_next(SHOP, 403)
    assert await made.does(made.message("2026-11-21")) == []
    assert made.sent == []
    later(made, hours=24)
    assert (await made.reconciled("2026-11-22"))["lost"] == 12, "nothing is passed over"


def until_refused(shopify: LocalShopify) -> Callable[[], int]:
    """Has Shopify refuse our address behind the first page of customers; how often it will."""

    def answered(answer: dict[str, Any]) -> dict[str, Any]:
        if "customers" in (answer.get("data") or {}):
            shopify.fail_next(SHOP, 403)
        return answer

    shopify.changed[SHOP] = answered
    return lambda: 1 - len(shopify._faults[SHOP])


async def test_a_second_import_records_only_what_changed_since(
    shared: Intake, shopify: LocalShopify
) -> None:
    made = await changed(shared, shopify)
    await installed(made)
    people, bought = list(range(1, 7)), list(range(100, 106))
    assert await told(made, CustomerImported) == people
    await made.folded()
    before = await shown(made)
    await installed(made)
    assert await told(made, CustomerImported) == people, "each once"
    assert await told(made, OrderChanged) == bought
    await made.folded()
    assert await shown(made) == before

    again = customer(3).model_copy(update={"note": "Calls", "updated_at": "2026-11-20T08:00:00Z"})
    made.has(
        [again if one == 3 else customer(one) for one in (*people, 7)],
        [order(one) for one in bought] + [order(106)],
    )
    await installed(made)
    assert await told(made, CustomerImported) == [*people, 3, 7]
    assert await told(made, OrderChanged) == [*bought, 106]
    loaded = await made.parts.reader.read(await made.commits(), [ImportPageLoaded])
    pages = [one.event.customers for events in loaded for one in events]  # type: ignore[attr-defined]
    assert pages == [0, 4, 2, 4, 2, 4, 3], "who was read counts"


async def test_what_is_not_folded_yet_is_recorded_once_more(
    shared: Intake, shopify: LocalShopify
) -> None:
    made = await changed(shared, shopify)
    for _ in range(2):
        await installed(made)
    assert await told(made, CustomerImported) == [*range(1, 7), *range(1, 7)]


async def shown(made: World) -> list[Any]:
    """What merchants see of the customers and of what is counted."""
    queries = made.parts.queries
    page = await queries.customers(SHOP)
    return [page.items, await queries.person_counts(SHOP)]
