"""A nudge names a shop and a position, and a subscription may ask for the families it reads."""

from __future__ import annotations

import json
from typing import Any

from structlog.testing import capture_logs

from cplus.aws import Aws
from cplus.events.nudges import News, TopicNudger

SHOP, BIRCH = "acorn.myshopify.com", "birch.myshopify.com"


async def subscribed(aws: Aws, topic: str, name: str, *families: str) -> str:
    """The URL of a queue that gets the topic's messages, or those of the families."""
    sns, sqs = await aws.client("sns"), await aws.client("sqs")
    url = str((await sqs.create_queue(QueueName=name))["QueueUrl"])
    told = await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    filtered = {"FilterPolicy": json.dumps({"families": list(families)})} if families else {}
    await sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=told["Attributes"]["QueueArn"],
        Attributes={"RawMessageDelivery": "true", **filtered},
    )
    return url


async def bodies(aws: Aws, url: str) -> list[Any]:
    sqs = await aws.client("sqs")
    answer = await sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    return sorted(
        (json.loads(message["Body"]) for message in answer.get("Messages", [])),
        key=lambda body: str(body["shop"]),
    )


async def test_a_subscription_gets_the_news_of_the_families_that_it_asks_for(
    aws: Aws, database_name: str
) -> None:
    sns = await aws.client("sns")
    topic = str((await sns.create_topic(Name=f"{database_name}-nudges"))["TopicArn"])
    everything = await subscribed(aws, topic, f"{database_name}-all")
    orders = await subscribed(aws, topic, f"{database_name}-orders", "orders", "shops")
    news = {
        SHOP: News(3, frozenset({"mail", "orders"})),
        BIRCH: News(5, frozenset({"mail"})),
        "empty.myshopify.com": News(1),
    }
    await TopicNudger(aws, topic).nudge(news)
    told = [
        {"shop": SHOP, "position": 3},
        {"shop": BIRCH, "position": 5},
        {"shop": "empty.myshopify.com", "position": 1},
    ]
    assert await bodies(aws, everything) == told
    assert await bodies(aws, orders) == told[:1]


async def test_a_topic_that_is_not_there_is_logged_and_raises_nothing(aws: Aws) -> None:
    arn = "arn:aws:sns:eu-central-1:123456789012:nowhere"
    with capture_logs() as logs:
        await TopicNudger(aws, arn).nudge({SHOP: News(1)})
    assert [one["event"] for one in logs] == ["nudge_failed"]


def test_news_told_at_once_is_of_the_last_position_and_every_family() -> None:
    first, second = News(3, frozenset({"mail"})), News(2, frozenset({"orders"}))
    assert first.joined(second) == News(3, frozenset({"mail", "orders"}))
