"""Whether a merchant's mailbox answers as a program does that marks nothing.

Between such a program and one of the customer's kind each answer would lead to the next, for ever.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.recording import Recorder

REPEATS: Final = 2
"""How often a mailbox may say the same in a conversation, before the merchant writes elsewhere."""
AN_HOUR: Final = 10
"""Answers of mailboxes in a conversation within an hour."""
_MAILBOX: Final = "mailbox/"  # how the authors of such answers begin
_BATCH: Final = 20
_LOOKED_AT: Final = 200  # commits of a conversation


async def looks_automatic(
    recorder: Recorder, shop: str, stream: str, *, message_id: str, text: str, now: datetime
) -> bool:
    """Whether an answer with these words would be one too many; `message_id` is the id of the
    reply that it would be, which does not count itself when the mail is delivered again."""
    said, same, lately, seen = _same(text), 0, 0, 0
    async for commit in recorder.store.iterate_ref(shop, stream, newest_first=True, batch=_BATCH):
        for recorded in await recorder.reader.of(commit, ReplyWritten):
            reply = recorded.event
            assert isinstance(reply, ReplyWritten)  # noqa: S101  all that was read
            if recorded.stream != stream or reply.message_id == message_id:
                continue
            if not reply.author.startswith(_MAILBOX):
                return False  # somebody sits at the dashboard
            same += bool(said) and _same(reply.text) == said
            lately += now - recorded.occurred_at < timedelta(hours=1)
        if same >= REPEATS or lately >= AN_HOUR:
            return True
        seen += 1
        if seen >= _LOOKED_AT:
            break
    return False


def _same(text: str) -> str:
    """Words that are the same however they are broken into lines and spelled."""
    return " ".join(text.casefold().split())
