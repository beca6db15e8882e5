"""The state of a shop at an earlier position: its rows, folded in memory, and its streams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cplus.errors import CplusError
from cplus.events.audit.questions import commit_at
from cplus.events.base import Recorded
from cplus.events.catalogue.threads import MessageMoved
from cplus.events.log.commit import Commit
from cplus.events.log.store import EventStore
from cplus.events.names import conversation_stream, message_ref
from cplus.events.reader import EventReader, in_batches
from cplus.projections.base import Projection, Row
from cplus.projections.checks.fold_in_memory import CannotFold, fold_shop
from cplus.projections.models.conversations import CONVERSATIONS
from cplus.projections.models.messages import MESSAGES
from cplus.projections.queries.row_views import conversation_view, message_view
from cplus.projections.queries.views import Conversation, Message
from cplus.projections.rows import document_of
from cplus.projections.running.folding import fold
from cplus.subscriptions.decoding import Stop, decode

LONGEST: Final = 5_000
"""Commits of a conversation that are folded for a page at most."""
NEWEST: Final = 200
"""Messages of a conversation whose texts are in memory at once, and which are shown, at most."""
_BATCH: Final = 200
_FEW: Final = 20  # commits of a conversation read at once: each may hold a long mail


class TooLong(CplusError):
    """The conversation had more than {most} commits by then: too many to show as it was."""


@dataclass(frozen=True, slots=True)
class Past:
    """A conversation as it was."""

    conversation: Conversation
    messages: Sequence[Message]
    """The newest, in the order of the thread."""
    earlier: int
    """Messages before those."""
    commit: Commit
    """The last one that counts."""


async def conversation_at(
    store: EventStore, reader: EventReader, shop: str, conversation_id: str, position: int
) -> Past | None:
    """The conversation as it was right after the commit at that position; None if there was none.

    Folds the commits of the conversation alone, which are all that its row and its messages are
    made of, and keeps the texts of the NEWEST messages. Raises NoPosition, TooLong, and CannotFold
    if this code cannot read one of them.
    """
    commit = await commit_at(store, shop, position)
    talks: dict[str, Row | None] = {}
    letters: dict[str, Row | None] = {}
    moved, count = dict[str, None](), 0
    commits = store.iterate_ref(shop, conversation_stream(conversation_id), batch=_FEW)
    async for batch in in_batches(commits, _FEW):
        # Read in the order of the log, so what comes later is a tail.
        then = [one for one in batch if one.position <= position]
        count += len(then)
        if count > LONGEST:
            raise TooLong(most=LONGEST)
        for projection, rows in ((CONVERSATIONS, talks), (MESSAGES, letters)):
            stop = fold(projection, await decode(reader, projection, then), {}, rows)
            if stop is not None:
                raise _cannot_fold(projection, shop, stop)
        _without_old_texts(letters, conversation_id)
        moved |= dict.fromkeys(await _moved_here(reader, then, conversation_id))
        if len(then) < len(batch):
            break
    letters |= await _as_moved(store, reader, shop, list(moved)[-NEWEST:], position)
    row = talks.get(conversation_id)
    if row is None:
        return None
    messages = _thread(shop, letters, conversation_id)
    return Past(
        conversation_view(document_of(shop, conversation_id, row)),
        messages[-NEWEST:],
        max(0, len(messages) - NEWEST),
        commit,
    )


async def steps_of(store: EventStore, shop: str, conversation_id: str) -> list[int]:
    """The positions of the commits about a conversation, in order: the first LONGEST. Empty if
    there is no such conversation."""
    return await store.positions_of_ref(shop, conversation_stream(conversation_id), LONGEST)


async def _moved_here(
    reader: EventReader, commits: Sequence[Commit], conversation_id: str
) -> list[str]:
    """The messages that were moved into the conversation in these commits."""
    moves = [one for one in commits if MessageMoved.TYPE in one.types]
    read = await reader.read(moves, [MessageMoved], opened=False)
    return [
        event.message_id
        for event in (one.event for events in read for one in events)
        if isinstance(event, MessageMoved) and event.into == conversation_id
    ]


async def _as_moved(
    store: EventStore, reader: EventReader, shop: str, message_ids: Sequence[str], position: int
) -> dict[str, Row | None]:
    """The rows of messages that came to another conversation, each by the commits about it."""
    rows: dict[str, Row | None] = {}
    for message_id in message_ids:
        letters: dict[str, Row | None] = {}
        commits = store.iterate_ref(shop, message_ref(message_id), batch=_FEW)
        async for batch in in_batches(commits, _FEW):
            then = [one for one in batch if one.position <= position]
            stop = fold(MESSAGES, await decode(reader, MESSAGES, then), {}, letters)
            if stop is not None:
                raise _cannot_fold(MESSAGES, shop, stop)
        rows[message_id] = letters.get(message_id)
    return rows


def _without_old_texts(rows: dict[str, Row | None], conversation_id: str) -> None:
    """Leaves their texts to the newest messages; no fold asks for it."""
    told = [
        ((row["at"], row["number"], key), row)
        for key, row in rows.items()
        if row and row.get("text") and row["conversation_id"] == conversation_id
    ]
    told.sort(key=lambda one: one[0])
    rows.update({place[-1]: {**row, "text": ""} for place, row in told[:-NEWEST]})


def _thread(shop: str, rows: Mapping[str, Row | None], conversation_id: str) -> list[Message]:
    """Those of this conversation that have a place in the thread: a commit may be about another
    one too, and the fate of a mail may come before it."""
    own = {
        key: row
        for key, row in rows.items()
        if row is not None and row["conversation_id"] == conversation_id and row.get("number")
    }
    found = [message_view(document_of(shop, key, row)) for key, row in own.items()]
    return sorted(found, key=lambda message: message.place)


async def row_at(
    store: EventStore,
    reader: EventReader,
    projection: Projection,
    shop: str,
    key: str,
    position: int,
) -> Row | None:
    """The row as this code folds it from the log up to that position; None if there was none, and
    for position 0. Folds the whole shop. Raises NoPosition and CannotFold."""
    if not position:
        return None
    commit = await commit_at(store, shop, position)
    folded = await fold_shop(store, reader, projection, shop, end=(position, commit.seq_after))
    if folded.stop is not None:
        raise _cannot_fold(projection, shop, folded.stop)
    return folded.rows.get(key)


async def stream_at(
    store: EventStore, reader: EventReader, shop: str, stream: str, position: int
) -> list[Recorded]:
    """The events of a stream up to that position, in order."""
    found: list[Recorded] = []
    async for batch in in_batches(store.iterate_ref(shop, stream, batch=_BATCH), _BATCH):
        then = [one for one in batch if one.position <= position]
        found += [
            one for events in await reader.read(then) for one in events if one.stream == stream
        ]
        if len(then) < len(batch):
            break
    return found


def changed(before: Row | None, after: Row | None) -> dict[str, tuple[Any, Any]]:
    """The fields that differ, each as it was before and after; None where it was not there."""
    old, new = before or {}, after or {}
    return {
        name: (old.get(name), new.get(name))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    }


def _cannot_fold(projection: Projection, shop: str, stop: Stop) -> CannotFold:
    return CannotFold(
        projection=projection.name,
        position=stop.position,
        shop=shop,
        reason=stop.reason,
        type=stop.type,
    )
