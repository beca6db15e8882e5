"""Why a reply that did not arrive was not sent again, as a page says it that the form leads to."""

from __future__ import annotations

from typing import Final

from cplus.errors import InvalidInput
from cplus.wording import worded

_PROBLEMS: Final[dict[str, str]] = {
    "address": worded("That isn’t an email address."),
    "stopped": worded(
        "Email to this address is stopped, because earlier email didn’t arrive there."
    ),
    "spam": worded("The recipient marked your email as spam, so it can’t be sent there again."),
    "settled": worded("This reply was already sent again, or dismissed."),
    "other": worded("This reply can’t be sent again."),
}
"""By what each is called in an address."""


def problem_of(error: InvalidInput) -> str:
    """What the reason is called in an address: the code that the command gives it."""
    code = error.values.get("code")
    return code if code in _PROBLEMS else "other"


def problem_words(name: str) -> str:
    """The words for it; empty for what is none."""
    return _PROBLEMS.get(name, "")
