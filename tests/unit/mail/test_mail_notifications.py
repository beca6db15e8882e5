"""What SES tells, in the shapes that it documents."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cplus.errors import InvalidInput
from cplus.mail import MailEvent, Receipt, parse_event, parse_receipt

RECEIVED: dict[str, Any] = {
    "notificationType": "Received",
    "receipt": {
        "timestamp": "2026-11-23T10:02:35.000Z",
        "processingTimeMillis": 500,
        "recipients": ["birch-bloom@mail.cplus.example", "Other+x@mail.cplus.example"],
        "spamVerdict": {"status": "PASS"},
        "virusVerdict": {"status": "PASS"},
        "spfVerdict": {"status": "GRAY"},
        "dkimVerdict": {"status": "PASS"},
        "dmarcVerdict": {"status": "SOMETHING_NEW"},
        "dmarcPolicy": "reject",
        "action": {
            "type": "S3",
            "topicArn": "arn:aws:sns:us-east-1:123456789012:mail",
            "bucketName": "mail-bucket",
            "objectKeyPrefix": "inbound/",
            "objectKey": "inbound/abc",
        },
    },
    "mail": {
        "timestamp": "2026-11-23T10:02:34.000Z",
        "source": "ines.okafor@example.com",
        "messageId": "abc",
        "destination": ["birch-bloom@mail.cplus.example"],
        "headersTruncated": False,
        "headers": [{"name": "Subject", "value": "Hi"}],
        "commonHeaders": {"subject": "Hi"},
    },
    "somethingNew": [1],
}


def event(kind: str, **details: Any) -> str:
    return json.dumps(
        {
            "eventType": kind,
            "mail": {
                "timestamp": "2026-11-23T10:00:00.000Z",
                "messageId": "0100",
                "destination": ["ines.okafor@example.com"],
                "tags": {
                    "cplus-shop": ["birch-bloom"],
                    "cplus-message": ["m1"],
                    "ses:configuration-set": ["x"],
                },
                "headers": [],
            },
            **details,
        }
    )


def without(*path: str) -> str:
    body: dict[str, Any] = json.loads(json.dumps(RECEIVED))
    inner = body
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return json.dumps(body)


def test_a_receipt_says_who_got_the_mail_and_where_it_lies() -> None:
    assert parse_receipt(json.dumps(RECEIVED)) == Receipt(
        ses_message_id="abc",
        received_at=datetime(2026, 11, 23, 10, 2, 35, tzinfo=UTC),
        recipients=("birch-bloom@mail.cplus.example", "Other+x@mail.cplus.example"),
        envelope_sender="ines.okafor@example.com",
        bucket="mail-bucket",
        key="inbound/abc",
        spam="PASS",
        virus="PASS",
        spf="GRAY",
        dkim="PASS",
        dmarc="PROCESSING_FAILED",
    )


def test_sns_envelope_is_taken_off() -> None:
    wrapped = json.dumps({"Type": "Notification", "Message": json.dumps(RECEIVED)})
    assert parse_receipt(wrapped) == parse_receipt(json.dumps(RECEIVED))


@pytest.mark.parametrize(
    "body",
    [
        *("", "no JSON", "[]", "null", "{}", "1" * 5_000, "[" * 100_000, '{"Message": "x"}'),
        without("mail", "messageId"),
        without("receipt", "recipients"),
        without("receipt", "action"),
        without("receipt", "action", "objectKey"),
        without("notificationType"),
        json.dumps(RECEIVED | {"mail": "ines.okafor@example.com"}),
        json.dumps(RECEIVED | {"mail": {"messageId": "\ud800"}}),
    ],
)
def test_what_is_no_receipt_is_refused_without_its_content(body: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_receipt(body)
    assert "ines" not in str(caught.value)
    with pytest.raises(InvalidInput):
        parse_event(body)


@given(st.text())
def test_any_text_is_refused_in_the_same_way(body: str) -> None:
    with pytest.raises(InvalidInput):
        parse_receipt(body)
    with pytest.raises(InvalidInput):
        parse_event(body)


def test_a_send_carries_our_tags() -> None:
    assert parse_event(event("Send", send={})) == MailEvent(
        kind="send",
        ses_message_id="0100",
        occurred_at=datetime(2026, 11, 23, 10, tzinfo=UTC),
        shop="birch-bloom",
        message="m1",
        recipients=("ines.okafor@example.com",),
        sent_to=("ines.okafor@example.com",),
    )


def test_a_delivery_has_its_own_time() -> None:
    found = parse_event(
        event(
            "Delivery",
            delivery={
                "timestamp": "2026-11-23T10:00:05.000Z",
                "recipients": ["ines.okafor@example.com"],
                "smtpResponse": "250 ok",
            },
        )
    )
    assert (found.kind, found.occurred_at.second) == ("delivery", 5)


@pytest.mark.parametrize(
    ("kind", "permanent"), [("Permanent", True), ("Transient", False), ("Undetermined", False)]
)
def test_a_bounce_says_whether_it_will_come_again(kind: str, *, permanent: bool) -> None:
    found = parse_event(
        event(
            "Bounce",
            bounce={
                "bounceType": kind,
                "bounceSubType": "General",
                "bouncedRecipients": [
                    {
                        "emailAddress": "gone@example.com",
                        "action": "failed",
                        "status": "5.1.1",
                        "diagnosticCode": "smtp; 550 5.1.1 <gone@example.com> unknown",
                    }
                ],
                "timestamp": "2026-11-23T10:00:05.000Z",
                "feedbackId": "f1",
            },
        )
    )
    assert (found.kind, found.permanent, found.detail) == ("bounce", permanent, f"{kind}/General")
    assert (found.recipients, found.status) == (("gone@example.com",), "5.1.1")
    assert (found.feedback_id, found.diagnostic is not None) == ("f1", True)


@pytest.mark.parametrize(
    ("name", "details", "kind", "detail"),
    [
        (
            "Complaint",
            {
                "complaint": {
                    "complainedRecipients": [{"emailAddress": "a@example.com"}],
                    "complaintFeedbackType": "abuse",
                }
            },
            "complaint",
            "abuse",
        ),
        ("Reject", {"reject": {"reason": "Bad content"}}, "reject", "Bad content"),
        (
            "DeliveryDelay",
            {"deliveryDelay": {"delayType": "MailboxFull", "delayedRecipients": []}},
            "delivery_delay",
            "MailboxFull",
        ),
        (
            "Rendering Failure",
            {"failure": {"errorMessage": "no such value", "templateName": "t"}},
            "rendering_failure",
            None,
        ),
    ],
)
def test_every_kind_of_event_is_read(
    name: str, details: dict[str, Any], kind: str, detail: str | None
) -> None:
    found = parse_event(event(name, **details))
    assert (found.kind, found.detail, found.message) == (kind, detail, "m1")


def test_mail_without_our_tags_is_nobodys() -> None:
    body = json.loads(event("Send"))
    body["mail"]["tags"] = {"cplus-shop": [], "cplus-message": [""]}
    found = parse_event(json.dumps(body))
    assert (found.shop, found.message) == (None, None)


def test_an_event_that_we_did_not_ask_for_is_refused() -> None:
    with pytest.raises(InvalidInput):
        parse_event(event("Open", open={"ipAddress": "192.0.2.1"}))


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"eventType": "Send"}, "mail is not an object"),
        ({"eventType": "Send", "mail": {}}, "mail.messageId is missing"),
        ({"eventType": "Send", "mail": {"messageId": ""}}, "mail.messageId is empty"),
        ({"eventType": "Send", "mail": {"messageId": "m", "timestamp": "x"}}, "is not a time"),
        ({"eventType": "Send", "mail": []}, "mail is not an object"),
        ({"eventType": "Nothing"}, "eventType is unknown"),
    ],
)
def test_a_reason_says_in_words_which_field_is_wrong(told: object, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        parse_event(json.dumps(told))
