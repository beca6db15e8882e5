"""A part of a mail, and the limits on the cost of reading it."""

from __future__ import annotations

from collections.abc import Iterable
from email.message import Message
from email.policy import Policy, compat32
from typing import Any, Final

_DEPTH_LIMIT: Final = 30  # forwarded mails in forwarded mails; real ones have about six levels
_STEPS_LIMIT: Final = 5_000_000  # lines times depth: about two seconds
_PARTS_LIMIT: Final = 5_000
_HEADERS_LIMIT: Final = 1_000  # of one part
_CONTENT_HEADER: Final = 4_096  # characters of one Content-… header
_CONTENT_HEADERS: Final = 384 * 1024  # characters of all of them
_PARAMETERS: Final = 64


class TooMuchWork(Exception):
    """Reading the mail would take too long, on purpose or by accident; says why."""


class Part(Message):
    """A part that counts the cost of reading it."""

    def __init__(self, work: Work, policy: Policy[Any] = compat32) -> None:
        super().__init__(policy)
        self.work = work
        self.depth = self.headers = 0
        self.first: dict[str, Any] = {}
        """The first header of each name, in lower case: to look through all takes long."""
        self.kind = ""
        work.part()

    def get_content_type(self) -> str:
        """As of a message, worked out once: from when the parser has read its headers on."""
        if not self.kind or "content-type" not in self.first:
            self.kind = super().get_content_type()
        return self.kind

    def attach(self, payload: Any) -> None:
        """Adds a part; raises TooMuchWork if it would be nested too deeply."""
        payload.depth = self.depth + 1
        self.work.deeper(payload.depth)
        super().attach(payload)

    def set_raw(self, name: str, value: Any) -> None:
        """Adds a header, cut to a length that can be read fast; ignores headers over the limit."""
        self.set_all([(name, value)])

    def set_all(self, fields: Iterable[tuple[str, Any]]) -> None:
        """Adds headers, each as `set_raw` does."""
        add = super().set_raw
        for name, value in fields:
            self.headers += 1
            if self.headers > _HEADERS_LIMIT:
                continue
            key, field = name.lower(), (name, value)
            if key[:8] == "content-":
                field = name, _few_parameters(str(value)[:_CONTENT_HEADER])
                self.work.content_header(len(field[1]))
            if key not in self.first:
                self.first[key] = field
            add(*field)

    def get(self, name: str, failobj: Any = None) -> Any:
        """As of a message: the first header of the name. The parser adds them by `set_raw` alone,
        and nobody changes a part that was read."""
        found = self.first.get(name.lower())
        return failobj if found is None else self.policy.header_fetch_parse(*found)

    @property
    def lost_headers(self) -> bool:
        """Whether it has more headers than the limit."""
        return self.headers > _HEADERS_LIMIT


class Work:
    """The cost of reading one mail so far."""

    def __init__(self, lines: int) -> None:
        self.lines = lines
        self.parts = self.characters = 0

    def part(self) -> None:
        """Counts a part; this and the others raise TooMuchWork over their limit."""
        self.parts += 1
        if self.parts > _PARTS_LIMIT:
            raise TooMuchWork("more than 5,000 parts")

    def deeper(self, depth: int) -> None:
        """Counts a level of parts in parts."""
        if depth > _DEPTH_LIMIT or depth * self.lines > _STEPS_LIMIT:
            raise TooMuchWork("parts nested too deeply")

    def content_header(self, length: int) -> None:
        """Counts the characters of a header whose parameters are read."""
        self.characters += length
        if self.characters > _CONTENT_HEADERS:
            raise TooMuchWork("headers of parts too long")


def _few_parameters(value: str) -> str:
    if value.count(";") <= _PARAMETERS:
        return value
    return ";".join(value.split(";", _PARAMETERS + 1)[: _PARAMETERS + 1])
