"""Why something is not done with a conversation: a code, which addresses and rows keep, and words,
which pages show in their reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cplus.errors import InvalidInput
from cplus.wording import worded

MAX_TAGS: Final = 20
"""Tags of one conversation."""
MOST_AT_ONCE: Final = 100
"""Conversations that are changed at once."""

REFUSALS: Final[Mapping[str, str]] = {
    "none": worded("choose some conversations first"),
    "many": worded("up to %(most)s conversations can be changed at once", most=MOST_AT_ONCE),
    "act": worded("choose what to do"),
    "over": worded("that can’t be undone any more"),
    "staff": worded("choose somebody of your staff"),
    "spam": worded("a conversation that is marked as spam can’t be snoozed"),
    "closed": worded("a conversation that is closed can’t be snoozed"),
    "until": worded("choose until when"),
    "moment": worded("choose a date and a time"),
    "past": worded("choose a time that is still to come"),
    "far": worded("a conversation can be snoozed for up to a year"),
    "tags": worded("a conversation can have up to %(most)s tags", most=MAX_TAGS),
    "tag": worded("there is no such tag any more"),
    "priority": worded("choose a priority"),
    "erased": worded("the person of this conversation was erased"),
    "merged": worded("this conversation was merged into another: work on that one instead"),
    "merged-reply": worded(
        "this conversation was merged into another: reply there, or undo that first"
    ),
    "gone": worded("this conversation isn’t there any more"),
}
"""The words, by the code."""


def refused(code: str) -> InvalidInput:
    """The error to raise."""
    return InvalidInput(reason=REFUSALS[code], code=code)
