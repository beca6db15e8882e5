"""Persons that turned out to be one: the log first, then the directory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cplus.events.catalogue.customers import PersonsJoined
from cplus.events.log.commit import Commit, Draft
from cplus.events.log.outcomes import AlreadyRecorded, Appended
from cplus.events.reader import EventReader


class Join(Protocol):
    """Makes two persons one in the directory, as PersonDirectory.join does."""

    async def __call__(self, shop: str, person: str, absorbed: str) -> None:
        """Doing it again changes nothing."""


async def join(
    reader: EventReader, draft: Draft, outcome: Appended | AlreadyRecorded, join_two: Join
) -> None:
    """Joins in the directory who was joined in the log.

    Also for what was recorded before: whoever recorded it may have died right after. Until it is
    done, the directory goes on telling of two.
    """
    if isinstance(outcome, AlreadyRecorded):
        await join_recorded(reader, outcome.commit, join_two)
        return
    await _join(draft.shop, joins(draft), join_two)


def joins(draft: Draft) -> list[PersonsJoined]:
    """The events of a draft that say that two persons are one."""
    return [new.event for new in draft.events if isinstance(new.event, PersonsJoined)]


async def join_recorded(reader: EventReader, commit: Commit, join_two: Join) -> None:
    """Joins in the directory who was joined by a commit of the log."""
    events = [recorded.event for recorded in await reader.of(commit, PersonsJoined)]
    joined = [event for event in events if isinstance(event, PersonsJoined)]
    await _join(commit.shop, joined, join_two)


async def _join(shop: str, events: Sequence[PersonsJoined], join_two: Join) -> None:
    for event in events:  # in their order, and seldom more than one
        await join_two(shop, event.person, event.absorbed)
