"""SES's event documents for a sent mail, in the documented format.

https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cplus.local.aws.email.letters import common_headers, fields
from cplus.local.aws.endpoint import ACCOUNT, REGION

_HEADERS_LIMIT = 10_000  # characters; beyond it SES truncates


@dataclass(frozen=True)
class Sent:
    """A mail that SES accepted: its id, the envelope, and the sent bytes."""

    message_id: str
    header_id: str
    source: str
    recipients: tuple[str, ...]
    tags: Mapping[str, str]
    configuration_set: str
    time: float
    raw: bytes


def fates(
    sent: Sent, suppressed: Sequence[str] = (), *, bounces: bool = False
) -> list[dict[str, Any]]:
    """All events of the mail: Send, then Delivery, Bounce and Complaint by recipient. Those who are
    `suppressed` bounce unsent.

    As with SES's mailbox simulator, mail to `bounce@` bounces and `complaint@` complains, with
    or without a label (`bounce+anything@`), at any domain. With `bounces`, mail to all bounces.
    """
    mail = _mail(sent)
    tried = [r for r in sent.recipients if r not in suppressed]
    bounced = [r for r in tried if bounces or _simulates(r, "bounce")]
    complained = [r for r in tried if _simulates(r, "complaint")]
    delivered = [r for r in tried if r not in bounced]
    now = _iso(sent.time)
    events: list[dict[str, Any]] = [{"eventType": "Send", "mail": mail, "send": {}}]
    if delivered:
        delivery = {
            "timestamp": now,
            "processingTimeMillis": 1,
            "recipients": delivered,
            "smtpResponse": "250 2.6.0 Message received",
            "reportingMTA": "a8-70.smtp-out.amazonses.com",
        }
        events.append({"eventType": "Delivery", "mail": mail, "delivery": delivery})
    if bounced:
        events.append({"eventType": "Bounce", "mail": mail, "bounce": _bounce(bounced, now)})
    if suppressed:
        listed = {**_bounce(suppressed, now), "bounceSubType": "OnTenantSuppressionList"}
        events.append({"eventType": "Bounce", "mail": mail, "bounce": listed})
    if complained:
        complaint = {
            "feedbackId": _feedback_id(),
            "complaintSubType": None,
            "complainedRecipients": [{"emailAddress": r} for r in complained],
            "timestamp": now,
            "userAgent": "Amazon SES Mailbox Simulator",
            "complaintFeedbackType": "abuse",
            "arrivalDate": now,
        }
        events.append({"eventType": "Complaint", "mail": mail, "complaint": complaint})
    return events


def listed_headers(raw: bytes) -> tuple[list[dict[str, str]], bool]:
    """The headers as SES lists them, and whether they were cut for length."""
    listed: list[dict[str, str]] = []
    size = 0
    for name, value in fields(raw):
        size += len(name) + len(value)
        if size > _HEADERS_LIMIT:
            return listed, True
        listed.append({"name": name, "value": value})
    return listed, False


def _mail(sent: Sent) -> dict[str, Any]:
    headers, truncated = listed_headers(sent.raw)
    domain = sent.source.rpartition("@")[2]
    return {
        "timestamp": _iso(sent.time),
        "source": sent.source,
        "sourceArn": f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/{domain}",
        "sendingAccountId": ACCOUNT,
        "messageId": sent.message_id,
        "destination": list(sent.recipients),
        "headersTruncated": truncated,
        "headers": headers,
        "commonHeaders": {**common_headers(sent.raw), "messageId": sent.message_id},
        "tags": {
            "ses:configuration-set": [sent.configuration_set],
            "ses:source-ip": ["127.0.0.1"],
            "ses:from-domain": [domain],
            "ses:caller-identity": ["local"],
            **{name: [value] for name, value in sent.tags.items()},
        },
    }


def _bounce(bounced: Sequence[str], now: str) -> dict[str, Any]:
    return {
        "feedbackId": _feedback_id(),
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "bouncedRecipients": [
            {
                "emailAddress": recipient,
                "action": "failed",
                "status": "5.1.1",
                "diagnosticCode": "smtp; 550 5.1.1 user unknown",
            }
            for recipient in bounced
        ],
        "timestamp": now,
        "reportingMTA": "dns; a8-70.smtp-out.amazonses.com",
    }


def _simulates(recipient: str, name: str) -> bool:
    return recipient.partition("@")[0].partition("+")[0].lower() == name


def _feedback_id() -> str:
    return f"0100{secrets.token_hex(6)}-{secrets.token_hex(16)}-000000"


def _iso(seconds: float) -> str:
    moment = dt.datetime.fromtimestamp(seconds, dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
