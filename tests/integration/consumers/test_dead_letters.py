"""What an operator can do with dead letters, on queues that behave as SQS's."""

from __future__ import annotations

import asyncio
import json

import pytest

from cplus.actors import operator
from cplus.aws import Aws, DeadLetter, DeadLetters
from cplus.aws.dead_letters import HiddenLetter, NoDeadLetter, PutThere, UnknownQueue
from cplus.clock import utc_now
from cplus.commands.looking import Looks
from cplus.consumers.dead_letters import listed, shop_of, show
from cplus.events.catalogue.operators import OperatorLooked
from cplus.events.log.memory import MemoryCommits
from cplus.events.log.store import EventStore
from cplus.events.names import LOOKED_REF
from cplus.events.reader import EventReader
from cplus.events.recording import Recorder
from cplus.ids import random_id
from tests.integration.dead_world import fail, queue_of
from tests.integration.fold_world import write
from tests.nudges import Nudges
from tests.samples import installed

SHOP, NOWHERE = "acorn.myshopify.com", "nowhere.myshopify.com"
BODY = "somebody's own words"


@pytest.fixture
def stage() -> str:
    return random_id(8)


async def test_dead_letters_are_counted_listed_and_sent_back(aws: Aws, stage: str) -> None:
    dead = DeadLetters(aws, stage)
    mail, send = await queue_of(aws, stage, "mail"), await queue_of(aws, stage, "send")
    await fail(aws, send, *({"shop": SHOP, "number": number} for number in range(12)))
    assert [(one.queue, one.messages) for one in await dead.queues()] == [("mail", 0), ("send", 12)]
    assert await listed("mail", 5, dead=dead) == []
    letters = await listed("send", 11, dead=dead)
    assert len(letters) == 11, "in more than one call, and no more than asked for"
    assert {(one.shop, one.receives) for one in letters} == {(SHOP, 2)}
    assert letters == sorted(letters, key=lambda one: (one.sent_at, one.id))
    # Whoever looked has given back what they saw: all of it can be redriven at once.
    redriven = await dead.redrive("send", per_second=500)
    assert (redriven.status, redriven.moved, redriven.messages) == ("COMPLETED", 12, 12)
    assert [one.messages for one in await dead.queues()] == [0, 0]
    assert mail != send


async def test_what_is_not_there_is_named_and_nothing_is_moved(aws: Aws, stage: str) -> None:
    dead = DeadLetters(aws, stage)
    url = await queue_of(aws, stage, "send")
    with pytest.raises(UnknownQueue, match="choose one of: send"):
        await listed("sent", 5, dead=dead)
    with pytest.raises(NoDeadLetter):
        await dead.letter("send", "none")
    sqs = await aws.client("sqs")
    await sqs.send_message(
        QueueUrl=f"{url}-dead", MessageBody=(put := "sent there by nobody's failure")
    )
    await fail(aws, url, {"number": 1})
    with pytest.raises(PutThere, match=r"^1 dead letter went back to send\. At least one"):
        await dead.redrive("send")
    [left] = [letter async for letter in dead.letters("send", 5)]
    assert left.body == put
    await dead.delete("send", left.id)
    with pytest.raises(NoDeadLetter):
        await dead.delete("send", left.id)
    assert [one.messages for one in await dead.queues()] == [0]


DEEP = "[" * 100_000
BRIDGE = {"detail-type": "shopifyWebhook", "detail": {"metadata": {"X-Shopify-Shop-Domain": SHOP}}}


@pytest.mark.parametrize(
    ("queue", "body", "shop"),
    [
        ("webhooks", {"headers": {"x-shopify-shop-domain": SHOP}, "body": "no base64!"}, SHOP),
        ("webhooks", BRIDGE, SHOP),
        ("webhooks", f'{json.dumps(BRIDGE)[:-2]}, "payload": {DEEP}', SHOP),
        ("webhooks", {"shop": SHOP}, None),
        ("webhooks", {"headers": "none", "detail": 1}, None),
        ("mail-events", {"eventType": "?", "mail": {"tags": {"cplus-shop": ["acorn"]}}}, SHOP),
        ("mail-events", {"Message": '{"mail": {"tags": {"cplus-shop": ["acorn"]}}}'}, SHOP),
        ("mail-events", {"mail": {"tags": {"cplus-shop": []}}, "shop": SHOP}, None),
        ("mail-events", DEEP, None),
        ("send", {"shop": SHOP, "message_id": "m1"}, SHOP),
        ("send", {"shop": [SHOP]}, None),
        ("send", DEEP, None),
        ("mail", {"notificationType": "Received"}, None),
    ],
)
def test_each_queue_names_the_shop_in_its_own_way_even_in_what_cannot_be_read(
    queue: str, body: object, shop: str | None
) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    letter = DeadLetter("1", utc_now(), receives=5, size=len(text), body=text)
    assert shop_of(queue, letter) == shop


async def test_a_look_ends_at_its_letter_and_says_when_another_look_hides_it(
    aws: Aws, stage: str
) -> None:
    dead, url = DeadLetters(aws, stage), await queue_of(aws, stage, "send")
    await fail(aws, url, *({"shop": SHOP, "number": number} for number in range(25)))
    first = (await listed("send", 1, dead=dead))[0]
    assert (await dead.letter("send", first.id)).size == first.size
    received = [one.receives for one in await listed("send", 25, dead=dead)]
    assert min(received) == 2, "those behind the letter were not received for it"

    sqs, asked = await aws.client("sqs"), {"QueueUrl": f"{url}-dead", "VisibilityTimeout": 60}
    [hidden] = (await sqs.receive_message(**asked, MaxNumberOfMessages=1))["Messages"]
    with pytest.raises(HiddenLetter, match="1 dead letter"):
        await dead.letter("send", hidden["MessageId"])
    receipt = {"QueueUrl": f"{url}-dead", "ReceiptHandle": hidden["ReceiptHandle"]}
    await sqs.change_message_visibility(**receipt, VisibilityTimeout=0)
    looks = [dead.letter("send", hidden["MessageId"]) for _ in range(2)]
    assert {one.id for one in await asyncio.gather(*looks)} == {hidden["MessageId"]}


async def test_a_look_at_a_dead_letter_is_recorded_in_its_shop_without_what_was_seen(
    aws: Aws, stage: str
) -> None:
    store, reader = EventStore(MemoryCommits()), EventReader()
    use = Looks(Recorder(store, reader, Nudges()), utc_now)
    await write(store, installed())
    dead = DeadLetters(aws, stage)
    url = await queue_of(aws, stage, "webhooks")
    from_edge = {"headers": {"x-shopify-shop-domain": SHOP}, "body": BODY}
    nowhere = {"headers": {"x-shopify-shop-domain": NOWHERE}}
    await fail(aws, url, from_edge, nowhere, f"no JSON: {BODY}")
    by_shop = {one.shop: one for one in await listed("webhooks", 10, dead=dead)}
    assert by_shop.keys() == {SHOP, NOWHERE, None}
    for shop, letter in by_shop.items():
        shown = await show(
            "webhooks", letter.id, actor=operator("jo"), source="cli", dead=dead, use=use
        )
        assert (shown.letter.id, len(shown.letter.body)) == (letter.id, letter.size)
        assert shown.recorded == (2 if shop == SHOP else None)
    assert await store.heads() == {SHOP: 2}, "no log is begun for a shop that has none"
    [commit] = await store.by_ref(SHOP, LOOKED_REF)
    [looked] = await reader.of(commit, OperatorLooked)
    assert (looked.actor, looked.source) == ("operator/jo", "cli")
    about = f"dead-letter/webhooks/{by_shop[SHOP].id}"
    assert looked.event == OperatorLooked(question="dead show", about=about)
    assert BODY not in json.dumps(commit.documents, default=str)
