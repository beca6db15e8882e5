"""What is said of how staff works on conversations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cplus.commands.conversations.bulk import MOST
from cplus.events.aggregates.conversation.handling import MAX_TAGS
from cplus.events.catalogue.handling import Priority
from cplus.web.merchant.inbox.moments import CHOICES
from cplus.web.merchant.inbox.place import NOBODY, VIEWS, Place
from cplus.wording import worded

PRIORITIES: Final[Mapping[Priority, str]] = {
    "urgent": worded("Urgent"),
    "high": worded("High"),
    "normal": worded("Normal"),
    "low": worded("Low"),
}
"""The most urgent first."""

COLOURS: Final[Mapping[str, str]] = {
    "grey": worded("Grey"),
    "red": worded("Red"),
    "orange": worded("Orange"),
    "yellow": worded("Yellow"),
    "green": worded("Green"),
    "teal": worded("Teal"),
    "blue": worded("Blue"),
    "purple": worded("Purple"),
}


def choices() -> dict[str, Any]:
    """What pages with conversations offer to choose from."""
    return {
        "view_names": VIEWS,
        "nobody": NOBODY,
        "snoozes": CHOICES,
        "priorities": PRIORITIES,
        "page_of": lambda place, cursor: place.at(cursor).address,
        "view_of": lambda view: Place(view).address,
    }


_REASONS: Final = (
    worded("choose some conversations first"),
    worded("up to %(most)s conversations can be changed at once", most=MOST),
    worded("choose what to do"),
    worded("that can’t be undone any more"),
    worded("choose somebody of your staff"),
    worded("a conversation that is marked as spam can’t be snoozed"),
    worded("a conversation that is closed can’t be snoozed"),
    worded("choose until when"),
    worded("choose a date and a time"),
    worded("choose a time that is still to come"),
    worded("a conversation can be snoozed for up to a year"),
    worded("a conversation can have up to %(most)s tags", most=MAX_TAGS),
    worded("choose a priority"),
    worded("there is no such tag any more"),
    worded("the person of this conversation was erased"),
    worded("this conversation was merged into another: work on that one instead"),
)


def reason_of(text: str) -> str:
    """A reason that an address or a row names, to be shown; empty for any other words, which
    anybody could put into an address."""
    return next((reason for reason in _REASONS if reason == text), "")
