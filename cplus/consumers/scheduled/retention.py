"""Asks that people be erased whose time is over, in shops that decided for how long they are kept.

It is about people who only wrote: who has, or had, an account or an order is a customer, and stays.
A read model proposes them, and the log alone decides: it knows what was written a moment ago.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from cplus.actors import Actor
from cplus.clock import Clock
from cplus.commands.blocking import blocked_in
from cplus.commands.erasing import Erasures, asked_to_erase, erase_person
from cplus.commands.retention import retention_of
from cplus.deadline import Deadline
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.names import is_conversation
from cplus.events.reader import in_batches
from cplus.ids import random_id

log = structlog.get_logger()

MONTH: Final = timedelta(days=31)
"""At least as long as any month: nobody is erased too early."""
HOUR: Final = 3
"""The hour of the day (UTC) in which it is done."""

ONLY_WROTE: Final = frozenset(
    {
        *("addresses", "conversations", "handling", "mail", "merges", "operators", "persons"),
        *("senders", "threads"),
    }
)
"""The families of what the log holds about somebody who only wrote, and to whom and about whom was
written."""
_BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class Retention:
    """What asking for erasures needs."""

    erasures: Erasures
    shops: Callable[[str, int], Awaitable[list[str]]]
    """The first shops that have the app behind a host, in order."""
    quiet: Callable[[str, datetime], AsyncIterator[str]]
    """The people of a shop who are no customers and of whom nothing was heard since then."""
    clock: Clock


async def erase_by_rule(use: Retention, *, deadline: Deadline) -> int:
    """Asks for the erasure of everybody whose time is over; returns of how many. Nobody is begun
    with after `deadline`: the next day goes on."""
    asked, after = 0, ""
    store, reader = use.erasures.recorder.store, use.erasures.recorder.reader
    while page := await use.shops(after, _BATCH):
        for shop in page:
            months = await retention_of(store, reader, shop)
            if months is None:
                continue
            since = use.clock() - months * MONTH
            async for person in use.quiet(shop, since):
                if deadline.passed():
                    return asked
                asked += await _erased(shop, person, since, use.erasures)
        after = page[-1]
    if asked:
        log.info("erasures_asked_by_rule", persons=asked)
    return asked


async def _erased(shop: str, person: str, since: datetime, use: Erasures) -> bool:
    """Whether the person was asked to be erased now: their time is over."""
    if not await is_over(shop, person, since, use) or await asked_to_erase(shop, person, use=use):
        return False
    actor = Actor("system", "retention")
    await erase_person(shop, person, key=random_id(), source="rule", actor=actor, use=use)
    return True


async def is_over(shop: str, person: str, since: datetime, use: Erasures) -> bool:
    """Whether, by the log, the person only wrote, and every conversation of theirs was closed
    before that moment, or is spam and older."""
    store, reader = use.recorder.store, use.recorder.reader
    talks = dict[str, None]()
    ids = await use.all_ids(shop, [person])
    for one in ids:
        async for batch in in_batches(store.iterate_ref(shop, one, batch=_BATCH), _BATCH):
            for commit in batch:
                if not reader.families_of(commit) <= ONLY_WROTE:
                    return False
                talks |= dict.fromkeys(filter(is_conversation, commit.refs))
    blocked = await blocked_in(use.recorder, shop)
    if any(one.person in {*ids} for one in blocked.blocks.values()):
        return False  # the merchant wants to know them, as long as they are blocked
    for talk in talks:
        loaded: Any = await use.recorder.load(Conversation, shop, talk)
        last = max(filter(None, (loaded.closed_at, loaded.last_message_at)), default=since)
        if (loaded.open and not loaded.spam) or last >= since:
            return False
    return bool(talks)
