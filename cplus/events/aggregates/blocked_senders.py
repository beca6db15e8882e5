"""The senders that a shop's merchant blocked."""

from __future__ import annotations

from datetime import datetime
from functools import singledispatchmethod
from typing import Final, Literal, NamedTuple

from cplus.errors import InvalidInput, NotFound
from cplus.events.aggregates.base import Aggregate
from cplus.events.base import AggregateEvent, kept
from cplus.events.catalogue.senders import SenderBlocked, SenderUnblocked
from cplus.wording import worded

Kind = Literal["address", "domain"]
MOST: Final = 1_000
"""Senders that a shop can block: all of them are read once one was added (`block_lookup.py`)."""


class Block(NamedTuple):
    """A sender that is blocked."""

    id: str
    kind: Kind
    person: str
    sender: str | None
    """None if the person was erased since: then nobody is blocked by it any more."""
    author: str
    at: datetime
    conversation_id: str | None
    version: int
    """That of the stream, when it was decided."""

    @classmethod
    def of(cls, event: SenderBlocked) -> Block:
        """The block that was decided."""
        return cls(
            event.block,
            event.kind,
            event.person,
            kept(event.sender),
            event.author,
            event.timestamp,
            event.conversation_id,
            event.originator_version,
        )


class BlockedSenders(Aggregate):
    """Stream `blocked/<host>`. Starts with nobody."""

    def __init__(self) -> None:
        self.blocks: dict[str, Block] = {}
        """By their ids, in the order in which they were blocked."""

    def is_blocked(self, kind: Kind, sender: str) -> bool:
        """Whether this one is, in the form in which senders are blocked."""
        return any(one.kind == kind and one.sender == sender for one in self.blocks.values())

    def block(
        self,
        *,
        block: str,
        kind: Kind,
        sender: str,
        person: str,
        author: str,
        conversation_id: str | None,
        now: datetime,
    ) -> None:
        """The merchant blocks a sender; blocked already, nothing changes. Raises InvalidInput if
        too many are blocked."""
        if self.is_blocked(kind, sender):
            return
        if len(self.blocks) >= MOST:
            raise InvalidInput(reason=worded("a shop can block up to %(most)s senders", most=MOST))
        self.trigger_event(
            SenderBlocked,
            block=block,
            kind=kind,
            person=person,
            sender=sender,
            author=author,
            conversation_id=conversation_id,
            timestamp=now,
        )

    def unblock(self, *, block: str, author: str, now: datetime) -> None:
        """The merchant takes a block back. Raises NotFound if there is none."""
        found = self.blocks.get(block)
        if found is None:
            raise NotFound(what="blocked sender")
        self.trigger_event(
            SenderUnblocked,
            block=block,
            kind=found.kind,
            person=found.person,
            author=author,
            conversation_id=found.conversation_id,
            timestamp=now,
        )

    @singledispatchmethod
    def evolve(self, event: AggregateEvent) -> None:
        """Changes the state by one event; events it has no case for change nothing."""

    @evolve.register
    def _(self, event: SenderBlocked) -> None:
        self.blocks[event.block] = Block.of(event)

    @evolve.register
    def _(self, event: SenderUnblocked) -> None:
        self.blocks.pop(event.block, None)
