"""Senders that the merchant blocked (stream `blocked/<host>`): decisions. An address belongs to the
person who wrote from it, and is erased with them; a domain is nobody's, and sealed for itself."""

from __future__ import annotations

from typing import ClassVar, Literal

from cplus.events.base import AggregateEvent, Personal


class SenderBlocked(AggregateEvent):
    """The merchant blocked a sender: their mail is held back."""

    TYPE: ClassVar[str] = "sender.blocked"
    block: str
    """Its id."""
    kind: Literal["address", "domain"]
    person: str
    """Whose address it is; for a domain, somebody made up for it."""
    sender: Personal[str]
    """The address in its normal form, or the domain (`cplus/mail/senders.py`)."""
    author: str
    """Who blocked it: the id of the user."""
    conversation_id: str | None = None
    """The conversation on whose page that was done."""


class SenderUnblocked(AggregateEvent):
    """The merchant took the block back."""

    TYPE: ClassVar[str] = "sender.unblocked"
    block: str
    kind: Literal["address", "domain"]
    person: str
    author: str
    conversation_id: str | None = None
