"""What is said of how staff works on conversations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cplus.events.aggregates.conversation.refusals import REFUSALS
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


def reason_of(code: str) -> str:
    """The reason that an address or a row names by its code; empty for any other words, which
    anybody could put into an address."""
    return REFUSALS.get(code, "")
