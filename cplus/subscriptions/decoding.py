"""Decoding what a follower of the log handles, up to the first event that this code cannot read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Protocol

from cplus.errors import UnknownEvent
from cplus.events.base import Event, Recorded
from cplus.events.log.commit import Commit
from cplus.events.reader import EventReader


class Follower(Protocol):
    """A projection or a reaction: it says of each event whether it means something to it.

    An event that it neither handles nor passes over parks the shop.
    """

    @property
    def handles(self) -> frozenset[type[Event]]:
        """What it reads."""
        ...

    @property
    def opens(self) -> frozenset[type[Event]]:
        """Of which of them it reads personal fields."""
        ...

    @property
    def passes(self) -> frozenset[str]:
        """The families of which it passes over whatever it does not handle."""
        ...

    @property
    def keys(self) -> Callable[[Recorded], Iterable[str]]:
        """The keys of the rows that an event touches."""
        ...


@dataclass(frozen=True, slots=True)
class Stop:
    """The commit that could not be read or folded."""

    position: int
    seq: int
    """Events of the shop before that commit."""
    type: str
    """The stored type of the event at fault."""
    reason: str
    where: str = field(default="", compare=False)
    """File and line of the projection's code at which it was raised, as `orders.py:41`."""

    @classmethod
    def at(cls, commit: Commit, type_: str, reason: str, where: str = "") -> Stop:
        """In front of the commit."""
        return cls(commit.position, commit.seq, type_, reason, where)


def where_in(error: BaseException) -> str:
    """The last line of the file that was called from here on the way to where it was raised."""
    found, frame = "", error.__traceback__ and error.__traceback__.tb_next
    own = frame and frame.tb_frame.f_code.co_filename
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == own:
            found = f"{PurePath(own).name}:{frame.tb_lineno}"
        frame = frame.tb_next
    return found


_TEXT = frozenset({str})
Touched = tuple[Recorded, Sequence[str]]
"""An event and the keys of the rows that it touches."""


@dataclass(slots=True)
class Decoded:
    """The commits of a batch that this code can read, and what stopped it."""

    commits: list[tuple[Commit, list[Touched]]] = field(default_factory=list)
    stop: Stop | None = None

    def keys(self) -> set[str]:
        """The keys of all rows that the batch touches."""
        return {key for _, events in self.commits for _, keys in events for key in keys}


async def decode(reader: EventReader, follower: Follower, commits: Sequence[Commit]) -> Decoded:
    """Decodes the events that the follower handles, up to the first that it does not know: a type
    that it neither handles nor passes over, or a schema version that is not in the catalogue.
    What it passes over is not even decoded, and personal fields are opened only of what it opens.
    Raises what the reader raises of its keys."""
    handled = {event.TYPE for event in follower.handles}
    known, unknown = _known(commits, handled | reader.passed(follower.passes, follower.handles))
    opened = {event.TYPE for event in follower.opens}
    found, fault = await reader.read_on(known, handled, opened)
    decoded = Decoded()
    for commit, events in zip(known, found, strict=False):  # to the fault, where there is one
        touched: list[Touched] = []
        for event in events:
            try:
                keys = tuple(follower.keys(event))
                if not _TEXT.issuperset(map(type, keys)):
                    raise TypeError("a key is text")
                touched.append((event, keys))
            except Exception as error:  # noqa: BLE001  whatever it is, it stops this shop only
                kind = type(error).__name__
                decoded.stop = Stop.at(commit, event.event.TYPE, kind, where_in(error))
                return decoded
        decoded.commits.append((commit, touched))
    if fault is not None:
        lost = isinstance(fault.error, UnknownEvent)
        reason = "unknown_schema" if lost else type(fault.error).__name__
        decoded.stop = Stop.at(known[len(found)], fault.type, reason)
    else:
        decoded.stop = unknown
    return decoded


def _known(commits: Sequence[Commit], types: set[str]) -> tuple[Sequence[Commit], Stop | None]:
    """The commits before the first that holds an event of another type, and what is wrong there."""
    for index, commit in enumerate(commits):
        if not types.issuperset(commit.types):
            type_ = next(one for one in commit.types if one not in types)
            return commits[:index], Stop.at(commit, type_, "unknown_type")
    return commits, None
