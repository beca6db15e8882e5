"""Where a message is recorded, and in which conversation it stands now, by the log.

A message is recorded in the stream of the conversation that it came to. It may be moved since: the
commits of that are about the message too, so one question to the log tells both.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

from cplus.events.base import Event, Recorded
from cplus.events.catalogue.threads import MessageMoved
from cplus.events.log.commit import Commit
from cplus.events.log.store import EventStore
from cplus.events.names import conversation_id, message_ref
from cplus.events.reader import EventReader

COMMITS: Final = 1_000
"""Commits about one message that are read at most: its own, those of its fate, its moves."""


class Told(NamedTuple):
    """An event about a message, and the commit that holds it."""

    commit: Commit
    recorded: Recorded


class Standing(NamedTuple):
    """A message of a conversation."""

    commit: Commit
    recorded: Recorded
    """The event that it is."""
    conversation_id: str
    """The conversation in whose thread it stands now."""


async def events_of_message(
    store: EventStore,
    reader: EventReader,
    shop: str,
    message_id: str,
    kinds: Collection[type[Event]],
) -> list[Told]:
    """The events of these classes that name the message, the newest first. Raises as
    `EventReader.read` does."""
    commits = await store.by_ref(shop, message_ref(message_id), COMMITS)
    return [
        Told(commit, one)
        for commit, events in zip(commits, await reader.read(commits, kinds), strict=True)
        for one in reversed(events)
        if getattr(one.event, "message_id", None) == message_id
    ]


async def find_message(
    store: EventStore,
    reader: EventReader,
    shop: str,
    message_id: str,
    kinds: Collection[type[Event]],
) -> Standing | None:
    """The message with this id that an event of these classes is; None if the shop has none.
    Raises as `EventReader.read` does."""
    told = await events_of_message(store, reader, shop, message_id, [*kinds, MessageMoved])
    moves = [one.recorded.event for one in told if isinstance(one.recorded.event, MessageMoved)]
    own = [one for one in told if not isinstance(one.recorded.event, MessageMoved)]
    if not own:
        return None
    commit, recorded = own[-1]
    into = next((move.into for move in moves), None)
    return Standing(commit, recorded, into or conversation_id(recorded.stream))
