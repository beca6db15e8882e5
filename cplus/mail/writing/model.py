"""What a mail that goes out is made of."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

SIZE_LIMIT: Final = 40 * 1024 * 1024
"""Bytes of a mail with all its files encoded: what version 2 of SES's API takes."""
FILES_LIMIT: Final = 30_000_000
"""Bytes of all files of a mail that always fit below `SIZE_LIMIT`: base64 makes 37 % more of them,
and the longest text with its history has room beside them."""
RECIPIENTS_LIMIT: Final = 50
"""Recipients of one mail, in To, Cc and Bcc together, that SES takes."""
HISTORY_LIMIT: Final = 30 * 1024
"""Bytes of earlier messages that a reply quotes."""


class OutgoingFile(NamedTuple):
    """A file that goes with a mail."""

    name: str
    """As its reader sees it; any characters."""
    content_type: str
    """What is none, or none that may be encoded, is sent as `application/octet-stream`."""
    data: bytes
    cid: str | None = None
    """The Content-ID of a picture that is shown below the words; None for an attachment."""


class Quoted(NamedTuple):
    """An earlier message of the conversation."""

    author: str
    at: datetime
    """When it was written, in the time zone in which the reader is told."""
    text: str
