"""The files of a message, of a customer or of the merchant, and the parts of a mail that are read
from it again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from cplus.commands.files import Files
from cplus.consumers.mail.stored_mail import READ_LIMIT, StoredMails
from cplus.events.base import kept
from cplus.events.catalogue.conversations import MessageReceived, ReplyWritten
from cplus.events.catalogue.mail import MailSetAside
from cplus.events.files import StoredFile
from cplus.events.standing import events_of_message
from cplus.mail import Formatted, MailFile, files_of, formatted
from cplus.mail.parts.thumbnails import LARGEST, thumbnail

_KINDS: Final = (MessageReceived, MailSetAside, ReplyWritten)
_REFUSED: Final = {"virus"}
"""Reasons for which a mail was set aside whose files nobody gets."""

Message = MessageReceived | MailSetAside | ReplyWritten


@dataclass(frozen=True, slots=True)
class MessageFile:
    """A file of a message."""

    id: str
    name: str
    content_type: str
    size: int
    cid: str | None
    inline: bool


@dataclass(frozen=True, slots=True)
class MessageFiles:
    """Gets files. What reads many bytes waits for `mails.room`."""

    mails: StoredMails
    files: Files
    one_picture: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Pictures are made small one after the other: each may take 100 MB."""

    async def message(self, shop: str, message_id: str) -> Message | None:
        """The message with this id; None if this shop has none, its person was erased, or it was
        set aside because SES found a virus in it."""
        store, reader = self.mails.store, self.mails.reader
        told = await events_of_message(store, reader, shop, message_id, _KINDS)
        found = [one.recorded.event for one in told if isinstance(one.recorded.event, _KINDS)]
        # What a conversation was made of is in the log twice; the merchant was warned then.
        found.sort(key=lambda one: isinstance(one, MailSetAside))
        message = next(iter(found), None)
        if message is None or kept(message.text) is None:
            return None
        return None if getattr(message, "reason", None) in _REFUSED else message

    async def listed(self, shop: str, message: Message) -> list[MessageFile]:
        """The files of the message: of one from before they were kept apart, those in its raw
        mail, which is read for it."""
        stored = _stored(message)
        if stored is not None:
            return [_of_stored(one) for one in stored]
        async with self._in_mail(shop, message) as found:
            return [_of_mail(one) for one in found]

    async def file(self, shop: str, message_id: str, id_: str) -> MessageFile | None:
        """What is known of one file."""
        message = await self.message(shop, message_id)
        listed = await self.listed(shop, message) if message is not None else []
        return next((one for one in listed if one.id == id_), None)

    @asynccontextmanager
    async def opened(
        self, shop: str, message_id: str, id_: str
    ) -> AsyncIterator[tuple[MessageFile, bytes] | None]:
        """A file and its bytes, which are in memory until it is left; None if there is none."""
        message = await self.message(shop, message_id)
        stored = None if message is None else _stored(message)
        if message is None:
            yield None
        elif stored is None:
            async with self._in_mail(shop, message) as found:
                one = next((one for one in found if one.id == id_), None)
                yield None if one is None else (_of_mail(one), one.data)
        else:
            file = next((one for one in stored if one.id == id_), None)
            if file is None:
                yield None
                return
            async with self.mails.room.of(2 * file.size):
                try:
                    data = await self.files.get(shop, file)
                except KeyError:
                    data = None
                yield None if data is None else (_of_stored(file), data)

    @asynccontextmanager
    async def original(self, shop: str, message_id: str) -> AsyncIterator[bytes | None]:
        """The mail as it came."""
        message = await self.message(shop, message_id)
        if message is None or isinstance(message, ReplyWritten):
            yield None
            return
        async with self.mails.opened(shop, message) as raw:
            yield raw

    async def small(self, shop: str, message_id: str, id_: str) -> tuple[bytes, str] | None:
        """A picture made small, and its type; None for what is none, or too large."""
        known = await self.file(shop, message_id, id_)
        if known is None or known.size > LARGEST:
            return None
        async with self.one_picture, self.opened(shop, message_id, id_) as found:
            if found is None:
                return None
            file, data = found
            return await asyncio.to_thread(thumbnail, data, file.content_type)

    async def formatted(
        self, shop: str, message_id: str, *, picture: Callable[[str], str], remote: bool
    ) -> Formatted | None:
        """The HTML of the message for a frame, in which `picture` gives the address of a file by
        its id; None if it has none."""
        message = await self.message(shop, message_id)
        if message is None or isinstance(message, ReplyWritten):
            return None
        by_cid = {one.cid: picture(one.id) for one in await self.listed(shop, message) if one.cid}
        async with self.mails.opened(shop, message, READ_LIMIT) as raw:
            if raw is None:
                return None

            def read() -> Formatted | None:
                return formatted(raw, picture=by_cid.get, remote=remote)

            return await asyncio.to_thread(read)

    @asynccontextmanager
    async def _in_mail(self, shop: str, message: Message) -> AsyncIterator[list[MailFile]]:
        if isinstance(message, ReplyWritten):
            yield []
            return
        async with self.mails.opened(shop, message) as raw:
            yield [] if raw is None else await asyncio.to_thread(_read, raw)


def _read(raw: bytes) -> list[MailFile]:
    return list(files_of(raw))


def _stored(message: Message) -> tuple[StoredFile, ...] | None:
    return getattr(message, "files", None)


def _of_stored(file: StoredFile) -> MessageFile:
    told = (file.id, file.name, file.content_type, file.size, file.cid, file.inline)
    return MessageFile(*told)


def _of_mail(file: MailFile) -> MessageFile:
    told = (file.id, file.name, file.content_type, len(file.data), file.cid, file.inline)
    return MessageFile(*told)
