"""The files of a mail with their bytes, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from typing import Any

from cplus.mail.model import Attachment
from cplus.mail.reading.bodies import content, leaves
from cplus.mail.reading.bounded import TooMuchWork, few_lines, read, whole_head


@dataclass(frozen=True, slots=True)
class MailFile:
    """A file of a mail."""

    id: str
    name: str
    content_type: str
    data: bytes
    cid: str | None = None
    inline: bool = False


def files_of(raw: bytes, attachments: list[Attachment]) -> Iterator[MailFile]:
    """The files that `parse` found in this mail, each decoded only when it is asked for. What
    cannot be decoded is left out; the raw mail has it."""
    if not attachments:
        return
    try:
        parts = leaves(read(*few_lines(whole_head(raw))))
    except (TooMuchWork, RecursionError, ValueError, LookupError, TypeError, AttributeError):
        return
    for one in attachments:
        if one.part < len(parts) and (data := _data(parts[one.part])) is not None:
            yield MailFile(str(one.part), one.name, one.content_type, data)


def _data(part: Message[Any, Any]) -> bytes | None:
    try:
        return content(part)
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError):
        return None
