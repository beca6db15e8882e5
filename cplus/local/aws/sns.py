"""Publishes to SNS topics, directly into moto's queues if possible.

moto publishes about 33 messages a second to five queues; here a topic of standard type whose
subscribers are all queues with raw delivery, and no filter or one of plain words on attributes, is
served directly. Anything else is left to moto.

Rules: https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html and
https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from cplus.local.aws import moto_adapter
from cplus.local.aws.moto_adapter import RawQueue
from cplus.local.aws.sqs import NotOurs, check_body

_BATCH = 10
_PREFIX = "PublishBatchRequestEntries.member."
_NAMESPACE = "http://sns.amazonaws.com/doc/2010-03-31/"
_ATTRIBUTE = re.compile(
    r"MessageAttributes\.entry\.(\d+)\.(Name|Value\.DataType|Value\.StringValue)"
)


def answer(body: bytes) -> bytes:
    """Handles Publish and PublishBatch of the query protocol; raises NotOurs for the rest."""
    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    action = form.get("Action")
    if action not in {"Publish", "PublishBatch"}:
        raise NotOurs
    targets = _targets(form.get("TopicArn", ""))
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
    """Publishes `message` to the topic with the ARN `topic`, like another AWS service."""
    try:
        targets = _targets(topic)
    except NotOurs:
        moto_adapter.publish(topic, message)
    else:
        _publish(targets, {"Message": message})


def _targets(topic: str) -> Sequence[RawQueue]:
    """Those that are served directly; raises NotOurs where a filter asks for more than words."""
    targets = moto_adapter.raw_queues(topic)
    words = [word for one in targets or () for asked in one.policy.values() for word in asked]
    if targets is None or not all(isinstance(word, str) for word in words):
        raise NotOurs
    return targets


def _check(form: Mapping[str, str], known: set[str]) -> None:
    if {name for name in form if not _ATTRIBUTE.fullmatch(name)} - known:
        raise NotOurs
    _attributes(form)
    check_body(form.get("Message"))


def _attributes(entry: Mapping[str, str]) -> dict[str, list[Any]]:
    """The values of each attribute: of a String.Array all that it holds."""
    parts: dict[str, dict[str, str]] = {}
    for name, value in entry.items():
        if match := _ATTRIBUTE.fullmatch(name):
            parts.setdefault(match[1], {})[match[2]] = value
    found = {}
    for part in parts.values():
        kind, text = part.get("Value.DataType"), part.get("Value.StringValue")
        if kind not in {"String", "String.Array"} or not text or "Name" not in part:
            raise NotOurs
        try:
            values = [text] if kind == "String" else json.loads(text)
        except ValueError:
            raise NotOurs from None
        if not isinstance(values, list):
            raise NotOurs
        found[part["Name"]] = values
    return found


def _takes(target: RawQueue, attributes: Mapping[str, Sequence[Any]]) -> bool:
    """Whether the message has each attribute that the filter names, with a value that it asks for:
    one without attributes passes no filter."""
    return all(
        any(value in asked for value in attributes.get(name, ()))
        for name, asked in target.policy.items()
    )


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


def _publish(targets: Sequence[RawQueue], entry: Mapping[str, str]) -> str:
    attributes = _attributes(entry)
    for target in targets:
        if _takes(target, attributes):  # they end here: no consumer reads attributes
            target.queue.put(entry["Message"], group=entry.get("MessageGroupId"))
    return str(uuid.uuid4())
