"""What a merchant sets for working through conversations: tags, which conversations and persons
have, and views of the inbox."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from cplus.errors import InvalidInput, NotFound
from cplus.events.aggregates.of_shop import OfShop
from cplus.events.base import AggregateEvent
from cplus.events.catalogue.handling import Priority
from cplus.events.catalogue.tags import (
    ListedState,
    TagChanged,
    TagMade,
    TagRemoved,
    ViewRemoved,
    ViewSaved,
)
from cplus.wording import worded

COLOURS: Final = ("grey", "red", "orange", "yellow", "green", "teal", "blue", "purple")
MAX_TAGS: Final = 100
MAX_VIEWS: Final = 30
MAX_NAME: Final = 40
"""Characters of the name of a tag or a view."""


class Tag(NamedTuple):
    """A tag of the shop."""

    id: str
    name: str
    colour: str


class Shown(NamedTuple):
    """Which conversations a view shows; each is said at ViewSaved."""

    state: ListedState
    tag: str | None = None
    assignee: str | None = None
    priority: Priority | None = None
    since: str | None = None
    until: str | None = None
    files: bool = False


class View(NamedTuple):
    """A view of the inbox that was saved."""

    id: str
    name: str
    shows: Shown


class Tagging(OfShop):
    """The tags and views of a shop, as a part of its settings."""

    def make_tag(self, *, tag: str, name: str, colour: str, person: str, now: datetime) -> None:
        """Makes a tag with this id. Raises InvalidInput if its name or colour cannot be, or if
        there are too many."""
        if tag in self.tags:
            return
        if len(self.tags) >= MAX_TAGS:
            raise InvalidInput(reason=worded("a shop can have up to %(most)s tags", most=MAX_TAGS))
        self._set(
            TagMade,
            person=self.sealed_as or person,
            tag=tag,
            name=self._tag_name(tag, name),
            colour=_colour(colour),
            now=now,
        )

    def change_tag(self, *, tag: str, name: str, colour: str, now: datetime) -> None:
        """Renames the tag and gives it that colour. Raises NotFound, and InvalidInput as
        `make_tag`."""
        if tag not in self.tags:
            raise NotFound(what="tag")
        told = Tag(tag, self._tag_name(tag, name), _colour(colour))
        if told != self.tags[tag]:
            self._set(
                TagChanged,
                person=self.sealed_as,
                tag=tag,
                name=told.name,
                colour=told.colour,
                now=now,
            )

    def remove_tag(self, *, tag: str, now: datetime) -> None:
        """Removes the tag; again changes nothing."""
        if tag in self.tags:
            self._set(TagRemoved, tag=tag, now=now)

    def save_view(self, *, view: str, name: str, shows: Shown, person: str, now: datetime) -> None:
        """Saves a view with this id. Raises InvalidInput for a name that cannot be, for a tag that
        there is not, and if there are too many."""
        if view in self.views:
            return
        name = plain_name(name)
        if any(one.name.casefold() == name.casefold() for one in self.views.values()):
            raise InvalidInput(reason=worded("there is a view with this name already"))
        if len(self.views) >= MAX_VIEWS:
            reason = worded("a shop can have up to %(most)s saved views", most=MAX_VIEWS)
            raise InvalidInput(reason=reason)
        if shows.tag is not None and shows.tag not in self.tags:
            raise InvalidInput(reason=worded("there is no such tag any more"))
        for day in (shows.since, shows.until):
            _check_day(day)
        self._set(
            ViewSaved,
            person=self.sealed_as or person,
            view=view,
            name=name,
            now=now,
            **shows._asdict(),
        )

    def remove_view(self, *, view: str, now: datetime) -> None:
        """Removes the view; again changes nothing."""
        if view in self.views:
            self._set(ViewRemoved, view=view, now=now)

    def _tag_name(self, tag: str, name: str) -> str:
        name = plain_name(name)
        others = (one.name.casefold() for one in self.tags.values() if one.id != tag)
        if name.casefold() in others:
            raise InvalidInput(reason=worded("there is a tag with this name already"))
        return name

    # Not on the class: of fields there the library makes arguments of `__init__`.
    def _begin_tags(self) -> None:
        self.tags: dict[str, Tag] = {}
        """By their ids, in the order in which they were made."""
        self.views: dict[str, View] = {}
        self.sealed_as = ""
        """Whose key seals their names; empty before the first."""

    def _evolve_tags(self, event: AggregateEvent) -> None:
        match event:
            case TagMade() | TagChanged():
                self.sealed_as = event.person
                self.tags[event.tag] = Tag(event.tag, event.name or "", event.colour)
            case TagRemoved():
                self.tags.pop(event.tag, None)
            case ViewSaved():
                self.sealed_as = event.person
                shows = Shown(*(getattr(event, field) for field in Shown._fields))
                self.views[event.view] = View(event.view, event.name or "", shows)
            case ViewRemoved():
                self.views.pop(event.view, None)


def tags_changed(
    there: Sequence[str], added: Collection[str], removed: Collection[str], known: Collection[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which of these tags are put on what has those that are `there`, and which are taken off: one
    that it has, or has not, changes nothing. What it has besides and the shop does not know any
    more goes with the next change. Pure."""
    on = tuple(dict.fromkeys(one for one in added if one not in there))
    off = tuple(one for one in there if one in removed and one not in added)
    if on or off:
        off = tuple(one for one in there if one in off or one not in known)
    return on, off


def plain_name(name: str) -> str:
    """The name as it is kept. Raises InvalidInput for one that cannot be."""
    name = " ".join(name.split())
    if not name or not name.isprintable():
        raise InvalidInput(reason=worded("write a name"))
    if len(name) > MAX_NAME:
        raise InvalidInput(reason=worded("a name can be up to %(most)s characters", most=MAX_NAME))
    return name


def _check_day(day: str | None) -> None:
    try:
        well = day is None or date.fromisoformat(day).isoformat() == day
    except ValueError:
        well = False
    if not well:
        raise InvalidInput(reason=worded("this view can’t be saved"))


def _colour(colour: str) -> str:
    if colour not in COLOURS:
        raise InvalidInput(reason=worded("choose a colour"))
    return colour
