"""Why a reply that did not arrive was not sent again, as a page says it that the form leads to."""

from __future__ import annotations

from typing import Final

_PROBLEMS: Final[dict[str, tuple[str, str]]] = {
    "address": ("that is not", "That isn’t an email address."),
    "stopped": (
        "email to this address is stopped",
        "Email to this address is stopped, because earlier email didn’t arrive there.",
    ),
    "spam": (
        "email to this address was marked",
        "The recipient marked your email as spam, so it can’t be sent there again.",
    ),
    "settled": ("this reply was already", "This reply was already sent again, or dismissed."),
    "other": ("", "This reply can’t be sent again."),
}
"""By what each is called in an address: how the reason of the command begins, and the words."""


def problem_of(reason: str) -> str:
    """What a reason is called in an address."""
    return next(name for name, (begin, _) in _PROBLEMS.items() if reason.startswith(begin))


def problem_words(name: str) -> str:
    """The words for it; empty for what is none."""
    return _PROBLEMS[name][1] if name in _PROBLEMS else ""
