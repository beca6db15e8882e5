"""What Lambda hands over from an SQS queue, and the answer that names what failed.

Source: AWS Lambda's guide on SQS event source mappings and `ReportBatchItemFailures`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from cplus.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class SqsRecord:
    """One message of a batch."""

    message_id: str
    body: str
    queue: str
    """Name of the queue; empty where the event does not say."""
    attributes: Mapping[str, str]
    """SQS's own attributes, for example `SentTimestamp` and `MessageGroupId`."""
    receipt: str = ""
    """What SQS names this receive of the message by."""

    @property
    def receives(self) -> int:
        """How often the message was received, this time among them."""
        return int(self.attributes.get("ApproximateReceiveCount", 1))

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; raises InvalidInput, whose reason shows nothing of it."""
        return json_object(self.body)


def json_object(body: str) -> dict[str, Any]:
    """The body as a JSON object; raises InvalidInput, whose reason shows nothing of it."""
    try:
        value = from_json(body)
    except ValueError:  # that reader is five times as fast, and refuses a lone surrogate
        value = _slowly(body)
    if not isinstance(value, dict):
        raise InvalidInput(reason="the message is not a JSON object")
    return value


def _slowly(body: str) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        kind = type(error).__name__
        raise InvalidInput(reason=f"the message is not JSON ({kind})") from None


def records(event: Mapping[str, Any]) -> list[SqsRecord]:
    """The messages of the event, in its order."""
    return [_record(entry) for entry in event.get("Records", ())]


def answer(failed_ids: Iterable[str]) -> dict[str, list[dict[str, str]]]:
    """The answer that has these messages handed out again and all others deleted.

    Each id is named once: an id that is not in the batch would bring back the whole of it.
    """
    return {"batchItemFailures": [{"itemIdentifier": one} for one in dict.fromkeys(failed_ids)]}


def _record(entry: Mapping[str, Any]) -> SqsRecord:
    return SqsRecord(
        message_id=entry["messageId"],
        body=entry["body"],
        queue=str(entry.get("eventSourceARN", "")).rpartition(":")[2],
        attributes=entry.get("attributes") or {},
        receipt=entry.get("receiptHandle", ""),
    )
