"""Texts of ours that a page shows in its reader's language. Here they are English; what they are in
other languages is known to the pages alone (cplus/web/kit/i18n.py).
"""

from __future__ import annotations

from typing import Any, Self


class Worded(str):
    """English text that still knows the message and the values it was made of, so that a page can
    say it in another language."""

    __slots__ = ("many", "message", "values")

    message: str
    many: str
    """The plural; empty for a text without a count, which else is the value `num`."""
    values: dict[str, Any]

    def __new__(cls, message: str, many: str, values: dict[str, Any]) -> Self:
        """The text. Use `worded` or `worded_of`."""
        words = many if many and values["num"] != 1 else message
        told = {name: _english(value) for name, value in values.items()}
        made = super().__new__(cls, words % told if values else words)
        made.message, made.many, made.values = message, many, values
        return made

    def __getnewargs__(self) -> tuple[str, str, dict[str, Any]]:  # type: ignore[override]
        """What it is made of again in another process."""
        return self.message, self.many, self.values


def worded(message: str, **values: Any) -> Worded:
    """A text that pages show in other languages too, with values as in `worded("up to %(most)s
    files", most=20)`. A value that is an int is a count (2,000); what is no count comes as text."""
    return Worded(message, "", values)


def worded_of(number: int, one: str, many: str, **values: Any) -> Worded:
    """The same with a count, which is the value `num`: `worded_of(2, "%(num)s file",
    "%(num)s files")`."""
    return Worded(one, many, {"num": number, **values})


def _english(value: Any) -> Any:
    return f"{value:,}" if type(value) is int else value
