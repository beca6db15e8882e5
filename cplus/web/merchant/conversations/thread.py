"""What a page shows of a thread: which messages, how much of each, and whether it is up to date."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from markupsafe import escape

from cplus.projections.queries import Conversation, FileView, Message, Queries, cursor_of

MERGED: Final = 20
"""Conversations merged into one whose messages its thread shows."""

PATIENCE: Final = 2.0
"""Seconds that a page waits for the read models to show what was just written."""

SHOWN_BY: Final = ("conversations", "messages")
"""The projections of which a thread is made."""

START: Final = "start"
"""In place of a cursor: the beginning of the thread."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much of a thread one answer has room for."""

    messages: int
    text: int
    """Bytes of all their words together, as HTML."""
    beginning: int
    """Bytes of a message for which no room is left."""
    files: int
    """Each has links of its own."""


PAGE: Final = Room(messages=50, text=20_000, beginning=240, files=40)
"""Of a page, which is under 100 KB: a phone on a slow network loads it."""
ANSWER: Final = Room(messages=200, text=400_000, beginning=500, files=300)
"""Of an answer to a program: Lambda answers with 6 MB at most."""
_FILES_OF_ONE: Final = 12  # of one message


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as the page shows it."""

    message: Message
    text: str | None
    """None if it was erased."""
    cut: bool
    """Whether there is more of it than shown."""
    files: Sequence[FileView] = ()
    more_files: int = 0
    """How many files it has that are not among `files`."""
    whole: bool = False
    """Whether it was asked for, so that nothing of it is folded away."""


@dataclass(frozen=True, slots=True)
class Thread:
    """Some messages of a conversation, the oldest first."""

    messages: Sequence[Shown]
    earlier: str | None
    """The cursor before which there are older messages; None if these are the oldest."""
    later: str | None
    """The cursor of what follows; None if these are the newest."""
    place: Mapping[str, str] = field(default_factory=dict)
    """What the address of the page names, to come to these messages again."""

    def first_new(self, read_until: datetime) -> str:
        """The id of the first message of somebody else that came after that; empty if there is
        none, or if it stands at the top of the page anyway."""
        for number, one in enumerate(self.messages):
            if one.message.direction == "in" and one.message.at > read_until:
                return one.message.id if number > 1 else ""
        return ""


async def merged_in(queries: Queries, shop: str, row: Conversation) -> list[str]:
    """The ids of the conversations whose messages the thread shows among its own: those that were
    merged into it, and into them; the newest MERGED."""
    found, left = list[str](), list(row.merged)
    while left and len(found) < MERGED:
        one = await queries.conversation(shop, left.pop())
        if one is not None and one.id not in found:
            found.append(one.id)
            left += one.merged
    return found


async def newest(
    queries: Queries,
    shop: str,
    conversation_id: str,
    whole: str | None,
    before: str | None = None,
    *,
    also: Sequence[str] = (),
    room: Room = PAGE,
) -> Thread:
    """The end of the thread, or of what comes before the cursor, with the messages of the
    conversations `also`. `whole` is the id of a message that is shown to its end."""
    page = await queries.newest_messages_of(shop, conversation_id, before, room.messages, also=also)
    shown = fitting(page.items, whole, room)
    if before is None:
        return Thread(shown, page.next, None)
    later = cursor_of(page.items[-1]) if page.items else START
    return Thread(shown, page.next, later, {"before": before})


async def following(
    queries: Queries,
    shop: str,
    conversation_id: str,
    cursor: str,
    whole: str | None,
    *,
    also: Sequence[str] = (),
    room: Room = PAGE,
) -> Thread:
    """The thread from the cursor on; from its beginning with START."""
    start = None if cursor == START else cursor
    page = await queries.messages_of(shop, conversation_id, start, room.messages, also=also)
    earlier = cursor_of(page.items[0]) if start is not None and page.items else None
    return Thread(fitting(page.items, whole, room), earlier, page.next, {"from": cursor})


def fitting(
    messages: Iterable[Message], whole: str | None = None, room: Room = PAGE
) -> list[Shown]:
    """As much of the messages as there is room for, given to the newest first; to `whole` before
    all."""
    ordered = list(messages)
    left = room.text - sum(_bytes(m.text or "") for m in ordered if m.id == whole)
    places = room.files
    shown = []
    for message in reversed(ordered):
        text = message.text
        if text is None:
            shown.append(Shown(message, None, cut=False))
            continue
        if message.id != whole:
            text = _beginning(text, max(left, room.beginning))
            left -= _bytes(text)
        files = list(message.files or ())
        listed = files[: min(_FILES_OF_ONE, places)]
        places -= len(listed)
        more = len(files) - len(listed)
        asked = message.id == whole
        shown.append(Shown(message, text, text != message.text, listed, more, asked))
    return shown[::-1]


def _bytes(text: str) -> int:
    return len(escape(text).encode())


def _beginning(text: str, most: int) -> str:
    """As much of it as takes up to so many bytes; cut between two words if there are some."""
    if _bytes(text) <= most:
        return text
    text = text[:most]
    while (size := _bytes(text)) > most:
        text = text[: len(text) * most // size]
    at = max(text.rfind(" "), text.rfind("\n"))
    return text[:at] if at > len(text) // 2 else text


async def read_position(queries: Queries, shop: str, by: Sequence[str] = SHOWN_BY) -> int:
    """The position up to which these projections show the shop: by default, conversations and
    their messages."""
    return await queries.position_of(shop, by)


async def caught_up(
    queries: Queries,
    shop: str,
    position: int,
    seconds: float = PATIENCE,
    *,
    by: Sequence[str] = SHOWN_BY,
) -> bool:
    """Whether what is shown has passed the position, waiting for it up to `seconds`; not at all
    where what shows it is parked, which takes longer than anybody waits."""
    if await read_position(queries, shop, by) >= position:
        return True
    if not (await queries.parked(shop)).isdisjoint(by):
        return False
    deadline = time.monotonic() + seconds
    pause = 0.02
    while await read_position(queries, shop, by) < position:
        if time.monotonic() + pause > deadline:
            return False
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.2)
    return True
