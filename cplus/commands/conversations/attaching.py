"""The files that a merchant sends with a reply."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cplus.commands.conversations.uploading import MAX_BYTES, Uploaded, put_together
from cplus.commands.files import Files
from cplus.errors import InvalidInput
from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.files import StoredFile
from cplus.ids import random_id
from cplus.mail import MailFile
from cplus.mail.parts.kinds import kind_of
from cplus.mail.parts.names import safe_name
from cplus.wording import worded

MAX_FILES: Final = 20


@dataclass(frozen=True, slots=True)
class Chosen:
    """A file as it was chosen."""

    name: str
    content_type: str
    data: bytes

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.data)


async def attached(
    shop: str, chosen: Sequence[Chosen | Uploaded], kept: Sequence[StoredFile], files: Files
) -> tuple[StoredFile, ...]:
    """The files of a reply: those that one which was taken back had, and new ones, stored for this
    shop. Their names are cleaned, and their types are told by what they hold.

    Raises InvalidInput for too many, too much, an empty file, one that has not come whole and one
    that stands twice, before any is stored; and for one of which a piece is gone.
    """
    _check(chosen, kept)
    stored = list(kept)
    for one in chosen:
        # One at a time is put together, and let go of once it is stored.
        named = await _opened(shop, one, files)
        stored += await files.put(shop, [named])
    return tuple(stored)


def _check(chosen: Sequence[Chosen | Uploaded], kept: Sequence[StoredFile]) -> None:
    if len(chosen) + len(kept) > MAX_FILES:
        raise InvalidInput(reason=worded("a mail takes up to %(most)s files", most=MAX_FILES))
    if sum(one.size for one in chosen) + sum(one.size for one in kept) > MAX_BYTES:
        raise InvalidInput(
            reason=worded("all files of a mail can be up to %(most)s MB", most=MAX_BYTES // 2**20)
        )
    if any(not one.size for one in chosen):
        raise InvalidInput(reason=worded("one of the files is empty"))
    uploaded = [one for one in chosen if isinstance(one, Uploaded)]
    if not all(one.whole for one in uploaded):
        raise InvalidInput(reason=worded("one of the files has not come whole; choose it again"))
    if len({one.id for one in uploaded}) < len(uploaded):
        raise InvalidInput(reason=worded("one of the files stands twice in this form"))


async def _opened(shop: str, one: Chosen | Uploaded, files: Files) -> MailFile:
    if isinstance(one, Uploaded):
        one = Chosen(one.name, one.content_type, await put_together(shop, one, files))
    return await asyncio.to_thread(_named, one)


def kept_of(reply: ReplyWritten | None, ids: Collection[str]) -> list[StoredFile]:
    """Those of its files that are sent again."""
    return [one for one in (reply.files or () if reply else ()) if one.id in ids]


def same_files(files: Iterable[StoredFile] | None, chosen: Iterable[Chosen | Uploaded]) -> bool:
    """Whether a reply that was recorded has these files among its own."""
    had = sorted((one.name, one.size) for one in files or ())
    return all((_name(one), one.size) in had for one in chosen)


def _name(one: Chosen | Uploaded) -> str:
    return safe_name(one.name) or "file"


def _named(one: Chosen) -> MailFile:
    name = _name(one)
    kind = kind_of(one.data, one.content_type, name)
    return MailFile(f"f{random_id(12)}", name, kind, one.data)
