"""A webhook, as far as the meaning of its payload depends on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cplus.consumers.shopify_facts import facts
from cplus.events.base import Event, NewEvent


@dataclass(frozen=True, slots=True)
class Notice:
    """A webhook, as far as its meaning depends on it."""

    shop: str
    """The host that the headers name: what the body says of it may be null."""
    topic: str
    webhook_id: str
    triggered_at: datetime | None
    """When Shopify says that it happened."""
    received_at: datetime

    def when(self, updated_at: datetime | None = None) -> datetime:
        """When it happened, by the payload's own time if it has one."""
        return updated_at or self.triggered_at or self.received_at

    def facts(self, stream: str, updated_at: datetime | None, *events: Event) -> list[NewEvent]:
        """The events as what Shopify told by this webhook."""
        return facts(stream, self.when(updated_at), *events, told_at=self.triggered_at)
