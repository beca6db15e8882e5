"""The same done with many things at once, and taken back.

Each is the command for one of them, under a key that follows from that of the form: a form that is
sent again changes nothing anew, and what a crash left undone is done then.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cplus.actors import Actor
from cplus.errors import InvalidInput, NotFound
from cplus.events.log.commit import Commit
from cplus.events.recording import Recorder
from cplus.ids import derived
from cplus.loop import together
from cplus.workspace.undoing import Did, Undoes

_AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True)
class Done:
    """What became of it."""

    changed: int
    refused: Mapping[str, int]
    """How many could not be changed, by the code of the reason."""
    position: int | None
    """Where the last change is recorded."""


def act_key(key: str, chosen: Collection[str], name: str, said: str) -> str:
    """Under which key an act is kept, and taken back: it follows from that of the form and from all
    that the form says, so a form that is sent again with anything else is another act."""
    return derived("act", key, name, said, *sorted(set(chosen)))


def key_in(key: str, name: str) -> str:
    """The key of the command for one of those that were chosen."""
    return derived("bulk", key, name)


async def once(
    shop: str,
    key: str,
    did: Did,
    work: Callable[[Did], Awaitable[Done]],
    *,
    actor: Actor,
    undoes: Undoes,
    now: datetime,
) -> Done:
    """Does it under the key, an `act_key`, under which what became of it is kept for a day: asked
    again, that is what is answered, and nothing is done. What goes on after a crash has what was
    said first."""
    told = await undoes.begin(shop, actor.author, key, did, now)
    if told.settled:
        return Done(told.changed, told.refused, told.position)
    done = await work(told)
    await undoes.end(shop, actor.author, key, done.changed, done.refused, done.position)
    return done


async def each(names: Collection[str], change: Callable[[str], Awaitable[int | None]]) -> Done:
    """Changes each, some at a time; `change` returns the position, None if it changed nothing."""
    left = Counter[str]()
    positions = list[int]()
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(name: str) -> None:
        try:
            async with room:
                position = await change(name)
        except (InvalidInput, NotFound) as error:
            left[error.values.get("code", "gone")] += 1
            return
        if position:
            positions.append(position)

    await together(*map(one, names))
    return Done(len(positions), dict(left), max(positions, default=None))


async def versions_in(recorder: Recorder, commit: Commit, stream: str) -> set[int]:
    """The versions of the events of the stream in the commit."""
    [events] = await recorder.reader.of_stream([commit], stream)
    return {one.version for one in events if one.version is not None}
