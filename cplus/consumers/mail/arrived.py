"""A raw mail as SES left it, in clear: read, kept sealed for each shop, and then deleted.

The steps are taken in this order, each of which may be the last of a process: the sealed objects
(the mail and its files) are put, the commit that names them is appended, the clear object is
deleted. Until the append the clear one is there and the message on its queue; after it, the sealed
ones are in the log. A sealed object that no commit names opens for nobody: its key was in the
memory of that process alone.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, Self

from cplus.aws import Aws, Objects, SealedObjects
from cplus.commands.files import Files
from cplus.consumers.batches.room import Room
from cplus.consumers.mail.reading import Read, Said, read
from cplus.envelopes import Stored
from cplus.events.files import StoredFile
from cplus.mail import InboundMail, Receipt, files_in

INCOMING: Final = "incoming/"
"""Where SES puts raw mail. A lifecycle rule of the bucket ends what is left here; mail from before
there was this folder stays where it is."""


class Arrived:
    """A mail that SES told of. Its bytes are in memory until it is left, within `room`."""

    def __init__(
        self, receipt: Receipt, aws: Aws, kept: SealedObjects, room: Room, domain: str
    ) -> None:
        self._receipt = receipt
        self._aws = aws
        self._bucket = kept
        self._room = room
        self._domain = domain
        self._held = AsyncExitStack()
        self._raw = b""
        self._read: Read | None = None
        self._kept: dict[str, Stored] = {}
        self._files: dict[str, tuple[StoredFile, ...]] = {}

    async def __aenter__(self) -> Self:
        """Reads nothing yet."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Lets go of its bytes."""
        self._raw, self._read = b"", None
        await self._held.aclose()

    @property
    def clear(self) -> Stored:
        """The object that SES made."""
        return Stored({"bucket": self._receipt.bucket, "key": self._receipt.key}, None)

    @property
    def passes(self) -> bool:
        """Whether the clear object is to go once the mail is recorded."""
        return self._receipt.key.startswith(INCOMING)

    async def read(self) -> tuple[InboundMail, Said]:
        """The mail and what it says; raises KeyError if it is not in the bucket."""
        if self._read is None:
            bucket, key = self._receipt.bucket, self._receipt.key
            size = await self._aws.object_size(bucket, key)
            await self._held.enter_async_context(self._room.of(size))
            self._raw = await self._aws.get_object(bucket, key)
            self._read = await asyncio.to_thread(read, self._receipt, self._raw, self._domain)
        return self._read.mail, self._read.said

    async def kept_for(self, shop: str) -> Stored:
        """The object that the shop's commit names, put once; call it after `read`."""
        if not self.passes:
            return self.clear
        if shop not in self._kept:
            self._kept[shop] = await self._bucket.put(shop, self._raw)
        return self._kept[shop]

    async def files_for(self, shop: str) -> tuple[StoredFile, ...]:
        """The files of the mail, put once for the shop's commit; call it after `read`."""
        if shop not in self._files:
            mail, _ = await self.read()
            found = files_in(self._read.parts if self._read else (), mail.attachments)
            self._files[shop] = await Files(self._bucket).put(shop, found)
        return self._files[shop]

    async def pass_away(self) -> None:
        """Deletes the clear object in all its versions, once no commit needs it."""
        if self.passes:
            await Objects(self._aws, [self._receipt.bucket]).delete([self.clear.ref])
