"""Addresses that mail of a shop is not sent to any more (stream `addresses/<person>`): each belongs
to the person whose mail bounced there, or who called it spam, and is erased with them."""

from __future__ import annotations

from typing import ClassVar

from cplus.events.base import AggregateEvent, Personal


class AddressMarked(AggregateEvent):
    """Mail to the address bounced for good, or was marked as spam: no other is sent there."""

    TYPE: ClassVar[str] = "address.marked"
    person: str
    address: Personal[str | None]
    reason: str
    """A code of `cplus/mail/failures.py`."""
    message_id: str
    """The mail that did not arrive."""


class AddressUnmarked(AggregateEvent):
    """The merchant wants mail to be sent there again."""

    TYPE: ClassVar[str] = "address.unmarked"
    person: str
    address: Personal[str | None]
