"""Queues of a stage, with dead letters that got there as on AWS: received too often."""

from __future__ import annotations

import json
from typing import Any

from cplus.aws import Aws


async def queue_of(aws: Aws, stage: str, name: str) -> str:
    """A queue and its dead-letter queue, where a message is after one receive; answers its URL."""
    sqs = await aws.client("sqs")
    dead = await sqs.create_queue(QueueName=f"cplus-{stage}-{name}-dead")
    asked = {"QueueUrl": dead["QueueUrl"], "AttributeNames": ["QueueArn"]}
    arn = (await sqs.get_queue_attributes(**asked))["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    attributes = {"VisibilityTimeout": "0", "RedrivePolicy": policy}
    made = await sqs.create_queue(QueueName=f"cplus-{stage}-{name}", Attributes=attributes)
    return str(made["QueueUrl"])


async def fail(aws: Aws, url: str, *messages: Any) -> None:
    """Sends messages (JSON, or the text of one that is none) and receives them until all of them
    are dead letters."""
    sqs = await aws.client("sqs")
    for message in messages:
        text = message if isinstance(message, str) else json.dumps(message)
        await sqs.send_message(QueueUrl=url, MessageBody=text)
    while (await sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)).get("Messages"):
        pass
