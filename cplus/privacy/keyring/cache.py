"""A bounded memory of what was asked for last."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Name = TypeVar("Name")
Value = TypeVar("Value")


class Cache(Generic[Name, Value]):
    """Values by name. Forgets what was not asked for longest when there are more than `room`, and
    each value `seconds` after it was put in."""

    def __init__(
        self,
        room: int,
        seconds: float = float("inf"),
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._room = room
        self._seconds = seconds
        self._now = now
        self._values: OrderedDict[Name, tuple[float, Value]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, name: Name) -> Value | None:
        """The value; None if there is none."""
        found = self._values.get(name)
        if found is None:
            return None
        until, value = found
        if until < self._now():
            del self._values[name]
            return None
        self._values.move_to_end(name)
        return value

    def put(self, name: Name, value: Value) -> None:
        """Keeps a value."""
        self._values[name] = (self._now() + self._seconds, value)
        self._values.move_to_end(name)
        if len(self._values) > self._room:
            self._values.popitem(last=False)

    def clear(self) -> None:
        """Forgets all values."""
        self._values.clear()

    def drop(self, name: Name) -> None:
        """Forgets a value, if it is there."""
        self._values.pop(name, None)
