"""What queries answer about requests for data and about erasures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

DataRequestState = Literal["open", "exported", "all"]


@dataclass(frozen=True, slots=True)
class Notice:
    """A mail to the merchant about a request."""

    kind: str
    """`first`, `reminder` or `last`."""
    status: str
    """As that of a reply: `written`, `sent`, `delivered`, `bounced`, `complained`, `rejected`."""
    at: datetime
    """Since when."""
    reason: str | None
    """Why it did not arrive, in SES's words or a sentence."""


@dataclass(frozen=True, slots=True)
class DataRequest:
    """A customer's request for what is kept about them."""

    id: int
    """Shopify's number of it."""
    person: str
    """`person/…`, as they were named when it came."""
    shopify_customer_id: int | None
    email: str | None
    phone: str | None
    at: datetime
    """When it was told."""
    due_at: datetime
    """When the merchant must have answered."""
    exported_at: datetime | None
    """When somebody first downloaded the answer; None as long as it is open."""
    exported_by: str | None
    """Who did, as a commit keeps it."""
    erased: bool
    """Whether the customer was erased since: it can be answered no more, and is not open."""
    notice: Notice | None = None
    """The last mail to the merchant about it; None if there was none yet."""

    @property
    def failed(self) -> Notice | None:
        """That mail if it did not arrive, as long as the request is open."""
        told, answered = self.notice, self.exported_at is not None or self.erased
        return told if told and told.status in ("bounced", "rejected") and not answered else None


@dataclass(frozen=True, slots=True)
class DataRequestCounts:
    """How many requests for data there are."""

    requests: int
    open: int
    exported: int


@dataclass(frozen=True, slots=True)
class Erasure:
    """The erasure of a person."""

    id: str
    person: str
    """`person/…`, as they were named when it was asked for."""
    shopify_customer_id: int | None
    at: datetime
    """When it was asked for."""
    asked_by: str
    """Who did, as a commit keeps it."""
    due_at: datetime
    """When it must be done."""
    erased_at: datetime | None
    """When the log said so first; None until then."""
    position: int | None
    """Where the log said so last."""
    completed_at: datetime | None
    """When nothing was left; None until then."""
    keys: int
    """Keys that were destroyed."""
    objects: int
    """Objects that were deleted."""
