"""What people ask of their data, and what is done about it: a request is a stream of its own
(`data-request/<id>`), an export stands in the person's (`person/<id>`)."""

from __future__ import annotations

from typing import ClassVar, Literal

from cplus.events.base import Event, Instant, Personal

ExportFormat = Literal["html", "json"]


class DataRequested(Event):
    """A customer asked Shopify what is kept about them (webhook `customers/data_request`)."""

    TYPE: ClassVar[str] = "privacy.data_requested"
    request_id: int
    """Shopify's number of the request."""
    person: str
    """The customer, or whoever has the address if Shopify names no customer."""
    shopify_customer_id: int | None = None
    email: Personal[str | None] = None
    phone: Personal[str | None] = None
    due_at: Instant
    """When the merchant must have answered."""


class PersonExported(Event):
    """Somebody downloaded what is kept about a person; recorded before they get any of it."""

    TYPE: ClassVar[str] = "privacy.person_exported"
    person: str
    request_id: int | None = None
    """The request that it answers, if it answers one."""
    format: ExportFormat


class PersonErased(Event):
    """The person was erased: whatever was sealed under their key before this cannot be opened any
    more, and nothing is sealed under it afterwards."""

    TYPE: ClassVar[str] = "privacy.person_erased"
    person: str
