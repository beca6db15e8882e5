"""Until the rows of read models show that somebody was erased, pages show them: waits for that."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

from cplus.deadline import Deadline
from cplus.errors import CplusError

_PAUSE: Final = 0.2


class RowsBehind(CplusError):
    """The erasure {erasure} in {shop} is not complete, since these rows do not show it yet:
    {collections}. See `cplus projections lag`; what this release does not fold, `cplus rebuild NAME
    --drop` drops. Then do the same again."""


class Behind(Protocol):
    """Knows how far the rows of read models are."""

    async def __call__(self, shop: str, position: int, /) -> Sequence[str]:
        """The names of the collections with rows of the shop that do not show the log up to that
        position."""


def patient(behind: Behind, seconds: float) -> Behind:
    """The same question, asked for so long until there are none."""

    async def ask(shop: str, position: int) -> Sequence[str]:
        until = Deadline.within(seconds)
        found = await behind(shop, position)
        while found and not until.passed():
            await asyncio.sleep(min(_PAUSE, until.remaining()))
            found = await behind(shop, position)
        return found

    return ask
