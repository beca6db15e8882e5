"""The messages of a conversation that nobody has answered, by the log."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from cplus.events.aggregates.mailboxes import Mailbox
from cplus.events.catalogue.conversations import MessageReceived, ReplyWritten
from cplus.events.catalogue.threads import MessageMoved
from cplus.events.log.commit import Commit
from cplus.events.names import conversation_stream
from cplus.events.recording import Recorder
from cplus.events.standing import find_message

MOST: Final = 10
"""The newest messages that a mail tells of; the page has all."""
_BATCH: Final = 20
_KINDS: Final = (MessageReceived, ReplyWritten, MessageMoved)
_LOOKED_AT: Final = 200
"""Commits of a conversation that are looked through for them."""


class Waiting(NamedTuple):
    """A message that waits for a reply."""

    message: MessageReceived
    at: datetime
    commit: Commit


async def waiting_messages(
    recorder: Recorder, shop: str, stream: str, until: str | None = None
) -> list[Waiting]:
    """The messages since the last reply, the oldest first, without automatic ones; up to the one
    with the id `until`, if that is given."""
    found: list[Waiting] = []
    moved = set[str]()
    seen, begun = 0, until is None
    async for commit in recorder.store.iterate_ref(shop, stream, newest_first=True, batch=_BATCH):
        for recorded in reversed(await recorder.reader.of(commit, *_KINDS)):
            event = recorded.event
            if recorded.stream != stream or getattr(event, "message_id", "") in moved:
                continue
            if isinstance(event, ReplyWritten):
                if begun:
                    return found[::-1]
                continue
            assert isinstance(event, MessageReceived | MessageMoved)  # noqa: S101  the rest
            begun = begun or event.message_id == until
            if isinstance(event, MessageMoved):
                moved.add(event.message_id)
                if begun and event.waits and conversation_stream(event.into) == stream:
                    found += await _moved_here(recorder, shop, event)
            elif begun and not event.automatic:
                found.append(Waiting(event, recorded.occurred_at, commit))
        seen += 1
        if len(found) >= MOST or seen >= _LOOKED_AT:
            break
    return found[::-1]


async def _moved_here(recorder: Recorder, shop: str, event: MessageMoved) -> list[Waiting]:
    kinds = [MessageReceived]
    told = await find_message(recorder.store, recorder.reader, shop, event.message_id, kinds)
    if told is None:
        return []
    message = told.recorded.event
    assert isinstance(message, MessageReceived)  # noqa: S101  all that was read
    return [Waiting(message, told.recorded.occurred_at, told.commit)]


def for_mailbox(mailbox: Mailbox, waiting: Iterable[Waiting]) -> list[Waiting]:
    """Those of which the mailbox is to hear: not of what came before it was verified, nor of what
    it wrote itself."""
    return [
        one
        for one in waiting
        if since(mailbox, one.at) and one.message.from_address != mailbox.address
    ]


def since(mailbox: Mailbox, moment: datetime) -> bool:
    """Whether that was after the mailbox was verified; never while it is not."""
    return mailbox.verified_at is not None and moment >= mailbox.verified_at
