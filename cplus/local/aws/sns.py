"""Publishing to SNS topics, straight into moto's queues where it can be done so.

moto publishes about 33 messages a second to five queues; here a topic of standard type whose
subscribers are all queues with raw delivery and no filter is served directly. Anything else is
left to moto.

Rules: https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from cplus.local.aws import moto_adapter
from cplus.local.aws.moto_adapter import Queue
from cplus.local.aws.sqs import NotOurs, check_body

_BATCH = 10
_PREFIX = "PublishBatchRequestEntries.member."
_NAMESPACE = "http://sns.amazonaws.com/doc/2010-03-31/"


def answer(body: bytes) -> bytes:
    """Answers Publish and PublishBatch of the query protocol; raises NotOurs for the rest."""
    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    action = form.get("Action")
    if action not in {"Publish", "PublishBatch"}:
        raise NotOurs
    targets = moto_adapter.raw_queues(form.get("TopicArn", ""))
    if targets is None:
        raise NotOurs
    if action == "Publish":
        _check(form, {"Action", "Version", "TopicArn", "Message", "MessageGroupId"})
        sent = f"<MessageId>{_publish(targets, form)}</MessageId>"
    else:
        entries = _entries(form)
        members = (
            f"<member><Id>{escape(entry['Id'])}</Id>"
            f"<MessageId>{_publish(targets, entry)}</MessageId></member>"
            for entry in entries
        )
        sent = f"<Successful>{''.join(members)}</Successful><Failed/>"
    return (
        f'<{action}Response xmlns="{_NAMESPACE}"><{action}Result>{sent}</{action}Result>'
        f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"
        f"</{action}Response>"
    ).encode()


def publish(topic: str, message: str) -> None:
    """Publishes `message` to the topic with the ARN `topic`, as another service of AWS does."""
    targets = moto_adapter.raw_queues(topic)
    if targets is None:
        moto_adapter.publish(topic, message)
    else:
        _publish(targets, {"Message": message})


def _check(form: Mapping[str, Any], known: set[str]) -> None:
    if set(form) - known:
        raise NotOurs
    check_body(form.get("Message"))


def _entries(form: Mapping[str, str]) -> list[dict[str, str]]:
    entries: dict[str, dict[str, str]] = {}
    for name, value in form.items():
        if name.startswith(_PREFIX):
            number, _, field = name.removeprefix(_PREFIX).partition(".")
            entries.setdefault(number, {})[field] = value
        elif name not in {"Action", "Version", "TopicArn"}:
            raise NotOurs
    for entry in entries.values():
        _check(entry, {"Id", "Message", "MessageGroupId"})
    ids = {entry.get("Id") for entry in entries.values()}
    if not 0 < len(entries) <= _BATCH or None in ids or len(ids) != len(entries):
        raise NotOurs
    return list(entries.values())


def _publish(targets: list[Queue], entry: Mapping[str, str]) -> str:
    for queue in targets:
        queue.put(entry["Message"], group=entry.get("MessageGroupId"))
    return str(uuid.uuid4())
