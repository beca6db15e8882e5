"""The addresses of one person that mail of this shop is not sent to: state and decisions."""

from __future__ import annotations

from datetime import datetime
from functools import singledispatchmethod

from cplus.events.aggregates.base import Aggregate
from cplus.events.base import AggregateEvent
from cplus.events.catalogue.addresses import AddressMarked, AddressUnmarked


class Addresses(Aggregate):
    """Stream `addresses/<id of the person>`. Of somebody who was erased it says nothing."""

    def __init__(self) -> None:
        self.marked: dict[str, str] = {}
        """Why each is marked: a code of `cplus/mail/failures.py`, by the address in small
        letters."""
        self.allowed: set[str] = set()
        """Those to which mail goes again since, in small letters."""

    def reason(self, address: str) -> str | None:
        """Why no mail goes there; None if it does."""
        return self.marked.get(address.lower())

    def is_allowed(self, address: str) -> bool:
        """Whether the merchant wants mail to go there again."""
        return address.lower() in self.allowed

    def mark(
        self, *, person: str, address: str, reason: str, message_id: str, now: datetime
    ) -> None:
        """Mail does not arrive there; marking it again changes nothing."""
        if address.lower() not in self.marked:
            self.trigger_event(
                AddressMarked,
                person=person,
                address=address.lower(),
                reason=reason,
                message_id=message_id,
                timestamp=now,
            )

    def unmark(self, *, person: str, address: str, now: datetime) -> None:
        """Mail goes there again; nothing changes if it did."""
        if address.lower() in self.marked:
            self.trigger_event(
                AddressUnmarked, person=person, address=address.lower(), timestamp=now
            )

    @singledispatchmethod
    def evolve(self, event: AggregateEvent) -> None:
        """Changes the state by one event; events it has no case for change nothing."""

    @evolve.register
    def _(self, event: AddressMarked) -> None:
        if event.address is not None:
            self.marked[event.address] = event.reason
            self.allowed.discard(event.address)

    @evolve.register
    def _(self, event: AddressUnmarked) -> None:
        if event.address is not None:
            self.marked.pop(event.address, None)
            self.allowed.add(event.address)
