"""Why a mail did not arrive, in the words of SES and of many mail servers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cplus.mail import parse_event
from cplus.mail.failures import FAILURES, OF_ADDRESS, failure_of, failure_words
from cplus.mail.notifications import MailEvent


def told(kind: str = "Bounce", **detail: Any) -> MailEvent:
    mail = {"messageId": "ses1", "timestamp": "2026-11-01T12:00:00Z"}
    return parse_event(json.dumps({"eventType": kind, "mail": mail, kind.lower(): detail}))


def bounce(subtype: str, status: str = "", diagnostic: str = "", kind: str = "Permanent") -> Any:
    gone = {"emailAddress": "ada@example.com", "status": status, "diagnosticCode": diagnostic}
    return told(bounceType=kind, bounceSubType=subtype, bouncedRecipients=[gone])


@pytest.mark.parametrize(
    ("subtype", "status", "diagnostic", "code"),
    [
        ("General", "5.1.1", "smtp; 550 5.1.1 user unknown", "address_unknown"),
        ("NoEmail", "", "", "address_unknown"),
        ("General", "", "550 No such user here", "address_unknown"),
        ("General", "5.7.1", "550 5.7.1 Recipient address rejected", "address_unknown"),
        ("General", "5.1.2", "", "domain_unknown"),
        ("General", "5.4.4", "DNS lookup failed", "domain_unknown"),
        ("General", "5.2.1", "550 5.2.1 account disabled", "mailbox_disabled"),
        ("General", "5.2.2", "552 5.2.2 over quota", "mailbox_full"),
        ("MailboxFull", "", "", "mailbox_full"),
        ("General", "5.3.4", "552 too big for system", "too_large"),
        ("MessageTooLarge", "", "", "too_large"),
        ("General", "5.7.1", "554 5.7.1 Message identified as SPAM", "spam"),
        ("General", "5.1.1", "550 5.1.1 rejected as spam", "spam"),
        ("General", "5.7.1", "blocked using zen.spamhaus.org", "blocked"),
        ("General", "5.7.26", "550-5.7.26 This mail is unauthenticated", "unproved"),
        ("General", "4.4.7", "smtp; 554 4.4.7 Message expired", "expired"),
        ("ContentRejected", "", "", "content"),
        ("AttachmentRejected", "", "", "attachment"),
        ("Suppressed", "5.1.1", "", "suppressed"),
        ("OnAccountSuppressionList", "", "", "suppressed"),
        ("General", "", "", "refused_for_good"),
        ("General", "9.9.9.9.9", "\0" * 5_000, "refused_for_good"),
    ],
)
def test_a_bounce_for_good_has_its_reason(
    subtype: str, status: str, diagnostic: str, code: str
) -> None:
    assert failure_of(bounce(subtype, status, diagnostic)) == code
    assert failure_words(code) == FAILURES[code]


def test_only_the_last_word_of_ses_is_a_failure() -> None:
    assert failure_of(bounce("MailboxFull", kind="Transient")) is None
    assert failure_of(told("Delivery")) is None
    assert failure_of(told("Send")) is None
    assert failure_of(told("Complaint", complaintFeedbackType="abuse")) == "complained"
    assert failure_of(told("Reject", reason="Bad content")) == "virus"
    assert failure_of(told("Reject", reason="else")) == "not_taken"


def test_what_lies_with_one_mail_does_not_stop_the_next_to_the_address() -> None:
    assert {"spam", "too_large", "content", "mailbox_full"}.isdisjoint(OF_ADDRESS)
    assert {"address_unknown", "complained", "suppressed"} <= OF_ADDRESS
    assert set(FAILURES) >= OF_ADDRESS


def test_a_reason_of_newer_code_is_a_refusal() -> None:
    assert failure_words("of tomorrow") == FAILURES["refused"]
