"""`cplus` with a log of which it never hears which shops there are."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

from cplus.cli import main
from cplus.events.log.store import EventStore

AT_WORK = "at work\n"


async def heads_in_pages(*_: Any) -> AsyncIterator[dict[str, Any]]:
    sys.stderr.write(AT_WORK)
    sys.stderr.flush()
    await asyncio.Event().wait()
    yield {}


async def head(*_: Any) -> None:
    async for _page in heads_in_pages():
        pass


if __name__ == "__main__":
    EventStore.heads_in_pages, EventStore.head = heads_in_pages, head  # type: ignore[method-assign,assignment]
    main()
