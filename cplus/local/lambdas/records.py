"""SQS messages as a function gets them, and what its result means for them.

Rules: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html and
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cplus.local.application import EventSource

LARGEST_PAYLOAD = 6 * 1024 * 1024  # bytes, Lambda's limit for one invocation


class WholeBatchFailed(ValueError):
    """The function's result fails all messages of its batch."""


def to_record(message: Mapping[str, Any], source: EventSource) -> dict[str, Any]:
    """The record for a message from SQS's ReceiveMessage."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes") or {}),
        "messageAttributes": {
            name: _attribute(value)
            for name, value in (message.get("MessageAttributes") or {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": source.queue_arn,
        "awsRegion": source.queue_arn.split(":")[3],
    }


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    attribute: dict[str, Any] = {"stringListValues": [], "binaryListValues": []}
    if "StringValue" in value:
        attribute["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        attribute["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode("ascii")
    return {**attribute, "dataType": value["DataType"]}


def size_of(record: Mapping[str, Any]) -> int:
    """Bytes that a record adds to the payload."""
    return len(json.dumps(record)) + 1


def done(records: Sequence[Mapping[str, Any]], answer: bytes) -> list[Mapping[str, Any]]:
    """The records that are done, from the result of a function with ReportBatchItemFailures.

    Raises WholeBatchFailed for a result that AWS treats as a failure of all: not JSON, an item
    without an identifier, or an unknown identifier.
    """
    failed = set(_failed(answer))
    if not failed <= {record["messageId"] for record in records}:
        raise WholeBatchFailed("an itemIdentifier is of no message of the batch")
    return [record for record in records if record["messageId"] not in failed]


def _failed(answer: bytes) -> Iterable[str]:
    try:
        told = json.loads(answer)
    except ValueError as error:
        raise WholeBatchFailed("the answer is not JSON") from error
    # No result, an empty object and an empty list of failures all mean success.
    items = told.get("batchItemFailures") if isinstance(told, dict) else None
    if items and not isinstance(items, list):
        raise WholeBatchFailed("batchItemFailures is not a list")
    for item in items or []:
        identifier = item.get("itemIdentifier") if isinstance(item, dict) else None
        if not isinstance(identifier, str) or not identifier:
            raise WholeBatchFailed("an item of batchItemFailures has no itemIdentifier")
        yield identifier
