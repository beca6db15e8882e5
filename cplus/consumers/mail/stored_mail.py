"""Reads a mail again that was recorded: all that was written, as it lies in the bucket."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from cplus.aws import Aws
from cplus.consumers.mail.reading import Room
from cplus.events.catalogue.conversations import MessageReceived
from cplus.events.log.store import EventStore
from cplus.events.names import conversation_stream, message_ref
from cplus.events.reader import EventReader
from cplus.mail import InboundMail, parse

READ_LIMIT = 8 * 1024 * 1024
"""Bytes of a raw mail that are read; what people write stands at its beginning."""


@dataclass(frozen=True, slots=True)
class StoredMail:
    """A message of a customer, and the mail that it came in."""

    message: MessageReceived
    mail: InboundMail | None
    """None if the raw mail is not in the bucket."""
    cut: bool = False
    """Whether only the beginning of the raw mail was read."""


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
        message = await self._message(shop, conversation_id, message_id)
        if message is None:
            return None
        # Other code may have recorded another bucket.
        if message.raw is None or message.raw["bucket"] != self.bucket:
            return StoredMail(message, None)
        async with self.room.of(READ_LIMIT):
            try:
                raw = await self.aws.get_beginning(self.bucket, message.raw["key"], READ_LIMIT + 1)
            except KeyError:
                return StoredMail(message, None)
            mail = await asyncio.to_thread(parse, raw[:READ_LIMIT])
            return StoredMail(message, mail, cut=len(raw) > READ_LIMIT)

    async def _message(
        self, shop: str, conversation_id: str, message_id: str
    ) -> MessageReceived | None:
        stream = conversation_stream(conversation_id)
        commits = await self.store.by_ref(shop, message_ref(message_id))
        for events in await self.reader.read(commits, [MessageReceived]):
            for recorded in events:
                event = recorded.event
                if isinstance(event, MessageReceived) and recorded.stream == stream:
                    return event if event.message_id == message_id else None
        return None
