"""Recorders that fail, for tests of imports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cplus.errors import CommitTooLarge
from cplus.events.base import NewEvent
from cplus.events.log.outcomes import Outcome
from cplus.events.recording import Recorder
from cplus.mongo import AutoReconnect


class Dying(Recorder):
    """A recorder that fails once, before or after its append of that number."""

    def __init__(self, to: Recorder, number: int, *, after: bool) -> None:
        super().__init__(to.store, to.reader, to._nudger)
        self._left = number
        self._after = after

    async def append(self, *given: Any, **more: Any) -> list[Outcome]:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise AutoReconnect("killed before")
        done = await super().append(*given, **more)
        if self._left == 0:
            raise AutoReconnect("killed after")
        return done


class Narrow(Recorder):
    """A recorder whose commits hold one object, and not that of the id `never`. `held` is the id of
    the object that an event is about."""

    def __init__(self, to: Recorder, held: Callable[[NewEvent], int | None], never: int) -> None:
        super().__init__(to.store, to.reader, to._nudger)
        self._held, self._never = held, never

    async def append(self, drafts: Any, **more: Any) -> list[Outcome]:
        [draft] = drafts
        ids = [one for new in draft.events if (one := self._held(new)) is not None]
        if len(ids) > 1 or ids == [self._never]:
            raise CommitTooLarge(claim="c", size=2, limit=1)
        return await super().append(drafts, **more)
