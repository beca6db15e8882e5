"""Decoding what a follower of the log handles, up to the first event that this code cannot read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Protocol

from cplus.errors import UnknownEvent
from cplus.events.base import Event, Recorded
from cplus.events.catalogue import Catalogue
from cplus.events.log.commit import Commit


class Understands(Protocol):
    """Who says of each type of event whether it means something to it: a projection, or the
    reactions."""

    @property
    def handles(self) -> frozenset[type[Event]]:
        """What it reads."""
        ...

    @property
    def ignores(self) -> frozenset[type[Event]]:
        """What it passes by."""
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


def decode(reader: Understands, commits: Sequence[Commit], catalogue: Catalogue) -> Decoded:
    """Decodes the events that the reader handles, up to the first that it does not know:
    a type that it neither handles nor ignores, or a schema version that is not in the
    catalogue. What it ignores is not even decoded."""
    handled = {event.TYPE for event in reader.handles}
    ignored = {event.TYPE for event in reader.ignores}
    decoded = Decoded()
    for commit in commits:
        events: list[Touched] = []
        for index, document in enumerate(commit.documents):
            type_ = document["type"]
            if type_ in ignored:
                continue
            if type_ not in handled:
                decoded.stop = Stop.at(commit, type_, "unknown_type")
                return decoded
            try:
                event = commit.event(index, catalogue)
            except UnknownEvent:
                decoded.stop = Stop.at(commit, type_, "unknown_schema")
                return decoded
            except Exception as error:  # noqa: BLE001  whatever it is, it stops this shop only
                decoded.stop = Stop.at(commit, type_, type(error).__name__)
                return decoded
            try:
                keys = tuple(reader.keys(event))
                if not all(type(key) is str for key in keys):
                    raise TypeError("a key is text")
                events.append((event, keys))
            except Exception as error:  # noqa: BLE001  the same
                decoded.stop = Stop.at(commit, type_, type(error).__name__, where_in(error))
                return decoded
        decoded.commits.append((commit, events))
    return decoded
