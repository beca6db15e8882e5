"""Webhooks from the edge to the log, on a real queue, bucket, topic and database."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
import structlog

from cplus.consumers.batches.sqs import SqsRecord
from cplus.consumers.webhooks import edge
from cplus.consumers.webhooks.drafting import Webhooks
from cplus.consumers.webhooks.edge import told_of
from cplus.consumers.webhooks.record import handle
from cplus.envelopes import Stored
from cplus.events.catalogue.customers import CustomerChanged, PersonsJoined
from cplus.events.log.commit import Commit, Draft
from cplus.events.log.outcomes import Outcome, Unknown
from cplus.events.log.sealing import SEALED
from cplus.events.log.store import EventStore
from cplus.events.recording import Recorder
from cplus.mongo import AutoReconnect
from cplus.privacy.identities import Resolved
from cplus.privacy.mentions import Mentions, Named
from cplus.projections.models.customers import CUSTOMERS
from cplus.shopify.signatures import sign_webhook
from tests.integration.intake import SECRET, Intake, new_bucket, record, soon, tasks
from tests.nudges import Nudges
from tests.unit.projections.models.told_events import fold

SHOP = "blue-jam.myshopify.com"
OTHER = "red-tea.myshopify.com"
CUSTOMER = b'{"id": 7, "email": "ann@example.com", "updated_at": "2026-11-20T12:00:00Z"}'


@pytest.fixture
def webhooks(use: Intake) -> Webhooks:
    return use.parts.webhooks


def queued(
    body: bytes = CUSTOMER,
    *,
    webhook_id: str = "w-1",
    delivery: str = "d-1",
    shop: str = SHOP,
    topic: str = "customers/update",
    message_id: str = "m",
    received_at: str = "2026-11-20T12:00:01+00:00",
    triggered_at: str | None = "2026-11-20T12:00:00.5Z",
) -> SqsRecord:
    message = {
        "delivery": delivery,
        "received_at": received_at,
        "headers": {
            "x-shopify-topic": topic,
            "x-shopify-shop-domain": shop,
            "x-shopify-webhook-id": webhook_id,
            "x-shopify-event-id": "e-1",
            **({"x-shopify-triggered-at": triggered_at} if triggered_at else {}),
            "x-shopify-hmac-sha256": "as an older edge queued it",
        },
        "body": base64.b64encode(body).decode(),
        "body_ref": None,
    }
    return record(message, message_id)


async def commits(webhooks: Webhooks, shop: str = SHOP) -> list[Commit]:
    """The shop's commits, with their causes."""
    return await webhooks.recorder.store.read(shop, 0, cause=True)


async def body_of(webhooks: Webhooks, commit: Commit) -> bytes:
    """The bytes of the commit's cause, opened."""
    [cause] = await webhooks.recorder.reader.causes([commit])
    assert cause is not None
    assert cause.body is not None
    return cause.body


async def redelivered(webhooks: Webhooks) -> list[str]:
    rows = await webhooks.redeliveries.find().sort("_id").to_list(None)
    return [row["_id"] for row in rows]


async def post(use: Intake, body: bytes, **headers: str) -> int:
    """Sends a webhook to the edge; the status that it answers."""
    given = {
        "x-shopify-topic": "customers/update",
        "x-shopify-hmac-sha256": sign_webhook(body, SECRET),
        "x-shopify-shop-domain": SHOP,
        "x-shopify-webhook-id": "w-1",
        "x-shopify-event-id": "e-1",
        **headers,
    }
    answer = await edge.handle(
        {
            "rawPath": "/webhooks/shopify",
            "headers": given,
            "requestContext": {"http": {"method": "POST"}, "requestId": "attempt"},
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": True,
        },
        send=partial(use.parts.aws.send, use.parts.settings.webhooks_queue),
        put=use.parts.bodies.put,
        secrets=[SECRET],
        clock=use.parts.clock,
    )
    return int(answer["statusCode"])


async def test_a_fact_says_when_shopify_told_of_it(webhooks: Webhooks) -> None:
    assert await handle([queued()], webhooks, soon()) == []
    [told] = await webhooks.recorder.reader.of((await commits(webhooks))[0])
    assert told.occurred_at == datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert told.told_at == datetime(2026, 11, 20, 12, 0, 0, 500_000, tzinfo=UTC)


async def test_no_signature_is_stored(webhooks: Webhooks) -> None:
    assert await handle([queued()], webhooks, soon()) == []
    [commit] = await commits(webhooks)
    assert commit.cause is not None
    assert not [name for name in commit.cause["headers"] if "hmac" in name]


async def test_a_webhook_goes_from_the_edge_to_the_log_as_it_came(
    use: Intake, webhooks: Webhooks
) -> None:
    assert await post(use, CUSTOMER) == 200
    batch = await use.drain(use.parts.settings.webhooks_queue)
    assert batch[0].attributes.get("MessageGroupId") == SHOP
    assert "hmac" not in batch[0].body
    assert await handle(batch, webhooks, soon()) == []
    [commit] = await commits(webhooks)
    assert commit.claims == ["webhook/customers/update/w-1"]
    assert (commit.source, commit.actor, commit.correlation_id) == ("webhook", "shopify", "e-1")
    assert commit.cause is not None
    assert commit.cause["kind"] == "webhook"
    assert await body_of(webhooks, commit) == CUSTOMER
    assert commit.cause["headers"]["x-shopify-topic"] == "customers/update"
    assert commit.cause["headers"]["delivery"] == "attempt"
    [told] = await webhooks.recorder.reader.of(commit)
    assert isinstance(told.event, CustomerChanged)
    assert told.occurred_at == datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    assert {"customer/7", told.event.person, "correlation/e-1"} <= set(commit.refs)
    assert await use.nudges() == [{"shop": SHOP, "position": 1}]


async def test_a_bad_signature_leaves_nothing_behind(use: Intake, webhooks: Webhooks) -> None:
    assert await post(use, CUSTOMER, **{"x-shopify-hmac-sha256": "bm9uc2Vuc2U="}) == 401
    assert await use.drain(use.parts.settings.webhooks_queue) == []


async def test_a_redelivered_webhook_is_recorded_once_and_counted(webhooks: Webhooks) -> None:
    assert await handle([queued(delivery="d-1")], webhooks, soon()) == []
    for _ in range(2):  # the second time it is SQS that repeats itself
        assert await handle([queued(delivery="d-2")], webhooks, soon()) == []
    assert len(await commits(webhooks)) == 1
    assert await redelivered(webhooks) == [f"{SHOP}/customers/update/w-1/d-2"]


async def test_a_message_that_sqs_repeats_is_no_redelivery(webhooks: Webhooks) -> None:
    for _ in range(2):
        assert await handle([queued()], webhooks, soon()) == []
    assert len(await commits(webhooks)) == 1
    assert await redelivered(webhooks) == []


async def test_the_same_webhook_twice_in_a_batch_is_one_commit_and_one_redelivery(
    webhooks: Webhooks,
) -> None:
    batch = [queued(delivery="d-1"), queued(delivery="d-2"), queued(delivery="d-1")]
    assert await handle(batch, webhooks, soon()) == []
    assert len(await commits(webhooks)) == 1
    assert await redelivered(webhooks) == [f"{SHOP}/customers/update/w-1/d-2"]


async def test_the_same_webhook_id_on_another_topic_is_another_webhook(webhooks: Webhooks) -> None:
    batch = [queued(), queued(b'{"id": 7}', topic="customers/delete"), queued(shop=OTHER)]
    assert await handle(batch, webhooks, soon()) == []
    assert len(await commits(webhooks)) == 2
    assert len(await commits(webhooks, OTHER)) == 1


async def test_a_batch_is_nudged_once_for_each_shop(use: Intake, webhooks: Webhooks) -> None:
    batch = [
        queued(json.dumps({"id": i + 1}).encode(), webhook_id=f"w-{i}", shop=[SHOP, OTHER][i % 2])
        for i in range(50)
    ]
    assert await handle(batch, webhooks, soon()) == []
    assert await use.nudges() == [{"shop": SHOP, "position": 25}, {"shop": OTHER, "position": 25}]


BAD = [
    b"",
    b"no json",
    b"\xff\xfe",
    b"[" * 1000 + b"]" * 1000,
    b'{"id": 9223372036854775808}',
    b'{"id": "seven"}',
    b"\x00",
]


async def test_bodies_that_cannot_be_read_are_recorded_as_they_came_with_the_reason(
    webhooks: Webhooks,
) -> None:
    batch = [queued(body, webhook_id=f"w-{i}") for i, body in enumerate(BAD)]
    assert await handle([*batch, queued(webhook_id="good")], webhooks, soon()) == []
    *bad, good = sorted(await commits(webhooks), key=lambda commit: commit.reason is None)
    assert good.documents
    assert len(bad) == len(BAD)
    for commit in bad:
        assert commit.reason
        assert not commit.documents
        assert commit.cause is not None
        number = int(commit.claims[0].rpartition("-")[2])
        assert await body_of(webhooks, commit) == BAD[number]


async def test_an_unknown_topic_is_recorded_with_no_events_and_no_reason(
    webhooks: Webhooks,
) -> None:
    assert await handle([queued(b"whatever", topic="products/update")], webhooks, soon()) == []
    [commit] = await commits(webhooks)
    assert (list(commit.documents), commit.reason) == ([], None)


@pytest.mark.parametrize("size", [300_000, 900_000])
async def test_a_large_body_rests_in_the_bucket(use: Intake, webhooks: Webhooks, size: int) -> None:
    body = json.dumps({"id": 7, "note": "x" * size}).encode()
    assert await post(use, body) == 200
    assert await handle(await use.drain(use.parts.settings.webhooks_queue), webhooks, soon()) == []
    [commit] = await commits(webhooks)
    assert commit.cause is not None
    assert commit.cause["body"] is None
    assert commit.cause["scheme"] == SEALED
    [cause] = await webhooks.recorder.reader.causes([commit])
    assert cause
    assert cause.stored
    assert await use.parts.bodies.get(SHOP, cause.stored) == body
    bucket, key = cause.stored.ref.values()
    assert b"xxxx" not in await use.parts.aws.get_object(bucket, key)
    [told] = await webhooks.recorder.reader.of(commit)
    assert isinstance(told.event, CustomerChanged)


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[]",
        "{}",
        json.dumps({"headers": {"x-shopify-shop-domain": SHOP}, "body": "no base64!"}),
        json.dumps({"headers": {"x-shopify-shop-domain": SHOP}, "body": None, "body_ref": {}}),
        json.dumps({"headers": {"x-shopify-shop-domain": "nowhere"}, "body": ""}),
        json.dumps({"headers": [], "body": ""}),
        json.dumps({"detail-type": "shopifyWebhook", "detail": None}),
        "[" * 100_000,
    ],
)
async def test_a_message_that_names_no_shop_fails_alone(webhooks: Webhooks, text: str) -> None:
    batch = [record(text, "bad"), queued(message_id="good")]
    assert await handle(batch, webhooks, soon()) == ["bad"]
    assert len(await commits(webhooks)) == 1


async def test_a_body_that_is_not_in_the_bucket_fails_alone(
    use: Intake, webhooks: Webhooks
) -> None:
    bucket = use.parts.settings.bodies_bucket
    message = json.loads(queued(webhook_id="w-2").body)
    message |= {"body": None, "body_ref": {"bucket": bucket, "key": "missing"}}
    assert await handle([record(message, "bad"), queued()], webhooks, soon()) == ["bad"]
    assert len(await commits(webhooks)) == 1


async def test_a_body_that_an_edge_from_before_stored_in_clear_is_read(
    use: Intake, webhooks: Webhooks
) -> None:
    bucket, body = use.parts.settings.bodies_bucket, json.dumps({"id": 7, "note": "x" * 300_000})
    await use.parts.aws.put_object(bucket, f"{SHOP}/hash", body.encode())
    message = json.loads(queued().body)
    message |= {"body": None, "body_ref": {"bucket": bucket, "key": f"{SHOP}/hash"}}
    assert await handle([record(message)], webhooks, soon()) == []
    [commit] = await commits(webhooks)
    assert commit.cause is not None
    assert commit.cause["ref"] == {"bucket": bucket, "key": f"{SHOP}/hash"}
    [told] = await webhooks.recorder.reader.of(commit)
    assert isinstance(told.event, CustomerChanged)


async def test_a_sealed_body_of_another_shop_or_with_another_key_is_not_read(
    use: Intake, webhooks: Webhooks
) -> None:
    here, elsewhere = [await use.parts.bodies.put(shop, CUSTOMER) for shop in (SHOP, OTHER)]
    batch = []
    for number, stored in enumerate([elsewhere, Stored(here.ref, elsewhere.opens)]):
        message = json.loads(queued(webhook_id=f"w-{number}").body)
        message |= {"body": None, "sealed": told_of(stored)}
        batch.append(record(message, f"bad-{number}"))
    assert await handle(batch, webhooks, soon()) == ["bad-0", "bad-1"]
    assert await commits(webhooks) == []


async def test_a_body_in_another_bucket_is_not_read(use: Intake, webhooks: Webhooks) -> None:
    others = await new_bucket(use.parts.aws, "others")
    await use.parts.aws.put_object(others, "body", CUSTOMER)
    message = json.loads(queued().body)
    message |= {"body": None, "body_ref": {"bucket": others, "key": "body"}}
    with structlog.testing.capture_logs() as lines:
        assert await handle([record(message, "bad")], webhooks, soon()) == ["bad"]
    assert "not in the bucket of bodies" in lines[0]["reason"]
    assert await commits(webhooks) == []


def bridged(payload: str = CUSTOMER.decode(), *, prefix: str = "X-Shopify-") -> SqsRecord:
    names = {"Topic": "customers/update", "Shop-Domain": SHOP, "Webhook-Id": "w-1"}
    metadata = {f"{prefix}{name}": value for name, value in names.items()}
    text = (
        '{"version": "0", "id": "bridge-1", "detail-type": "shopifyWebhook",'
        ' "time": "2026-11-20T12:00:02Z", "detail": {"payload": '
        f'{payload}, "metadata": {json.dumps(metadata)}}}}}'
    )
    return record(text, "bridge")


@pytest.mark.parametrize("prefix", ["X-Shopify-", "x-shopify-", "shopify-", "Shopify-"])
async def test_a_delivery_of_eventbridge_means_the_same(webhooks: Webhooks, prefix: str) -> None:
    message = bridged(prefix=prefix)
    assert await handle([message], webhooks, soon()) == []
    [commit] = await commits(webhooks)
    assert [document["type"] for document in commit.documents] == ["customer.changed"]
    assert commit.cause is not None
    assert (await body_of(webhooks, commit)).decode() == message.body
    assert commit.cause["headers"]["via"] == "eventbridge"


async def test_a_webhook_that_comes_both_ways_is_recorded_once(webhooks: Webhooks) -> None:
    assert await handle([queued(), bridged()], webhooks, soon()) == []
    assert len(await commits(webhooks)) == 1
    assert await redelivered(webhooks) == [f"{SHOP}/customers/update/w-1/bridge-1"]


@pytest.mark.parametrize("payload", ["[" * 1000 + "]" * 1000, '{"id": ' + "9" * 5000 + "}", "7"])
async def test_what_eventbridge_brings_and_nobody_can_read_is_recorded(
    webhooks: Webhooks, payload: str
) -> None:
    assert await handle([bridged(payload)], webhooks, soon()) == []
    [commit] = await commits(webhooks)
    assert commit.reason
    assert commit.cause is not None
    assert payload in (await body_of(webhooks, commit)).decode()


async def two_persons(webhooks: Webhooks) -> tuple[str, str]:
    by_id = await webhooks.persons.resolve(SHOP, shopify_id=7)
    by_mail = await webhooks.persons.resolve(SHOP, address="ann@example.com")
    assert by_id is not None
    assert by_mail is not None
    assert by_id.person != by_mail.person
    small, large = sorted((by_id.person, by_mail.person))
    return small, large


async def test_persons_that_turn_out_to_be_one_are_joined_in_log_and_directory(
    webhooks: Webhooks,
) -> None:
    small, large = await two_persons(webhooks)
    assert await handle([queued()], webhooks, soon()) == []
    [commit] = await commits(webhooks)
    joined = (await webhooks.recorder.reader.of(commit))[0]
    assert joined.event == PersonsJoined(person=small, absorbed=large)
    assert {small, large} <= {*commit.refs}, "it is found by both"
    found = await webhooks.persons.resolve(SHOP, shopify_id=7, address="ann@example.com")
    assert found == Resolved(small, [], (large,))


class Dies:
    """A directory whose process dies before it joins anybody."""

    def __init__(self, webhooks: Webhooks) -> None:
        self.resolve, self.named = webhooks.persons.resolve, webhooks.persons.named

    async def join(self, shop: str, person: str, absorbed: str) -> None:
        raise AutoReconnect("the connection broke")


async def test_persons_are_joined_also_when_the_first_run_died_before_it(
    webhooks: Webhooks,
) -> None:
    small, large = await two_persons(webhooks)
    dying = replace(webhooks, persons=Dies(webhooks))
    assert await handle([queued()], dying, soon()) == ["m"]
    assert await handle([queued()], webhooks, soon()) == []
    assert len(await commits(webhooks)) == 1
    found = await webhooks.persons.resolve(SHOP, shopify_id=7, address="ann@example.com")
    assert found == Resolved(small, [], (large,))


class Says:
    """A directory that answers or raises always the same."""

    def __init__(self, answer: Resolved | Exception) -> None:
        self._answer = answer

    async def resolve(
        self,
        shop: str,
        *,
        shopify_id: int | None = None,
        **_how: Any,
    ) -> Resolved | None:
        if shopify_id != 7:
            return Resolved("person/other")
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    async def join(self, shop: str, person: str, absorbed: str) -> None:
        return

    async def named(self, _shop: str, _told: Mentions) -> Named:
        return Named((), strangers=False)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Resolved("person/\ud800"), id="no BSON"),
        pytest.param(Resolved("person/" + "x" * 17_000_000), id="too large"),
        pytest.param(ValueError("a fault of ours"), id="a fault"),
    ],
)
async def test_events_that_cannot_be_stored_leave_the_cause_and_a_reason(
    webhooks: Webhooks, answer: Resolved | Exception
) -> None:
    batch = [queued(), queued(b'{"id": 8}', webhook_id="w-2", message_id="good")]
    assert await handle(batch, replace(webhooks, persons=Says(answer)), soon()) == []
    bad, good = sorted(await commits(webhooks), key=lambda commit: commit.reason is None)
    assert bad.reason
    assert not bad.documents
    assert good.documents


async def test_a_directory_that_is_down_fails_its_messages_alone(webhooks: Webhooks) -> None:
    batch = [queued(message_id="bad"), queued(b'{"id": 8}', webhook_id="w-2")]
    broken = replace(webhooks, persons=Says(AutoReconnect("down")))
    assert await handle(batch, broken, soon()) == ["bad"]
    assert len(await commits(webhooks)) == 1


class Unsure(EventStore):
    """A log that breaks off before it answers for the first draft."""

    async def append(self, drafts: Sequence[Draft]) -> list[Outcome]:
        outcomes = await super().append(drafts)
        return [Unknown(drafts[0].claim, AutoReconnect("broken")), *outcomes[1:]]


async def test_an_unknown_outcome_comes_back_and_is_settled(
    use: Intake, webhooks: Webhooks
) -> None:
    unsure = replace(
        webhooks, recorder=Recorder(Unsure(use.parts.mongo), use.parts.reader, Nudges())
    )
    batch = [queued(message_id="unsure"), queued(b'{"id": 8}', webhook_id="w-2")]
    assert await handle(batch, unsure, soon()) == ["unsure"]
    assert await handle(batch[:1], webhooks, soon()) == []
    assert len(await commits(webhooks)) == 2
    assert await redelivered(webhooks) == []


async def test_the_consumer_leaves_no_task_behind(webhooks: Webhooks) -> None:
    await handle([queued()], webhooks, soon())
    before = tasks()
    batch: list[Any] = [queued(webhook_id="w-2"), record("no json"), bridged()]
    await handle(batch, webhooks, soon())
    await asyncio.sleep(0)
    assert tasks() == before


@pytest.mark.parametrize("order", [1, -1])
async def test_what_tells_no_time_is_ordered_by_when_the_edge_received_it(
    webhooks: Webhooks, order: int
) -> None:
    """Neither `updated_at` nor X-Shopify-Triggered-At: whenever and in whichever order the queue
    hands the two out, also twice, the one that was received last stands."""
    told = [
        queued(
            b'{"id": 7, "phone": "+49 %d"}' % second,
            webhook_id=f"w-{second}",
            received_at=f"2026-11-20T12:00:0{second}.250+00:00",
            triggered_at=None,
        )
        for second in (1, 2)
    ]
    for message in [*told[::order], *told]:
        assert await handle([message], webhooks, soon()) == []
    read = await webhooks.recorder.reader.read(await commits(webhooks))
    facts = [event for events in read for event in events]
    assert len(facts) == 2
    edge_times = {datetime(2026, 11, 20, 12, 0, second, 250_000, UTC) for second in (1, 2)}
    assert {fact.occurred_at for fact in facts} == edge_times
    [row] = fold(CUSTOMERS, facts).values()
    assert row["accounts"]["7"]["profile"]["phone"] == "+49 2"
    # A time that Shopify tells counts against it as it is: what is newer wins, the same is told.
    for at, phone in (("12:00:02.200", "+49 2"), ("12:00:02.250", "+49 9"), ("12:00:03", "+49 9")):
        body = b'{"id": 7, "phone": "+49 9", "updated_at": "2026-11-20T%sZ"}' % at.encode()
        assert await handle([queued(body, webhook_id=at)], webhooks, soon()) == []
        newest = (await commits(webhooks))[-1]
        [timed] = await webhooks.recorder.reader.of(newest)
        [row] = fold(CUSTOMERS, [*facts, timed]).values()
        assert row["accounts"]["7"]["profile"]["phone"] == phone
