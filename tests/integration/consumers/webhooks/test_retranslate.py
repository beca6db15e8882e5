"""Webhooks that could not be translated when they came, translated again by other code."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cplus.aws import Aws
from cplus.consumers.erased_shops import FROM_BEFORE, REMEMBERED, ErasedShops
from cplus.consumers.webhooks.drafting import Webhooks
from cplus.consumers.webhooks.record import handle
from cplus.consumers.webhooks.retranslate import GONE, UNKNOWN_STILL, Retranslated, retranslate
from cplus.consumers.webhooks.uninstalls import STANDS
from cplus.consumers.webhooks.untranslated import NOT_KNOWN, Kind, count_untranslated
from cplus.consumers.webhooks.whose import ANOTHERS, OF_ANOTHER_TOPIC
from cplus.events.base import NewEvent
from cplus.events.catalogue.customers import CustomerChanged, PersonsJoined
from cplus.events.catalogue.orders import OrderChanged
from cplus.events.catalogue.privacy import ErasureRequested, PersonErased, ShopErased
from cplus.events.causes import cause_of
from cplus.events.log.commit import Commit, Draft
from cplus.events.names import (
    SHOP_ERASED_REF,
    delivery_ref,
    erasure_of_webhook,
    shop_stream,
    webhook_claim,
)
from cplus.events.nudges import News
from cplus.events.reasons import Code, Reason
from cplus.events.recording import Recorder
from cplus.local.shopify import LocalShopify
from cplus.privacy.erasing import erase
from cplus.privacy.persons import PERSONS
from tests.integration.consumers.webhooks.installed_app import SHOP, installed_app, told
from tests.integration.intake import Intake, intake, soon
from tests.integration.privacy.sealing_world import no_rows
from tests.nudges import Nudges
from tests.shopify_samples import ORDER

BROKEN = "orders/create: the translation failed (KeyError)"
TRIGGERED = "2026-11-02T13:15:31.500000+00:00"
UPDATED = datetime(2026, 11, 2, 13, 15, 30, tzinfo=UTC)
ANN = {"id": 7, "email": "ann@example.com", "updated_at": "2026-11-02T13:15:30Z"}


@pytest.fixture(scope="module")
async def shared(mongo_uri: str, aws: Aws, shopify: LocalShopify) -> AsyncIterator[Intake]:
    async with intake(mongo_uri, aws, origin=shopify.origin) as made:
        yield made


@pytest.fixture
async def webhooks(shared: Intake, shopify: LocalShopify) -> Webhooks:
    return await installed_app(shared, shopify)


async def came(
    webhooks: Webhooks,
    topic: str = "orders/create",
    payload: Any = ORDER,
    *,
    reason: str | Reason | None = BROKEN,
    webhook_id: str = "w-1",
    shop: str = SHOP,
    **headers: str,
) -> Commit:
    """The commit that code of before made of a webhook."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    told_beside = {
        "x-shopify-topic": topic,
        "x-shopify-webhook-id": webhook_id,
        "x-shopify-shop-domain": shop,
        "x-shopify-triggered-at": TRIGGERED,
        "x-shopify-event-id": f"e-{webhook_id}",
        "delivery": f"d-{webhook_id}",
        **headers,
    }
    draft = Draft(
        shop=shop,
        claim=webhook_claim(topic, webhook_id),
        source="webhook",
        actor="shopify",
        cause=await cause_of("webhook", shop, body, webhooks.bodies, headers=told_beside),
        refs=[delivery_ref(f"d-{webhook_id}")],
        correlation_id=f"e-{webhook_id}",
        reason=reason.words if isinstance(reason, Reason) else reason,
        code=reason.code if isinstance(reason, Reason) else None,
    )
    store = webhooks.recorder.store
    await store.append([draft])
    commit = await store.by_claim(shop, draft.claim)
    assert commit is not None
    return commit


async def log(webhooks: Webhooks, shop: str = SHOP) -> list[Commit]:
    return await webhooks.recorder.store.read(shop, 0, cause=True)


async def events(webhooks: Webhooks, *kinds: Any) -> list[Any]:
    return [
        one for of in await webhooks.recorder.reader.read(await log(webhooks), kinds) for one in of
    ]


async def left(webhooks: Webhooks) -> dict[Kind, int]:
    """What the console shows."""
    since = datetime(2026, 1, 1, tzinfo=UTC)
    return dict((await count_untranslated(webhooks.recorder.store, since=since, most=100)).kinds)


async def test_it_becomes_a_new_commit_that_follows_from_the_old_one_and_only_once(
    webhooks: Webhooks,
) -> None:
    old = await came(webhooks)
    kind = Kind("orders/create", BROKEN)
    assert await left(webhooks) == {kind: 1}
    outcome = await retranslate(webhooks)
    assert (outcome.translated, outcome.left, outcome.before) == ({kind: 1}, {}, 0)
    before, new = await log(webhooks)
    assert (before.id, before.types, before.reason) == (old.id, [], BROKEN)
    assert (new.causation_id, new.correlation_id) == (old.id, "e-w-1")
    assert (new.claims[0], new.source, new.actor) == (
        "again/webhook/orders/create/w-1",
        "webhook",
        "shopify",
    )
    assert new.cause is not None
    assert (new.cause["body"], new.cause["headers"]["commit"]) == (None, old.id)
    [order] = await events(webhooks, OrderChanged)
    assert (order.event.name, order.occurred_at) == ("#1001", UPDATED)
    assert order.told_at == datetime.fromisoformat(TRIGGERED)
    assert (order.event.person in new.refs, "order/820982911946154508" in new.refs) == (True, True)
    again = await retranslate(webhooks)
    assert (again.translated, again.left, again.before) == ({}, {}, 1)
    assert len(await log(webhooks)) == 2
    assert await left(webhooks) == {}


async def test_the_redelivery_of_it_is_still_known(webhooks: Webhooks) -> None:
    await came(webhooks)
    await retranslate(webhooks)
    assert await handle([told("orders/create", ORDER)], webhooks, soon()) == []
    assert len(await log(webhooks)) == 2


async def test_a_topic_that_was_not_known_then_is_translated_and_one_that_is_not_known_stays(
    webhooks: Webhooks,
) -> None:
    await came(webhooks, reason=None)
    await came(webhooks, "themes/publish", {"id": 1}, reason=None, webhook_id="w-2")
    unknown = Kind("themes/publish", NOT_KNOWN)
    assert await left(webhooks) == {Kind("orders/create", NOT_KNOWN): 1, unknown: 1}
    outcome = await retranslate(webhooks)
    assert outcome.translated == {Kind("orders/create", NOT_KNOWN): 1}
    assert outcome.left == {Kind("themes/publish", UNKNOWN_STILL): 1}
    assert await left(webhooks) == {unknown: 1}


async def test_what_came_by_eventbridge_and_what_rests_in_the_bucket_is_read(
    shared: Intake, webhooks: Webhooks
) -> None:
    envelope = {"detail-type": "shopifyWebhook", "detail": {"payload": ORDER, "metadata": {}}}
    await came(webhooks, payload=envelope, via="eventbridge")
    large = {**ORDER, "id": 71, "note_attributes": ["x" * 300_000]}
    await came(webhooks, payload=large, webhook_id="w-2")
    client = await shared.parts.aws.client("s3")

    async def objects() -> int:
        bucket = shared.parts.settings.bodies_bucket
        return int((await client.list_objects_v2(Bucket=bucket))["KeyCount"])

    before = await objects()
    await retranslate(webhooks)
    found = {one.event.shopify_order_id for one in await events(webhooks, OrderChanged)}
    assert found == {820982911946154508, 71}
    assert await objects() == before, "what is there is not stored once more"


async def test_without_a_time_of_its_own_it_happened_when_it_came(webhooks: Webhooks) -> None:
    received = "2026-11-01T00:00:00+00:00"
    headers = {"x-shopify-triggered-at": "", "received": received}
    await came(webhooks, payload={**ORDER, "updated_at": None}, **headers)
    await retranslate(webhooks)
    [order] = await events(webhooks, OrderChanged)
    assert (order.occurred_at, order.told_at) == (datetime.fromisoformat(received), None)


async def test_what_cannot_be_translated_is_recorded_with_when_it_came(webhooks: Webhooks) -> None:
    assert await handle([told("orders/create", {"id": "x"})], webhooks, soon()) == []
    [commit] = await log(webhooks)
    assert commit.cause is not None
    assert datetime.fromisoformat(commit.cause["headers"]["received"])


async def test_what_was_refused_is_not_taken_up_and_what_is_still_wrong_stays(
    webhooks: Webhooks,
) -> None:
    shop = {"id": 1, "name": "Other", "myshopify_domain": SHOP}
    await came(webhooks, "shop/update", shop, reason=ANOTHERS.words)
    await came(webhooks, "app/uninstalled", shop, reason=STANDS.words)
    reworded = Reason(Code.STILL_INSTALLED, "in better words")
    await came(webhooks, "app/uninstalled", shop, reason=reworded, webhook_id="w-4")
    await came(webhooks, payload=b"{", webhook_id="w-2")
    await came(webhooks, "shop/update", {**shop, "myshopify_domain": "x"}, webhook_id="w-3")
    outcome = await retranslate(webhooks)
    assert outcome.translated == {}
    assert {kind.reason.partition(" (")[0] for kind in outcome.left} == {
        "the body is not JSON",
        ANOTHERS.words,
    }
    assert len(await log(webhooks)) == 5


async def test_shop_topic_and_time_choose_what_is_translated(webhooks: Webhooks) -> None:
    other = "red-tea.myshopify.com"
    await came(webhooks)
    await came(webhooks, shop=other)
    await came(webhooks, "customers/update", ANN, webhook_id="w-2")
    late = webhooks.clock() + timedelta(hours=1)
    assert (await retranslate(webhooks, since=late)).translated == {}
    assert (await retranslate(webhooks, shop=other)).translated.total() == 1
    assert len(await log(webhooks)) == 2
    assert (await retranslate(webhooks, topic="customers/update")).translated.total() == 1
    assert len(await events(webhooks, OrderChanged)) == 0
    assert (await retranslate(webhooks)).translated.total() == 1


async def test_a_dry_run_says_what_would_come_of_it_and_writes_nothing(
    shared: Intake, webhooks: Webhooks
) -> None:
    await came(webhooks)
    await came(webhooks, payload=b"{", webhook_id="w-2")
    outcome = await retranslate(webhooks, dry_run=True)
    assert (outcome.translated.total(), outcome.left.total()) == (1, 1)
    assert len(await log(webhooks)) == 2
    assert await shared.parts.mongo.keyring[PERSONS].count_documents({"shop": SHOP}) == 0


async def test_a_dry_run_decides_as_the_real_run_does(webhooks: Webhooks) -> None:
    """One whose translation raises hides none behind it, and neither run believes what names
    another shop or asks for what another topic does."""
    customer = {"shop_domain": SHOP, "customer": {"id": 7, "email": "ann@example.com"}}
    request = {**customer, "data_request": {"id": 9}}
    last_day = {"x-shopify-triggered-at": "9999-12-31T00:00:00+00:00"}
    await came(webhooks, "customers/data_request", request, reason=None, **last_day)
    await came(webhooks, "customers/redact", request, reason=None, webhook_id="w-2")
    other = {"id": 1, "name": "Other", "myshopify_domain": "red-tea.myshopify.com"}
    await came(webhooks, "shop/update", other, webhook_id="w-3")
    await came(webhooks, webhook_id="w-4")
    dry = await retranslate(webhooks, dry_run=True)
    assert len(await log(webhooks)) == 4
    failed = "customers/data_request: the translation failed (OverflowError)"
    assert dry.left == {
        Kind("customers/data_request", failed): 1,
        Kind("customers/redact", OF_ANOTHER_TOPIC.words): 1,
        Kind("shop/update", ANOTHERS.words): 1,
    }
    assert dry.translated == {Kind("orders/create", BROKEN): 1}
    real = await retranslate(webhooks)
    assert (real.left, real.translated) == (dry.left, dry.translated)


async def test_what_shopify_requires_of_every_app_is_obeyed(webhooks: Webhooks) -> None:
    customer = {"shop_domain": SHOP, "customer": {"id": 7, "email": "ann@example.com"}}
    await came(webhooks, "customers/redact", customer, reason=None)
    await retranslate(webhooks)
    [asked] = await events(webhooks, ErasureRequested)
    assert asked.event.erasure == erasure_of_webhook("customers/redact", "w-1")


async def test_the_erasure_of_a_shop_that_has_the_app_is_not_obeyed(webhooks: Webhooks) -> None:
    await came(webhooks, "shop/redact", {"shop_domain": SHOP}, reason=None)
    outcome = await retranslate(webhooks)
    assert outcome.left == {Kind("shop/redact", STANDS.words): 1}
    assert len(await log(webhooks)) == 1


async def test_who_was_erased_stays_erased(shared: Intake, webhooks: Webhooks) -> None:
    assert await handle([told("customers/update", ANN)], webhooks, soon()) == []
    redact = {"shop_domain": SHOP, "customer": {"id": 7, "email": ANN["email"]}}
    await came(webhooks, "customers/update", ANN, webhook_id="w-2")
    assert await handle([told("customers/redact", redact)], webhooks, soon()) == []
    erasing = replace(shared.parts.erasing, behind=no_rows)
    await erase(SHOP, erasure_of_webhook("customers/redact", "w-1"), use=erasing)
    assert await events(webhooks, PersonErased)
    await retranslate(webhooks)
    told_of = [one.event.email for one in await events(webhooks, CustomerChanged)]
    assert told_of == [None, None]


async def test_nothing_comes_back_of_a_shop_that_was_erased(
    shared: Intake, webhooks: Webhooks
) -> None:
    await came(webhooks)
    event = ShopErased(
        erasure="e1",
        originator_id=shop_stream(SHOP),
        originator_version=1,
        timestamp=webhooks.clock(),
    )
    refs = [SHOP_ERASED_REF, shop_stream(SHOP)]
    draft = Draft(SHOP, "erased", "test", "test", [NewEvent.decided(event)], refs=refs)
    await webhooks.recorder.store.append([draft])
    now = shared.parts.clock() + REMEMBERED

    async def saved_at(_shop: str) -> datetime:
        return now

    erased = ErasedShops(webhooks.recorder, saved_at, lambda: now)
    outcome = await retranslate(replace(webhooks, erased=erased))
    assert outcome.left == {Kind("orders/create", FROM_BEFORE.words): 1}
    assert await events(webhooks, OrderChanged) == []


class _Crashed(Exception):
    """As the end of the process."""


class _Failing:
    """A topic that is down."""

    async def nudge(self, news: Mapping[str, News]) -> None:
        raise _Crashed


async def test_after_a_crash_between_append_and_nudge_the_next_run_completes_it(
    webhooks: Webhooks,
) -> None:
    """Two who turn out to be one are in the log then, and still two in the directory."""
    one, other = "ann@example.com", "ann@elsewhere.example"
    for number, address in enumerate((one, other)):
        guest = {**ORDER, "id": 100 + number, "customer": None, "email": address}
        message = told("orders/create", guest, webhook_id=f"g-{number}")
        assert await handle([message], webhooks, soon()) == []
    assert await handle([told("customers/update", {**ANN, "email": one})], webhooks, soon()) == []
    moved = {**ANN, "email": other, "updated_at": "2026-11-03T13:15:30Z"}
    await came(webhooks, "customers/update", moved, webhook_id="w-2")
    store, reader = webhooks.recorder.store, webhooks.recorder.reader
    crashing = replace(webhooks, recorder=Recorder(store, reader, _Failing()))
    with pytest.raises(_Crashed):
        await retranslate(crashing)
    length = len(await log(webhooks))
    [joined] = [one.event for one in await events(webhooks, PersonsJoined)][-1:]
    nudges = Nudges()
    outcome = await retranslate(replace(webhooks, recorder=Recorder(store, reader, nudges)))
    assert (outcome.translated.total(), outcome.before) == (0, 1)
    assert len(await log(webhooks)) == length
    assert nudges.heads == [{SHOP: length}]
    resolved = await webhooks.persons.resolve(SHOP, address=other)
    assert resolved is not None
    assert (resolved.person, list(resolved.absorbed)) == (joined.person, [])


class _Stopped(Exception):
    """As Ctrl-C."""


async def test_it_can_be_stopped_and_goes_on_with_what_is_left(webhooks: Webhooks) -> None:
    for number in range(45):
        await came(webhooks, payload={**ORDER, "id": number + 1}, webhook_id=f"w-{number}")

    def stop(_done: int) -> None:
        raise _Stopped

    with pytest.raises(_Stopped):
        await retranslate(webhooks, progress=stop)
    first = len(await events(webhooks, OrderChanged))
    assert 0 < first < 45
    sizes: list[int] = []
    outcome = await retranslate(webhooks, progress=sizes.append)
    assert (outcome.translated.total(), outcome.before) == (45 - first, first)
    assert max(sizes) <= 20, "a part is in memory at a time"
    assert len(await events(webhooks, OrderChanged)) == 45


async def test_what_nobody_can_open_any_more_is_said_to_be_gone(webhooks: Webhooks) -> None:
    store = webhooks.recorder.store
    draft = Draft(SHOP, webhook_claim("orders/create", "w-1"), "webhook", "shopify", reason=BROKEN)
    await store.append([draft])
    outcome: Retranslated = await retranslate(webhooks)
    assert outcome.left == {Kind("orders/create", GONE): 1}
