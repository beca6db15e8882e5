"""Takes what is due: each row is given to the handler of its kind."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

import structlog

from cplus.aws import Tenants
from cplus.clock import Clock
from cplus.consumers.scheduled.due import Due, DueRows, Row
from cplus.deadline import Deadline
from cplus.events.aggregates.sender_domain import SenderDomain
from cplus.events.catalogue.privacy import NoticeKind
from cplus.events.recording import Recorder
from cplus.loop import together

log = structlog.get_logger()

SECONDS: Final = 20.0
"""For one row; a handler that takes longer has failed."""
SIDE_BY_SIDE: Final = 4
STEPS: Final = ("handle", "end")
"""What is done with a row, in this order; tests crash in front of each."""


class Send(Protocol):
    """Puts a message on a queue."""

    async def __call__(self, queue: str, message: Mapping[str, Any], *, group: str) -> None:
        """`queue` is its URL, `group` the shop. Raises whatever the queue raises."""


class Notices(Protocol):
    """Decides on mails to merchants about customers who asked for their data."""

    async def wish(self, shop: str, request_id: int, kind: NoticeKind, /) -> object:
        """Records that the mail is to go, and nudges, now or before."""


class Mailboxes(Protocol):
    """Decides which mail goes to the merchant's own mailboxes."""

    async def unanswered(self, due: Due, /) -> datetime | None:
        """A message may have waited as long as a mailbox wants."""

    async def held(self, due: Due, /) -> datetime | None:
        """A mailbox may be told of what was too much in an hour."""

    async def digest(self, due: Due, /) -> datetime | None:
        """The hour of a digest has come; returns when the next one is due."""


class Domains(Protocol):
    """Looks after the merchants' domains."""

    async def check(self, shop: str, /) -> SenderDomain | None:
        """Looks at the shop's domain, and records what changed."""

    async def drop(self, shop: str, domain: str, /) -> None:
        """Nothing of the domain is the shop's any more."""


@dataclass(frozen=True, slots=True)
class DueWork:
    """What handlers work with."""

    recorder: Recorder
    rows: DueRows
    send: Send
    setting: Callable[[str], str]
    """What the setting of this name says; raises SettingMissing if it says nothing."""
    notices: Notices
    mailboxes: Mailboxes
    tenants: Tenants
    """The shops' tenants at SES."""
    domains: Domains
    clock: Clock
    seconds: float = SECONDS
    at_step: Callable[[str], None] = lambda _step: None
    """Called with the name of each step before it is taken (see STEPS), for tests that crash
    there."""


Handler = Callable[[Due, DueWork], Awaitable[datetime | None]]
"""Does what is due. May be called twice for one row, and has to do no harm then: it asks the log
whether there is something to do, and claims what it does. None if that was it; a time, and it is
due again then. Raises whatever keeps it from that, and is called again later."""


async def take_due(
    handlers: Mapping[str, Handler],
    use: DueWork,
    *,
    deadline: Deadline,
    side_by_side: int = SIDE_BY_SIDE,
) -> int:
    """Takes each row that is due; returns how many were handled. None is begun with after
    `deadline`, and what is being handled then is cut off and taken again in the next minute.

    A row that fails holds up no other: the others go on, and it comes after a pause. Two calls at
    once do no harm.
    """
    rows: asyncio.Queue[Row | None] = asyncio.Queue(side_by_side)
    told: Counter[str] = Counter()

    async def find() -> None:
        async for row in use.rows.take(handlers.keys(), use.clock()):
            if deadline.passed():
                told["left"] += 1
                break
            await rows.put(row)
        for _ in range(side_by_side):
            await rows.put(None)

    async def work() -> None:
        while (row := await rows.get()) is not None:
            if deadline.passed():
                told["left"] += 1
                continue
            told[await _handled(row, handlers[row.due.what], use, deadline)] += 1

    await together(find(), *(work() for _ in range(side_by_side)))
    if told:
        log.info("due_taken", **told)
    return told["done"]


async def _handled(row: Row, handler: Handler, use: DueWork, deadline: Deadline) -> str:
    seconds = min(use.seconds, deadline.remaining())
    try:
        use.at_step("handle")
        async with asyncio.timeout(seconds):
            again = await handler(row.due, use)
        use.at_step("end")
        await (use.rows.done(row) if again is None else use.rows.again(row, again))
    except Exception as error:  # noqa: BLE001  one must hold up no other
        if isinstance(error, TimeoutError) and seconds < use.seconds:
            return "left"  # our time was over, and not the handler's
        due, name = row.due, type(error).__name__
        log.warning("due_failed", shop=due.shop, what=due.what, tries=row.tries + 1, error=name)
        await use.rows.failed(row, use.clock())
        return "failed"
    return "done"
