"""What Shopify tells us, as facts in the log: shared by webhooks and imports."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from cplus.clock import to_milliseconds
from cplus.events.base import Event, NewEvent
from cplus.events.catalogue.customers import PersonsJoined
from cplus.privacy.identities import Resolved


class Resolve(Protocol):
    """Says who somebody is, as PersonDirectory.resolve does."""

    async def __call__(
        self,
        shop: str,
        *,
        shopify_id: int | None = None,
        address: str | None = None,
        phone: str | None = None,
        at: datetime | None = None,
        told_at: datetime | None = None,
        happened_at: datetime | None = None,
        ordered: bool = False,
    ) -> Resolved | None:
        """None where no identity is given."""


def facts(
    stream: str, when: datetime, *events: Event, told_at: datetime | None = None
) -> list[NewEvent]:
    """The events as facts from outside: with no version, since nobody decides on them.

    That persons are one belongs to the person, everything else to `stream`. `told_at` is when
    Shopify told of it: Shopify's own times of a thing are in whole seconds.
    """
    when = to_milliseconds(when)
    told_at = told_at and to_milliseconds(told_at)
    return [
        NewEvent(
            event.person if isinstance(event, PersonsJoined) else stream,
            event,
            when,
            told_at=told_at,
        )
        for event in events
    ]


async def known(
    resolve: Resolve,
    shop: str,
    shopify_id: int | None,
    address: str | None,
    at: datetime | None = None,
    told_at: datetime | None = None,
    *,
    phone: str | None = None,
    happened_at: datetime | None = None,
    ordered: bool = False,
) -> tuple[str | None, list[PersonsJoined]]:
    """The person with these identities, and what has to be recorded where they were several. With
    `at`, the customer had this address, or none, at that time, as Shopify told at `told_at`. What
    is told happened at `happened_at`; `ordered` if it is an order that was placed then."""
    address = (address or "").strip() or None
    found = await resolve(
        shop,
        shopify_id=shopify_id,
        address=address,
        phone=phone,
        at=at,
        told_at=told_at,
        happened_at=happened_at,
        ordered=ordered,
    )
    if found is None:
        return None, []
    joined = [PersonsJoined(person=found.person, absorbed=other) for other in found.absorbed]
    return found.person, joined
