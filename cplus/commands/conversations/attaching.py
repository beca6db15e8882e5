"""The files that a merchant sends with a reply."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cplus.commands.files import Files
from cplus.errors import InvalidInput
from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.files import StoredFile
from cplus.ids import random_id
from cplus.mail import MailFile
from cplus.mail.parts.kinds import kind_of
from cplus.mail.parts.names import safe_name

MAX_FILES: Final = 20
MAX_BYTES: Final = 25 * 1024 * 1024
"""Of all files of a mail: SES takes 40 MB, in Base64 and with the text."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A file as it was chosen."""

    name: str
    content_type: str
    data: bytes


async def attached(
    shop: str, chosen: Sequence[Chosen], kept: Sequence[StoredFile], files: Files
) -> tuple[StoredFile, ...]:
    """The files of a reply: those that one which was taken back had, and new ones, stored for this
    shop. Their names are cleaned, and their types are told by what they hold.

    Raises InvalidInput for too many, too much, and an empty file, before any is stored.
    """
    if len(chosen) + len(kept) > MAX_FILES:
        raise InvalidInput(reason=f"a mail takes up to {MAX_FILES} files")
    if sum(len(one.data) for one in chosen) + sum(one.size for one in kept) > MAX_BYTES:
        raise InvalidInput(reason=f"all files of a mail can be up to {MAX_BYTES // 2**20} MB")
    if any(not one.data for one in chosen):
        raise InvalidInput(reason="one of the files is empty")
    named = await asyncio.to_thread(lambda: [_named(one) for one in chosen])
    return (*kept, *await files.put(shop, named))


def kept_of(reply: ReplyWritten | None, ids: Collection[str]) -> list[StoredFile]:
    """Those of its files that are sent again."""
    return [one for one in (reply.files or () if reply else ()) if one.id in ids]


def same_files(files: Iterable[StoredFile] | None, chosen: Iterable[Chosen]) -> bool:
    """Whether a reply that was recorded has these files among its own."""
    had = sorted((one.name, one.size) for one in files or ())
    return all((_name(one), len(one.data)) in had for one in chosen)


def _name(one: Chosen) -> str:
    return safe_name(one.name) or "file"


def _named(one: Chosen) -> MailFile:
    name = _name(one)
    kind = kind_of(one.data, one.content_type, name)
    return MailFile(f"f{random_id(12)}", name, kind, one.data)
