"""The messages of a conversation that nobody has answered, by the log."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from cplus.events.aggregates.mailboxes import Mailbox
from cplus.events.catalogue.conversations import MessageReceived, ReplyWritten
from cplus.events.log.commit import Commit
from cplus.events.recording import Recorder

MOST: Final = 10
"""The newest messages that a mail tells of; the page has all."""
_BATCH: Final = 20
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
    seen, begun = 0, until is None
    async for commit in recorder.store.iterate_ref(shop, stream, newest_first=True, batch=_BATCH):
        for recorded in reversed(await recorder.reader.of(commit, MessageReceived, ReplyWritten)):
            event = recorded.event
            if recorded.stream != stream:
                continue
            if isinstance(event, ReplyWritten):
                if begun:
                    return found[::-1]
            elif isinstance(event, MessageReceived):
                begun = begun or event.message_id == until
                if begun and not event.automatic:
                    found.append(Waiting(event, recorded.occurred_at, commit))
        seen += 1
        if len(found) >= MOST or seen >= _LOOKED_AT:
            break
    return found[::-1]


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
