"""Who waits in another conversation, because their message was moved there, is told of there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cplus.commands.mailboxes import mailboxes_of
from cplus.consumers.mailboxes.waiting import since
from cplus.consumers.scheduled.due import Due, DueRows
from cplus.events.base import Recorded
from cplus.events.catalogue.conversations import MessageReceived
from cplus.events.catalogue.threads import MessageMoved
from cplus.events.names import conversation_id
from cplus.events.recording import Recorder
from cplus.events.standing import find_message

UNANSWERED: Final = "mailbox_unanswered"
"""What is due when a message was not answered for some minutes: `<conversation>/<mailbox>`."""
HELD: Final = "mailbox_held"
"""What is due when too many mailboxes were told in an hour: `<conversation>/<mailbox>`."""


async def dues_of_moved(
    recorder: Recorder, rows: DueRows, shop: str, told: Recorded
) -> Sequence[Due]:
    """What is due where the message stands now, of what was noted where it stood before. It is
    recorded in both conversations, and counts in the one that it came to."""
    move = told.event
    assert isinstance(move, MessageMoved)  # noqa: S101  what the reaction gives
    if not move.waits or conversation_id(told.stream) != move.into:
        return []
    kinds = [MessageReceived]
    found = await find_message(recorder.store, recorder.reader, shop, move.message_id, kinds)
    if found is None or found.commit.actor.startswith("merchant"):
        return []
    at, later = found.recorded.occurred_at, list[Due]()
    for one in (await mailboxes_of(recorder, shop)).on.values():
        ref = f"{move.into}/{one.id}"
        if not since(one, at):
            continue
        if one.notify == "unanswered":
            later.append(Due(shop, UNANSWERED, ref, one.waits_until(at)))
        elif one.notify == "each":
            held: datetime | None = await rows.due_at(shop, HELD, f"{move.source}/{one.id}")
            later += [Due(shop, HELD, ref, held)] if held else []
    return later
