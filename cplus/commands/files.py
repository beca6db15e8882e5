"""Puts the files of a message into a bucket, each sealed under a key of its own, and gets them.

A file is put before the event that names it is appended. Whoever ends in between leaves an object
that opens for nobody: its key was only in the memory of that process.
"""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from cplus.aws import UPLOADS_FOLDER, SealedObjects
from cplus.envelopes import Stored
from cplus.events.files import StoredFile

_SIDE_BY_SIDE: Final = 8  # files that are put at once
_BYTES_AT_ONCE: Final = 8 * 1024 * 1024


class NewFile(Protocol):
    """A file that is in memory."""

    @property
    def id(self) -> str:
        """Unique in its message."""

    @property
    def name(self) -> str:
        """Safe to show and to save under."""

    @property
    def content_type(self) -> str:
        """By what it holds."""

    @property
    def data(self) -> bytes:
        """Its bytes."""

    @property
    def cid(self) -> str | None:
        """The Content-ID by which HTML names it."""

    @property
    def inline(self) -> bool:
        """Whether HTML shows it in its place."""


@dataclass(frozen=True, slots=True)
class Files:
    """The files of messages, in the bucket of mail."""

    kept: SealedObjects

    async def put(self, shop: str, files: Iterable[NewFile]) -> tuple[StoredFile, ...]:
        """Stores the files for this shop alone, in their order. `files` is asked for the next ones
        in a thread, when those before are stored: only a few are in memory at once."""
        stored: list[StoredFile] = []
        waiting = iter(files)
        while some := await asyncio.to_thread(_next, waiting):
            stored += await asyncio.gather(*(self._put(shop, one) for one in some))
        return tuple(stored)

    async def get(self, shop: str, file: StoredFile) -> bytes:
        """Its bytes. Raises KeyError if it is not there any more, and ObjectBroken."""
        ref = {"bucket": file.bucket, "key": file.key}
        return await self.kept.get(shop, Stored(ref, b64decode(file.opens)))

    async def put_piece(self, shop: str, data: bytes) -> Stored:
        """Stores a piece of a file that is on its way, for two days."""
        return await self.kept.put(shop, data, UPLOADS_FOLDER)

    async def get_piece(self, shop: str, piece: Stored) -> bytes:
        """Its bytes. Raises KeyError if it is not there any more, and ObjectBroken."""
        return await self.kept.get(shop, piece)

    async def _put(self, shop: str, file: NewFile) -> StoredFile:
        stored = await self.kept.put(shop, file.data)
        assert stored.opens is not None  # noqa: S101  what is put is sealed
        return StoredFile(
            id=file.id,
            name=file.name,
            content_type=file.content_type,
            size=len(file.data),
            cid=file.cid,
            inline=file.inline,
            opens=b64encode(stored.opens).decode(),
            **stored.ref,
        )


def objects_of(files: Sequence[StoredFile]) -> tuple[dict[str, str], ...]:
    """Where the files are, for the clear field of their event, by which an erasure deletes them."""
    return tuple({"bucket": one.bucket, "key": one.key} for one in files)


def _next(files: Iterable[NewFile]) -> list[NewFile]:
    found: list[NewFile] = []
    size = 0
    for one in files:
        found.append(one)
        size += len(one.data)
        if len(found) >= _SIDE_BY_SIDE or size >= _BYTES_AT_ONCE:
            break
    return found
