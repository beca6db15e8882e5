"""The catalogue: every event that this code knows, under its stored name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cplus.errors import UnknownEvent
from cplus.events.base import Event
from cplus.events.catalogue.conversations import (
    ConversationClosed,
    ConversationReopened,
    ConversationStarted,
    MailBounced,
    MailComplained,
    MailDelivered,
    MailRejected,
    MailSent,
    MessageReceived,
    ReplyWritten,
)
from cplus.events.catalogue.customers import (
    CustomerChanged,
    CustomerConsentChanged,
    CustomerDeleted,
    CustomerImported,
    ImportEnded,
    ImportPageLoaded,
    ImportStarted,
    OrderChanged,
    OrderDeleted,
    PersonsJoined,
)
from cplus.events.catalogue.shops import (
    AccountOpened,
    AllowanceReached,
    AppInstalled,
    AppUninstalled,
    ShopChanged,
    SubscriptionChanged,
)

Upcast = Callable[[dict[str, Any]], dict[str, Any]]
"""Makes of the data of one schema version the data of the next."""


class Catalogue:
    """Event classes by stored type, and the way from each old schema version to the newest."""

    def __init__(
        self, events: Iterable[type[Event]], upcasts: Mapping[tuple[str, int], Upcast] | None = None
    ) -> None:
        self._classes = {event.TYPE: event for event in events}
        self._upcasts = dict(upcasts or {})
        self._found: dict[tuple[str, int], type[Event]] = {}

    def all_events(self) -> list[type[Event]]:
        """Every event class, ordered by its stored type."""
        return [self._classes[name] for name in sorted(self._classes)]

    def find(self, type_: str, schema: int) -> type[Event]:
        """The class of a stored type; raises UnknownEvent for what this code cannot read."""
        known = self._found.get((type_, schema))
        if known is not None:
            return known
        event = self._classes.get(type_)
        if event is None or schema > event.VERSION:
            raise UnknownEvent(type=type_, schema=schema)
        if any((type_, version) not in self._upcasts for version in range(schema, event.VERSION)):
            raise UnknownEvent(type=type_, schema=schema)
        self._found[type_, schema] = event
        return event

    def upcast(self, type_: str, schema: int, data: dict[str, Any]) -> dict[str, Any]:
        """The data in the shape of the newest schema version."""
        for version in range(schema, self._classes[type_].VERSION):
            data = self._upcasts[type_, version](data)
        return data


CATALOGUE = Catalogue(
    [
        AccountOpened,
        AllowanceReached,
        AppInstalled,
        AppUninstalled,
        ConversationClosed,
        ConversationReopened,
        ConversationStarted,
        CustomerChanged,
        CustomerConsentChanged,
        CustomerDeleted,
        CustomerImported,
        ImportEnded,
        ImportPageLoaded,
        ImportStarted,
        MailBounced,
        MailComplained,
        MailDelivered,
        MailRejected,
        MailSent,
        MessageReceived,
        OrderChanged,
        OrderDeleted,
        PersonsJoined,
        ReplyWritten,
        ShopChanged,
        SubscriptionChanged,
    ]
)


def all_events() -> list[type[Event]]:
    """Every event class of the catalogue, ordered by its stored type."""
    return CATALOGUE.all_events()


__all__ = [
    "CATALOGUE",
    "AccountOpened",
    "AllowanceReached",
    "AppInstalled",
    "AppUninstalled",
    "Catalogue",
    "ConversationClosed",
    "ConversationReopened",
    "ConversationStarted",
    "CustomerChanged",
    "CustomerConsentChanged",
    "CustomerDeleted",
    "CustomerImported",
    "ImportEnded",
    "ImportPageLoaded",
    "ImportStarted",
    "MailBounced",
    "MailComplained",
    "MailDelivered",
    "MailRejected",
    "MailSent",
    "MessageReceived",
    "OrderChanged",
    "OrderDeleted",
    "PersonsJoined",
    "ReplyWritten",
    "ShopChanged",
    "SubscriptionChanged",
    "Upcast",
    "all_events",
]
