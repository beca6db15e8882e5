"""What the beginning of a subject says: an answer, or a mail that is passed on."""

from __future__ import annotations

import re

_COUNT = r"(?:\[\d{1,3}\]|\(\d{1,3}\))?\s?[:：]\s*"
_REPLIES = "re|aw|antw|sv|ref|rif|res|odp|ynt|回复|答复|回覆|返信|답장"
# A Finnish answer begins with "VS:", and so does what a Dane passes on.
REPLY_PREFIX = re.compile(rf"(?:(?:{_REPLIES}|vs){_COUNT})+", re.IGNORECASE)
"""Matches all that answering programs put before a subject."""

_REPLY = re.compile(rf"\s*(?:{_REPLIES}){_COUNT}", re.IGNORECASE)
_FORWARD = re.compile(
    r"\s*(?:fwd?|fw|wg|w\.?|wtr|tr|trans|rv|enc|i|pd|vb|vl|vs|fs|doorst|ilt|i̇lt|továbbítás|пересл"
    rf"|πρθ|הועבר|إعادة توجيه|转发|轉寄|转寄|転送|전달){_COUNT}",
    re.IGNORECASE,
)


def is_reply(subject: str) -> bool:
    """Whether the subject begins as that of an answer."""
    return _REPLY.match(subject) is not None


def is_forward(subject: str) -> bool:
    """Whether the subject begins as that of a mail that is passed on."""
    return _FORWARD.match(subject) is not None
