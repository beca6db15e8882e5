"""Reads a mail again that was recorded: all that was written, as it lies in the bucket."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime

from cplus.aws import Aws
from cplus.commands.automatic_mail import set_aside
from cplus.consumers.mail.reading import Room
from cplus.events.catalogue.conversations import MessageReceived
from cplus.events.catalogue.mail import MailSetAside
from cplus.events.log.store import EventStore
from cplus.events.names import conversation_stream, message_ref
from cplus.events.reader import EventReader
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
    room: Room

    async def find(self, shop: str, conversation_id: str, message_id: str) -> StoredMail | None:
        """The mail of a message; None if the conversation of this shop has no such message."""
        stream = conversation_stream(conversation_id)
        commits = await self.store.by_ref(shop, message_ref(message_id))
        read = await self.reader.read(commits, [MessageReceived])
        for recorded in (one for events in read for one in events):
            message = recorded.event
            if isinstance(message, MessageReceived) and recorded.stream == stream:
                if message.message_id != message_id:
                    return None
                return await self._whole(message, recorded.occurred_at, conversation_id)
        return None

    async def find_set_aside(self, shop: str, message_id: str) -> StoredMail | None:
        """A mail that was set aside; None if this shop has no such mail."""
        found = await set_aside(self.store, self.reader, shop, message_id)
        return await self._whole(found.mail, found.at, found.conversation_id) if found else None

    async def _whole(
        self, message: MessageReceived | MailSetAside, at: datetime, conversation_id: str | None
    ) -> StoredMail:
        kept = StoredMail(message, at, None, conversation_id=conversation_id)
        # Other code may have recorded another bucket.
        if message.raw is None or message.raw["bucket"] != self.bucket:
            return kept
        async with self.room.of(READ_LIMIT):
            try:
                raw = await self.aws.get_beginning(self.bucket, message.raw["key"], READ_LIMIT + 1)
            except KeyError:
                return kept
            mail = await asyncio.to_thread(parse, raw[:READ_LIMIT])
            return replace(kept, mail=mail, cut=len(raw) > READ_LIMIT)
