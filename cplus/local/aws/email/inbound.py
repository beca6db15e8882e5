"""Delivers a mail like SES: the raw mail into the bucket, and the notification to the topic.

https://docs.aws.amazon.com/ses/latest/dg/receiving-email-notifications-contents.html
"""

from __future__ import annotations

import datetime as dt
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any

from cplus.local.aws.email.letters import common_headers, header_values
from cplus.local.aws.email.mail_events import listed_headers
from cplus.local.aws.endpoint import client

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
_KEY_LENGTH = 40


@dataclass(frozen=True)
class Verdicts:
    """SES's verdicts; each PASS, FAIL, GRAY or PROCESSING_FAILED."""

    spam: str = "PASS"
    virus: str = "PASS"
    spf: str = "PASS"
    dkim: str = "PASS"
    dmarc: str = "PASS"


_PASSED = Verdicts()


@dataclass(frozen=True)
class Receipt:
    """Where SES puts incoming mail: the receipt rule's bucket, key prefix and topic."""

    endpoint: str
    bucket: str
    topic: str
    prefix: str = "incoming/"


def deliver(
    receipt: Receipt,
    raw: bytes,
    recipients: Sequence[str],
    source: str,
    *,
    message_id: str = "",
    verdicts: Verdicts = _PASSED,
) -> str:
    """Delivers the bytes `raw` to the envelope's `recipients`; returns SES's id of the mail.

    `source` is the envelope's sender, empty for a bounce. `message_id` fixes the id, for tests
    that deliver the same mail again. Calls are blocking.
    """
    message_id = message_id or "".join(secrets.choice(_ALPHABET) for _ in range(_KEY_LENGTH))
    now = dt.datetime.now(dt.UTC)
    stored = _trace(message_id, recipients, source, now, verdicts) + raw
    key = f"{receipt.prefix}{message_id}"
    client("s3", receipt.endpoint).put_object(Bucket=receipt.bucket, Key=key, Body=stored)
    told = notification(
        stored, recipients, source, message_id=message_id, now=now, verdicts=verdicts
    )
    action = {
        "type": "S3",
        "topicArn": receipt.topic,
        "bucketName": receipt.bucket,
        "objectKeyPrefix": receipt.prefix,
        "objectKey": key,
    }
    told["receipt"]["action"] = action
    client("sns", receipt.endpoint).publish(TopicArn=receipt.topic, Message=json.dumps(told))
    return message_id


def notification(
    raw: bytes,
    recipients: Sequence[str],
    source: str,
    *,
    message_id: str,
    now: dt.datetime,
    verdicts: Verdicts = _PASSED,
) -> dict[str, Any]:
    """SES's notification, without `receipt.action`."""
    headers, truncated = listed_headers(raw)
    common = {"returnPath": source, **common_headers(raw)}
    ids = header_values(raw, "message-id")
    if ids:
        common["messageId"] = ids[0]
    timestamp = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "notificationType": "Received",
        "mail": {
            "timestamp": timestamp,
            "source": source,
            "messageId": message_id,
            "destination": list(recipients),
            "headersTruncated": truncated,
            "headers": headers,
            "commonHeaders": common,
        },
        "receipt": {
            "timestamp": timestamp,
            "processingTimeMillis": 1,
            "recipients": list(recipients),
            "spamVerdict": {"status": verdicts.spam},
            "virusVerdict": {"status": verdicts.virus},
            "spfVerdict": {"status": verdicts.spf},
            "dkimVerdict": {"status": verdicts.dkim},
            "dmarcVerdict": {"status": verdicts.dmarc},
        },
    }


def _trace(
    message_id: str, recipients: Sequence[str], source: str, now: dt.datetime, verdicts: Verdicts
) -> bytes:
    """The headers that SES adds on top of the stored mail."""
    lines = [
        f"Return-Path: <{source}>",
        "Received: from localhost (localhost [127.0.0.1])",
        f" by inbound-smtp.us-east-1.amazonaws.com with SMTP id {message_id}",
        f" for {recipients[0] if recipients else ''};",
        f" {format_datetime(now)}",
        f"X-SES-Spam-Verdict: {verdicts.spam}",
        f"X-SES-Virus-Verdict: {verdicts.virus}",
    ]
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8", "replace")
