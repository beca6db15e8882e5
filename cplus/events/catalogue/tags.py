"""Tags and views that a merchant made (stream `settings/<host>`).

Their names are the merchant's own words, sealed as those of the other settings are.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from cplus.events.base import AggregateEvent, Personal
from cplus.events.catalogue.handling import Priority

ListedState = Literal[
    "all", "open", "unanswered", "mine", "mentions", "unassigned", "snoozed", "closed", "spam"
]
"""What a list of conversations shows: `unanswered`, `mine` and `unassigned` of what is open. `mine`
and `mentions` are those of whoever looks."""


class TagMade(AggregateEvent):
    """The merchant made a tag, for conversations."""

    TYPE: ClassVar[str] = "settings.tag_made"
    person: str
    """Whose key seals it: an id that nothing else has; all tags and views of a shop share one."""
    tag: str
    """Its id, which conversations name."""
    name: Personal[str | None]
    colour: str
    """One of `COLOURS` of the aggregate."""
    anew: bool = False
    """As in SignatureSet."""


class TagChanged(AggregateEvent):
    """The merchant renamed a tag, or gave it another colour."""

    TYPE: ClassVar[str] = "settings.tag_changed"
    person: str
    """As in TagMade."""
    tag: str
    name: Personal[str | None]
    colour: str
    anew: bool = False
    """As in SignatureSet."""


class TagRemoved(AggregateEvent):
    """The merchant removed a tag: whatever names it has it no more."""

    TYPE: ClassVar[str] = "settings.tag_removed"
    tag: str
    anew: bool = False
    """As in SignatureSet."""


class ViewSaved(AggregateEvent):
    """The merchant saved what a list of conversations shows, under a name."""

    TYPE: ClassVar[str] = "settings.view_saved"
    person: str
    """As in TagMade."""
    view: str
    """Its id."""
    name: Personal[str | None]
    state: ListedState
    tag: str | None = None
    """The id of a tag that the conversations have; None: whichever."""
    assignee: str | None = None
    """The id of who looks after them; empty for nobody, None for whoever."""
    priority: Priority | None = None
    since: str | None = None
    """The first day of their newest messages in the shop's time zone, `2026-12-01`."""
    until: str | None = None
    """The last day."""
    files: bool = False
    """Whether a customer sent files in them."""
    anew: bool = False
    """As in SignatureSet."""


class ViewRemoved(AggregateEvent):
    """The merchant removed a view."""

    TYPE: ClassVar[str] = "settings.view_removed"
    view: str
    anew: bool = False
    """As in SignatureSet."""
