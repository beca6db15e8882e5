"""The tags of the shop on one person: state and decisions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import singledispatchmethod
from typing import Final

from cplus.errors import InvalidInput
from cplus.events.aggregates.base import Aggregate
from cplus.events.aggregates.conversation.last_changes import TAG, LastChanges
from cplus.events.aggregates.tags import Tag, tags_changed
from cplus.events.base import AggregateEvent
from cplus.events.catalogue.persons import PersonTagged
from cplus.wording import worded

MAX_TAGS: Final = 20
"""Tags of one person under one id."""
MOST_AT_ONCE: Final = 100
"""Persons who are changed at once."""

REFUSALS: Final[Mapping[str, str]] = {
    "none": worded("choose some people first"),
    "many": worded("up to %(most)s people can be changed at once", most=MOST_AT_ONCE),
    "act": worded("choose what to do"),
    "over": worded("that can’t be undone any more"),
    "tag": worded("there is no such tag any more"),
    "tags": worded("a person can have up to %(most)s tags", most=MAX_TAGS),
    "before": worded("the tags were changed otherwise meanwhile: choose again"),
    "erased": worded("this person was erased"),
    "gone": worded("this person isn’t there any more"),
}
"""Why somebody is not tagged: the words, by the code that addresses and rows keep."""


def refused(code: str) -> InvalidInput:
    """The error to raise."""
    return InvalidInput(reason=REFUSALS[code], code=code)


class PersonTags(Aggregate):
    """Stream `tags/<id of the person>`."""

    def __init__(self) -> None:
        self.tags: list[str] = []
        """Their ids, in the order in which they were put on."""
        self._changes = LastChanges()

    def change(
        self,
        *,
        person: str,
        added: Collection[str] = (),
        removed: Collection[str] = (),
        known: Mapping[str, Tag],
        now: datetime,
    ) -> None:
        """Puts tags on the person and takes others off, as `tags_changed` says. Raises InvalidInput
        with the code `tag` for one that the shop does not have, and `tags` for too many."""
        if not set(added) <= known.keys():
            raise refused("tag")
        on, off = tags_changed(self.tags, added, removed, known)
        if len(self.tags) - len(off) + len(on) > MAX_TAGS:
            raise refused("tags")
        if on or off:
            self.trigger_event(
                PersonTagged,
                person=person,
                added=on,
                removed=off,
                added_names=_names(on, known),
                removed_names=_names(off, known),
                timestamp=now,
            )

    def undo(
        self, *, person: str, versions: Collection[int], known: Mapping[str, Tag], now: datetime
    ) -> None:
        """Brings back what the events of these versions changed, but for what was changed since."""
        before = self._changes.of(versions)
        tags = {what.removeprefix(TAG): had for what, had in before.items()}
        on = [tag for tag, had in tags.items() if had and tag in known]
        off = [tag for tag, had in tags.items() if not had]
        self.change(person=person, added=on, removed=off, known=known, now=now)

    @singledispatchmethod
    def evolve(self, event: AggregateEvent) -> None:
        """Changes the state by one event; events it has no case for change nothing."""

    @evolve.register
    def _(self, event: PersonTagged) -> None:
        for tag in (*event.added, *event.removed):
            self._changes.note(TAG + tag, event, tag in self.tags)
        left = [tag for tag in self.tags if tag not in event.removed]
        self.tags = [*left, *(tag for tag in event.added if tag not in left)]


def _names(tags: Collection[str], known: Mapping[str, Tag]) -> tuple[str, ...]:
    return tuple(known[tag].name for tag in tags if tag in known)
