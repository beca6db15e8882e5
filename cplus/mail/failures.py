"""Why a mail did not arrive: a code for each reason, from what SES tells, and the words for it.

Sources: Amazon SES, "Contents of event data" (bounce types and subtypes), and RFC 3463 with the
registry of enhanced status codes at IANA.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from cplus.mail.notifications import MailEvent
from cplus.wording import worded

FAILURES: Final = MappingProxyType(
    {
        "address_unknown": worded("the address doesn’t exist"),
        "domain_unknown": worded("the part after the @ takes no email"),
        "mailbox_disabled": worded("the mailbox takes no email at the moment"),
        "mailbox_full": worded("the mailbox is full"),
        "too_large": worded("it is too large for the mailbox"),
        "spam": worded("the mailbox rejected it as spam"),
        "blocked": worded("the mail server blocks email from where ours was sent"),
        "unproved": worded("the mail server couldn’t check who sent it"),
        "content": worded("the mailbox rejected its content"),
        "attachment": worded("the mailbox rejected an attachment"),
        "expired": worded("the mail server didn’t accept it in time"),
        "suppressed": worded("earlier email to this address bounced, so it was not sent again"),
        "refused_for_good": worded("the address doesn’t exist or doesn’t accept email"),
        "refused": worded("the mailbox rejected it"),
        "refused_for_now": worded("the mailbox temporarily rejected it"),
        "complained": worded("the recipient marked it as spam"),
        "virus": worded("it was flagged as containing a virus"),
        "marked": worded("email to this address is stopped"),
        "invalid": worded("no email can be made of it"),
        "not_taken": worded("our email service refused it"),
        "removed": worded("the app was removed from the shop before it went out"),
    }
)
"""Each reason, in words that follow a colon."""

OF_ADDRESS: Final = frozenset(
    {
        "address_unknown",
        "domain_unknown",
        "mailbox_disabled",
        "suppressed",
        "refused_for_good",
        "complained",
    }
)
"""The reasons that lie with the address: other mail to it would not arrive either."""

_SUBTYPES: Final = {
    "NoEmail": "address_unknown",
    "Suppressed": "suppressed",
    "OnAccountSuppressionList": "suppressed",
    "OnTenantSuppressionList": "suppressed",
    "MailboxFull": "mailbox_full",
    "MessageTooLarge": "too_large",
    "ContentRejected": "content",
    "AttachmentRejected": "attachment",
}
_STATUS: Final = {
    "1.1": "address_unknown",
    "1.2": "domain_unknown",
    "1.3": "address_unknown",
    "1.6": "address_unknown",
    "1.10": "domain_unknown",
    "2.1": "mailbox_disabled",
    "2.2": "mailbox_full",
    "2.3": "too_large",
    "3.4": "too_large",
    "4.4": "domain_unknown",
    "4.7": "expired",
    "7.20": "unproved",
    "7.23": "unproved",
    "7.25": "unproved",
    "7.26": "unproved",
}
"""By subject and detail of the status, whatever its class."""
_WORDS: Final = (
    ("mailbox_full", re.compile(r"quota|mailbox (?:is )?full|insufficient storage", re.IGNORECASE)),
    ("spam", re.compile(r"\bspam(?!haus|cop)|\bjunk|unsolicited|bulk mail", re.IGNORECASE)),
    ("blocked", re.compile(r"block|blacklist|spamhaus|reputation|\bdnsbl|\brbl\b", re.IGNORECASE)),
    ("unproved", re.compile(r"\bdmarc|\bspf\b|\bdkim|unauthenticated", re.IGNORECASE)),
    (
        "too_large",
        re.compile(r"too (?:large|big)|size (?:limit|exceed)", re.IGNORECASE),
    ),
    (
        "address_unknown",
        re.compile(
            r"(?:user|recipient|mailbox|address|account)[^.;]{0,40}"
            r"(?:unknown|not found|does(?:n.t| not) exist|unavailable|rejected|invalid)"
            r"|(?:unknown|no such) (?:user|recipient|mailbox|address|account)",
            re.IGNORECASE,
        ),
    ),
)
_LOOKED_AT: Final = 1_000  # characters of what the other server said


def failure_of(told: MailEvent) -> str | None:
    """The code of why a mail did not arrive, if this event is SES's last word of that; None for
    every other event, also a bounce that is only for now."""
    match told.kind:
        case "complaint":
            return "complained"
        case "reject":
            return "virus" if told.detail == "Bad content" else "not_taken"
        case "rendering_failure":
            return "invalid"
        case "bounce" if told.permanent:
            return bounce_code(told)
    return None


def bounce_code(told: MailEvent) -> str:
    """Why the mail came back: by SES's subtype where that says it, by the status, then by the words
    of the server that refused it."""
    if by_subtype := _of_subtype(told.detail):
        return by_subtype
    detail = (told.status or "").partition(".")[2]
    diagnostic = (told.diagnostic or "")[:_LOOKED_AT]
    by_words = next((code for code, words in _WORDS if words.search(diagnostic)), None)
    # "5.7.1" is said of everything; servers also say "5.1.1" of what they take for spam.
    found = by_words if by_words in {"spam", "blocked", "unproved"} else _STATUS.get(detail)
    return found or by_words or ("refused_for_good" if told.permanent else "refused")


def detail_code(detail: str | None) -> str:
    """The same by SES's type and subtype alone, `bounceType/bounceSubType`."""
    kind = (detail or "").partition("/")[0]
    others = {"Permanent": "refused_for_good", "Transient": "refused_for_now"}
    return _of_subtype(detail) or others.get(kind, "refused")


def _of_subtype(detail: str | None) -> str | None:
    return _SUBTYPES.get((detail or "").rpartition("/")[2])


def failure_words(code: str) -> str:
    """The reason in words that follow a colon; a code of newer code is a refusal."""
    return FAILURES.get(code) or FAILURES["refused"]
