"""What Shopify tells us, as facts in the log: shared by webhooks and imports."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from cplus.clock import to_milliseconds
from cplus.events.base import Event, NewEvent
from cplus.events.catalogue.customers import CustomerImported, PersonsJoined
from cplus.privacy.identities import Resolved
from cplus.shopify.queries import ImportedCustomer


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


def imported(customer: ImportedCustomer, person: str) -> CustomerImported:
    """The event that a customer of the import is."""
    spent, email, phone = customer.spent, customer.email, customer.phone
    return CustomerImported(
        shopify_customer_id=customer.id,
        person=person,
        first_name=customer.first_name,
        last_name=customer.last_name,
        email=email.address if email else None,
        phone=phone.number if phone else None,
        note=customer.note,
        locale=customer.locale,
        state=customer.state.lower() if customer.state else None,
        tags=customer.tags,
        orders=customer.number_of_orders,
        last_order=customer.last_order.id if customer.last_order else None,
        amount_spent=spent.amount if spent else "0.00",
        currency=spent.currency if spent else None,
        email_consent=email.marketing_state.lower() if email else None,
        created_at=customer.created_at,
    )
