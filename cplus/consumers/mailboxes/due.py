"""What is due for the merchant's own mailboxes at a time."""

from __future__ import annotations

from datetime import datetime

from cplus.consumers.scheduled.due import Due
from cplus.consumers.scheduled.taking import DueWork


async def unanswered(due: Due, use: DueWork) -> datetime | None:
    """A message may have waited as long as a mailbox wants; returns when to ask again."""
    return await use.mailboxes.unanswered(due)


async def held(due: Due, use: DueWork) -> datetime | None:
    """A mailbox may be told of what was too much in an hour; returns when to ask again."""
    return await use.mailboxes.held(due)


async def digest(due: Due, use: DueWork) -> datetime | None:
    """The hour of a digest has come; returns when the next one is due."""
    return await use.mailboxes.digest(due)
