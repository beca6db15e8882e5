"""What a merchant does with a reply that waits to be sent: takes it back (Undo).

Sending it and taking it back exclude each other. Both hold the lease of sending. The sender notes
in it that it tries, and nobody takes back what was tried; whoever takes a mail back notes that, and
nobody sends it from then on. The note decides, so a process may end between it and the event:
whoever holds the lease next, this command or the sender, records the withdrawal.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from cplus.actors import Actor, Source
from cplus.clock import Clock
from cplus.commands.conversations.moving import place_of
from cplus.errors import NotFound
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.mail_fates import is_settled
from cplus.events.names import conversation_stream, message_ref, withdrawn_claim
from cplus.events.recording import Recorder
from cplus.leases import Lease, Leases, of_sending

_HELD: Final = 30.0  # seconds that the lease is held at most
_TRIES: Final = 15
_PAUSE: Final = 0.1  # seconds between two tries: the sender looks at a mail for some milliseconds
_NOTE: Final = "withdrawn_by"


@dataclass(frozen=True, slots=True)
class Withdrawals:
    """What taking replies back needs."""

    recorder: Recorder
    leases: Leases
    clock: Clock


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """It is not sent, now or later."""

    position: int


@dataclass(frozen=True, slots=True)
class TooLate:
    """It was sent, or is being sent: nothing was changed."""


async def withdraw(
    shop: str,
    conversation_id: str,
    *,
    message_id: str,
    actor: Actor,
    source: Source,
    use: Withdrawals,
) -> Withdrawn | TooLate:
    """Takes the reply back, unless sending it was tried. Asked again, it answers the same.

    Raises NotFound, InvalidInput for a reply that did not wait, and as `Recorder.decide` does: then
    it may be asked again.
    """
    stream = conversation_stream(conversation_id)
    found: Conversation = await use.recorder.load(Conversation, shop, stream)
    if message_id not in found.written:
        raise NotFound(what="message")
    found.withdraw(message_id=message_id, now=use.clock())  # raises what the log would refuse
    lease = await _taken(shop, message_id, use.leases)
    if lease is None:
        return TooLate()
    try:
        if withdrawn_by(lease) is None:
            if lease.notes.get("tried_at") is not None or await is_settled(
                use.recorder.store, shop, message_id
            ):
                return await _before(shop, message_id, use) or TooLate()
            if not await use.leases.note(lease, **{_NOTE: str(actor), "withdrawn_from": source}):
                return TooLate()
        # The note decides: what it says is recorded, whoever comes first.
        return await _recorded(shop, stream, message_id, str(actor), source, use)
    finally:
        await use.leases.release(lease)


def withdrawn_by(lease: Lease) -> str | None:
    """Who decided that the mail of this lease is not sent; None if nobody did."""
    by: str | None = lease.notes.get(_NOTE)
    return by


async def complete(shop: str, reply: ReplyWritten, lease: Lease, use: Withdrawals) -> None:
    """Records what the lease says: that the reply was taken back, by a process that ended then."""
    by = str(withdrawn_by(lease))
    source: Any = lease.notes.get("withdrawn_from", "dashboard")
    await _recorded(shop, reply.originator_id, reply.message_id, by, source, use)


async def _recorded(
    shop: str, stream: str, message_id: str, actor: str, source: Source, use: Withdrawals
) -> Withdrawn:
    written: Conversation = await use.recorder.load(Conversation, shop, stream)
    stream = (await place_of(use.recorder, shop, written, message_id)).id
    decision = partial(_withdraw, message_id=message_id, now=use.clock())
    outcome = await use.recorder.decide(
        Conversation,
        shop,
        stream,
        decision,
        claim=withdrawn_claim(message_id),
        source=source,
        actor=actor,
        refs=[message_ref(message_id)],
    )
    if outcome is None:
        return await _before(shop, message_id, use) or Withdrawn(0)
    return Withdrawn(outcome.position)


def _withdraw(conversation: Conversation, message_id: str, now: datetime) -> None:
    conversation.withdraw(message_id=message_id, now=now)


async def _taken(shop: str, message_id: str, leases: Leases) -> Lease | None:
    for _ in range(_TRIES):
        lease = await leases.take(of_sending(shop, message_id), _HELD)
        if lease is not None:
            return lease
        await asyncio.sleep(_PAUSE)
    return None


async def _before(shop: str, message_id: str, use: Withdrawals) -> Withdrawn | None:
    commit = await use.recorder.store.by_claim(shop, withdrawn_claim(message_id))
    return None if commit is None else Withdrawn(commit.position)
