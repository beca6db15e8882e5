"""Reads a mail again that was recorded: all that was written, as it is in the bucket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from cplus.aws import SEALED_FOLDER, Aws, SealedObjects
from cplus.commands.conversations.automatic_mail import set_aside
from cplus.consumers.batches.room import Room
from cplus.envelopes import Stored
from cplus.events.catalogue.conversations import MessageReceived
from cplus.events.catalogue.mail import MailSetAside
from cplus.events.log.store import EventStore
from cplus.events.names import message_ref
from cplus.events.reader import EventReader
from cplus.events.standing import COMMITS, find_message
from cplus.mail import InboundMail, parse

READ_LIMIT = 8 * 1024 * 1024
"""Bytes of a raw mail that are read; what people write stands at its beginning."""


@dataclass(frozen=True, slots=True)
class StoredMail:
    """A message of a customer, or a mail that was set aside, and the mail that it came in."""

    message: MessageReceived | MailSetAside
    received_at: datetime
    mail: InboundMail | None
    """None if the raw mail is not in the bucket."""
    cut: bool = False
    """Whether only the beginning of the raw mail was read."""
    conversation_id: str | None = None
    """The conversation that it is in; None for a mail that was set aside, until one is made of
    it."""


@dataclass(frozen=True, slots=True)
class StoredMails:
    """What reading mail again needs."""

    store: EventStore
    reader: EventReader
    aws: Aws
    bucket: str
    kept: SealedObjects
    """The same bucket, with what is sealed in it."""
    room: Room

    async def find(self, shop: str, conversation_id: str, message_id: str) -> StoredMail | None:
        """The mail of a message; None if the conversation of this shop has no such message."""
        found = await find_message(self.store, self.reader, shop, message_id, [MessageReceived])
        if found is None or found.conversation_id != conversation_id:
            return None
        message = found.recorded.event
        assert isinstance(message, MessageReceived)  # noqa: S101  all that was read
        return await self._whole(shop, message, found.recorded.occurred_at, conversation_id)

    async def find_set_aside(self, shop: str, message_id: str) -> StoredMail | None:
        """A mail that was set aside; None if this shop has no such mail."""
        found = await set_aside(self.store, self.reader, shop, message_id)
        if found is None:
            return None
        return await self._whole(shop, found.mail, found.at, found.conversation_id)

    async def _whole(
        self,
        shop: str,
        message: MessageReceived | MailSetAside,
        at: datetime,
        conversation_id: str | None,
    ) -> StoredMail:
        told = StoredMail(message, at, None, conversation_id=conversation_id)
        async with self.opened(shop, message, READ_LIMIT + 1) as raw:
            if raw is None:
                return told
            mail = await asyncio.to_thread(parse, raw[:READ_LIMIT])
        return replace(told, mail=mail, cut=len(raw) > READ_LIMIT)

    @asynccontextmanager
    async def opened(
        self, shop: str, message: MessageReceived | MailSetAside, most: int | None = None
    ) -> AsyncIterator[bytes | None]:
        """The raw mail of a message, its first `most` bytes, which are in memory until it is left;
        None if it is not there any more, or cannot be opened."""
        # Other code may have recorded another bucket.
        if message.raw is None or message.raw["bucket"] != self.bucket:
            yield None
            return
        stored = await self._stored(shop, message.message_id, message.raw)
        size = None if stored is None else await self._size(stored, most)
        if stored is None or size is None:
            yield None
            return
        async with self.room.of(size):
            try:
                raw = await self._read(shop, stored, most)
            except KeyError:
                raw = None
            yield raw

    async def _stored(self, shop: str, message_id: str, raw: Mapping[str, str]) -> Stored | None:
        """The object of the mail, with the key that stands in the commit of which it is the cause;
        None if that is erased."""
        if not raw["key"].startswith(SEALED_FOLDER):
            return Stored(raw, None)
        commits = await self.store.by_ref(shop, message_ref(message_id), COMMITS, cause=True)
        for cause in await self.reader.causes(commits):
            if cause is not None and cause.ref == raw:
                return cause.stored
        return None

    async def _size(self, stored: Stored, most: int | None) -> int | None:
        """Bytes that reading it takes; None if it is not there."""
        if stored.opens is None and most is not None:
            return most
        try:
            # It opens as a whole, and is in memory twice then.
            return 2 * await self.aws.object_size(self.bucket, stored.ref["key"])
        except KeyError:
            return None

    async def _read(self, shop: str, stored: Stored, most: int | None) -> bytes:
        if stored.opens is None and most is not None:
            return await self.aws.get_beginning(self.bucket, stored.ref["key"], most)
        return (await self.kept.get(shop, stored))[:most]
