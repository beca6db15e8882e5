"""Placeholders in texts that are written once and sent to many: `Hi {{customer.first_name|there}}`.

A placeholder is replaced by a value, and nothing more: what a value says is never read again, so
that the words of a customer stay words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from cplus.errors import InvalidInput
from cplus.wording import worded

KNOWN: Final = (
    "customer.first_name",
    "customer.name",
    "order.name",
    "order.status",
    "order.tracking_url",
    "shop.name",
    "agent.name",
)
"""What a text can name."""

_BRACES: Final = re.compile(r"\{\{([^{}\n]*)\}\}")


class Placeholder(NamedTuple):
    """One of a text."""

    written: str
    """As it stands there, with its braces."""
    name: str
    fallback: str | None
    """What stands there instead if the value is not known: it may be empty. None if the text says
    nothing."""


class Filled(NamedTuple):
    """A text with values in place of placeholders."""

    text: str
    missing: tuple[str, ...]
    """Placeholders that stay in it as they were written, each once: their value is not known, and
    they have no fallback."""


def parse(text: str) -> tuple[str | Placeholder, ...]:
    """The text in its parts, none of them empty. Raises InvalidInput for braces that are no
    placeholder, and for a placeholder that is not known."""
    parts: list[str | Placeholder] = []
    end = 0
    for found in _BRACES.finditer(text):
        parts.append(_plain(text[end : found.start()]))
        parts.append(_placeholder(found))
        end = found.end()
    parts.append(_plain(text[end:]))
    return tuple(part for part in parts if part)


def fill(text: str, values: Mapping[str, str]) -> Filled:
    """The text with these values, by the names of the placeholders; one that is empty is not known.
    Raises InvalidInput as `parse` does."""
    told: list[str] = []
    missing: dict[str, None] = {}
    for part in parse(text):
        if isinstance(part, str):
            told.append(part)
            continue
        # A value stands within a line.
        value = " ".join(values.get(part.name, "").split()) or part.fallback
        if value is None:
            missing[part.written] = None
        told.append(part.written if value is None else value)
    return Filled("".join(told), tuple(missing))


def unfilled(text: str) -> tuple[str, ...]:
    """Placeholders of ours that still stand in a text, each once. Other braces are nobody's
    business."""
    found = (one for one in _BRACES.finditer(text) if _named(one)[0] in KNOWN)
    return tuple(dict.fromkeys(one[0] for one in found))


def _plain(text: str) -> str:
    if "{{" in text or "}}" in text:
        reason = worded(
            "braces that are opened must be closed, in one line, as in %(example)s",
            example="{{customer.first_name|there}}",
        )
        raise InvalidInput(reason=reason)
    return text


def _placeholder(found: re.Match[str]) -> Placeholder:
    name, fallback = _named(found)
    if name not in KNOWN:
        reason = worded(
            "there is no placeholder %(written)s; these are known: %(known)s",
            written=found[0][:60],
            known=", ".join(_spelled(KNOWN)),
        )
        raise InvalidInput(reason=reason)
    return Placeholder(found[0], name, fallback)


def _named(found: re.Match[str]) -> tuple[str, str | None]:
    name, bar, fallback = found[1].partition("|")
    return name.strip(), fallback.strip() if bar else None


def _spelled(names: tuple[str, ...]) -> Iterator[str]:
    return (f"{{{{{name}}}}}" for name in names)
