"""From the webhook that asks for an erasure to the erasure, on real queues and a real database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import Any, cast

import pytest

from cplus.consumers.erasing import erasing
from cplus.consumers.erasing.erasing import RUNS, Erasures
from cplus.consumers.reactions.erasures import ERASURES
from cplus.consumers.reactions.following import follow
from cplus.consumers.webhooks.record import handle
from cplus.deadline import Deadline
from cplus.events.catalogue.customers import CustomerChanged
from cplus.events.catalogue.orders import OrderChanged
from cplus.events.catalogue.privacy import ErasureCompleted, ErasureRequested, PersonErased
from cplus.events.names import erasure_of_webhook
from cplus.leases import Leases
from cplus.privacy.erasing import RowsBehind
from cplus.privacy.keyring import Keyring
from cplus.projections.checks.fold_in_memory import fold_shop
from cplus.projections.models.orders import ORDERS
from tests.integration.consumers.webhooks.installed_app import SHOP, told
from tests.integration.intake import Intake, failures, record, soon
from tests.shopify_samples import ORDER

ADDRESS = "ann@example.com"
CUSTOMER = {"id": 7, "email": ADDRESS, "first_name": "Ann", "updated_at": "2026-11-20T12:00:00Z"}
WORDS = (ADDRESS.encode(), b"Ann")


def redact(webhook_id: str = "r-1", **customer: Any) -> Any:
    body = {"shop_domain": SHOP, "customer": customer, "orders_to_redact": [70]}
    return told("customers/redact", body, webhook_id=webhook_id)


@pytest.fixture
def use_erasing(use: Intake) -> Erasures:
    parts = use.parts
    return Erasures(
        erasing=parts.erasing,
        shops=parts.erasing_shops,
        leases=Leases(parts.mongo.database),
        send=partial(parts.aws.send, parts.settings.erasures_queue),
    )


async def asked(use: Intake, *messages: Any) -> list[dict[str, Any]]:
    """Records webhooks, and answers what lies on the queue of erasures then."""
    for message in messages:  # one after the other, as they came
        assert await handle([message], use.parts.webhooks, soon()) == []
    await follow(ERASURES, SHOP, use.parts.reactor)
    return [one.json() for one in await use.drain(use.parts.settings.erasures_queue)]


async def opened(use: Intake, *kinds: Any) -> list[Any]:
    """What the log has of these kinds, opened by somebody who has no key in memory."""
    reader = use.parts.reader
    commits = await use.parts.store.read(SHOP, 0)
    return [one.event for events in await reader.read(commits, kinds) for one in events]


async def test_a_redact_erases_the_person_and_what_names_them_in_the_request_itself(
    use: Intake, use_erasing: Erasures
) -> None:
    erasure = erasure_of_webhook("customers/redact", "r-1")
    messages = await asked(use, told("customers/update", CUSTOMER), redact(id=7, email=ADDRESS))
    assert messages == [{"shop": SHOP, "erasure": erasure}]
    [request] = await opened(use, ErasureRequested)
    assert (request.email, request.shopify_customer_id) == (ADDRESS, 7)
    assert await erasing.handle([record(messages[0])], use_erasing, soon()) == []
    [gone] = await opened(use, PersonErased)
    assert (gone.erasure, gone.person) == (erasure, request.person)
    [request, customer] = [
        *await opened(use, ErasureRequested),
        *await opened(use, CustomerChanged),
    ]
    assert (request.email, customer.email, customer.first_name) == (None, None, None)
    commits = await use.parts.store.read(SHOP, 0, cause=True)
    for cause in await use.parts.reader.causes(commits):
        assert cause is None or cause.body is None
    raw = await use.parts.mongo.database["commits"].find({}).to_list(None)
    assert not [word for word in WORDS if word in repr(raw).encode()]


async def test_with_a_person_goes_what_they_ordered_and_how_it_is_followed(
    use: Intake, use_erasing: Erasures
) -> None:
    order = {**ORDER, "customer": {"id": 7}}
    [message] = await asked(use, told("orders/create", order), redact(id=7))
    [placed] = await opened(use, OrderChanged)
    [parcel] = placed.tracking
    assert (parcel.numbers, placed.items[0].title) == (("1Z2345",), "Tote")
    stored = use.parts.mongo.database["commits"]
    assert "1Z2345" not in repr(await stored.find({}).to_list(None)), "it is sealed"
    assert await erasing.handle([record(message)], use_erasing, soon()) == []
    [gone] = await opened(use, PersonErased)
    assert gone.orders == (ORDER["id"],)
    [placed] = await opened(use, OrderChanged)
    assert (placed.items, placed.tracking, placed.name) == (None, None, "#1001")
    [row] = (await fold_shop(use.parts.store, use.parts.reader, ORDERS, SHOP)).rows.values()
    assert row["items"] is None
    [mark] = row["tracking"]  # that something was told of them, which no older fact brings back
    assert (mark["company"], mark["numbers"], mark["urls"]) == (None, [], [])


async def test_a_redact_that_is_delivered_twice_is_one_erasure(
    use: Intake, use_erasing: Erasures
) -> None:
    messages = await asked(use, redact(email=ADDRESS), redact(email=ADDRESS))
    assert len(messages) == 1
    twice = [record(messages[0], "a"), record(messages[0], "b")]
    assert await erasing.handle(twice, use_erasing, soon()) == []
    assert len(await opened(use, ErasureRequested)) == len(await opened(use, PersonErased)) == 1


class Stuck:
    """A keyring that never answers."""

    async def condemn(self, _shop: str, _persons: object) -> None:
        await asyncio.Event().wait()


async def test_an_erasure_that_takes_longer_than_a_run_goes_on_in_the_next(
    use: Intake, use_erasing: Erasures
) -> None:
    [message] = await asked(use, redact(id=7))
    without = replace(use_erasing.erasing, keyring=cast(Keyring, Stuck()))
    stuck = replace(use_erasing, erasing=without)
    left = await erasing.work(stuck, Deadline.within(0.2), message)
    assert left is not None
    assert (left.message, left.group) == ({**message, "run": 2}, SHOP)
    with pytest.raises(TimeoutError):  # it gets nowhere
        await erasing.work(stuck, Deadline.within(0.2), {**message, "run": RUNS})
    assert await opened(use, PersonErased) == []
    assert await erasing.work(use_erasing, soon(), {**left.message}) is None
    assert len(await opened(use, PersonErased)) == 1


async def test_while_rows_do_not_show_the_erasure_it_stays_open_and_fails_only_after_a_day(
    use: Intake, use_erasing: Erasures
) -> None:
    [message] = await asked(use, redact(id=7))
    parked = ["customers.v1"]

    async def behind(_shop: str, _position: int) -> list[str]:
        return parked

    waiting = replace(
        use_erasing, erasing=replace(use_erasing.erasing, behind=behind), patience=0.0
    )
    delays = []
    for run in range(1, 13):
        left = await erasing.work(waiting, soon(), {**message, "run": run})
        assert left is not None
        assert left.message == {**message, "run": run + 1}
        delays.append(left.delay)
    assert delays == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
    with pytest.raises(RowsBehind, match=r"customers\.v1"):
        await erasing.work(waiting, soon(), {**message, "run": RUNS})
    assert len(await opened(use, PersonErased)) == 1
    assert await opened(use, ErasureCompleted) == []
    parked.clear()
    assert await erasing.work(waiting, soon(), {**message, "run": RUNS}) is None
    assert len(await opened(use, ErasureCompleted)) == 1


async def test_while_another_run_is_at_it_the_message_comes_back(
    use: Intake, use_erasing: Erasures
) -> None:
    [message] = await asked(use, redact(id=7))
    held = await use_erasing.leases.take(f"erase/{SHOP}/{message['erasure']}", 60)
    assert held is not None
    assert await erasing.handle([record(message)], use_erasing, soon()) == ["m"]
    await use_erasing.leases.release(held)
    assert await erasing.handle([record(message)], use_erasing, soon()) == []


@pytest.mark.parametrize(
    "message",
    [{}, {"shop": SHOP}, {"shop": SHOP, "erasure": "a/b"}, {"shop": SHOP, "erasure": "none"}],
)
async def test_what_names_no_erasure_of_the_log_erases_nothing(
    use: Intake, use_erasing: Erasures, message: dict[str, Any]
) -> None:
    told_of = await failures(lambda r, t: erasing.handle(r, use_erasing, t), record(message))
    assert list(told_of) == ["m"]
