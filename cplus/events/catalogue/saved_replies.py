"""Replies that a shop's staff keeps to use again (stream `saved_replies/<host>`).

Names and texts are the merchant's own words, sealed as those of the settings are.
"""

from __future__ import annotations

from typing import ClassVar

from cplus.events.base import AggregateEvent, Personal


class ReplySaved(AggregateEvent):
    """Somebody of the shop's staff saved a reply under a name, or changed one."""

    TYPE: ClassVar[str] = "saved_replies.saved"
    person: str
    """Whose key seals it: an id that nothing else has; all saved replies of a shop share one."""
    reply: str
    """Its id."""
    revision: int
    """Counts how often it was saved, from 1."""
    name: Personal[str | None]
    text: Personal[str | None]
    """With its placeholders as they were written."""
    author: str
    """The id of who saved it."""
    anew: bool = False
    """As in SignatureSet."""


class ReplyRemoved(AggregateEvent):
    """Somebody removed a saved reply. What was written with it stays."""

    TYPE: ClassVar[str] = "saved_replies.removed"
    reply: str
    anew: bool = False
    """As in SignatureSet."""
