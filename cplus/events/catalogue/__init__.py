"""The catalogue: every event that this code knows, under its stored name.

Each module in this folder is a family of events, and named for it. What stands in one is in the
catalogue; import an event from its family's module. The upcasts of a family's events are in its
module's `UPCASTS`.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any, Final

from cplus.errors import EventTypeTaken, UnknownEvent
from cplus.events.base import Event
from cplus.events.catalogue.addresses import AddressMarked, AddressUnmarked
from cplus.events.catalogue.billing import CapApproached
from cplus.events.catalogue.mailboxes import (
    MailboxAdded,
    MailboxSwitchedOff,
    MailboxVerificationAsked,
)
from cplus.events.catalogue.operators import OperatorLooked
from cplus.events.catalogue.persons import PersonNoteRemoved, PersonNoteWritten
from cplus.events.catalogue.privacy import RetentionSet
from cplus.events.catalogue.saved_replies import ReplyRemoved, ReplySaved
from cplus.events.catalogue.segments import CustomersExported, SegmentRemoved, SegmentSaved
from cplus.events.catalogue.senders import SenderBlocked, SenderUnblocked
from cplus.events.catalogue.settings import (
    AutoReplySet,
    HoursSet,
    LeadDaysSet,
    SenderChosen,
    SenderDomainChecked,
    SignatureSet,
    TenantMade,
)
from cplus.events.catalogue.tags import TagChanged, TagMade, TagRemoved, ViewRemoved, ViewSaved
from cplus.events.catalogue.team import (
    AccountOwnerNamed,
    DefaultRoleSet,
    MemberRemoved,
    MemberSeen,
    RoleChanged,
)

Upcast = Callable[[dict[str, Any]], dict[str, Any]]
"""Converts the data of one schema version to the next."""

RECORDED_ONLY: Final[frozenset[type[Event]]] = frozenset(
    {
        AccountOwnerNamed,
        AddressMarked,
        AddressUnmarked,
        AutoReplySet,
        CapApproached,
        CustomersExported,
        DefaultRoleSet,
        HoursSet,
        LeadDaysSet,
        MailboxAdded,
        MailboxSwitchedOff,
        MailboxVerificationAsked,
        MemberRemoved,
        MemberSeen,
        OperatorLooked,
        PersonNoteRemoved,
        PersonNoteWritten,
        ReplyRemoved,
        ReplySaved,
        RetentionSet,
        RoleChanged,
        SegmentRemoved,
        SegmentSaved,
        SenderBlocked,
        SenderUnblocked,
        SenderChosen,
        SenderDomainChecked,
        SignatureSet,
        TagChanged,
        TagMade,
        TagRemoved,
        TenantMade,
        ViewRemoved,
        ViewSaved,
    }
)
"""Events that no fold and no reaction handles, on purpose: they are kept for whoever asks the log
itself. Of an erased shop each read model forgets everything (`projections/running/forgetting`)."""


class Catalogue:
    """Event classes by stored type, and the upcasts from old schema versions."""

    def __init__(
        self, events: Iterable[type[Event]], upcasts: Mapping[tuple[str, int], Upcast] | None = None
    ) -> None:
        """Raises EventTypeTaken if two classes have one stored type."""
        self._classes: dict[str, type[Event]] = {}
        for event in events:
            first = self._classes.setdefault(event.TYPE, event)
            if first is not event:
                names = {"first": _place(first), "second": _place(event)}
                raise EventTypeTaken(type=event.TYPE, **names)
        self._upcasts = dict(upcasts or {})
        self._found: dict[tuple[str, int], type[Event]] = {}
        self._passed: dict[tuple[frozenset[str], frozenset[type[Event]]], frozenset[str]] = {}

    def all_events(self) -> list[type[Event]]:
        """Every event class, ordered by its stored type."""
        return [self._classes[name] for name in sorted(self._classes)]

    def families(self) -> frozenset[str]:
        """The names of all families."""
        return frozenset(event.FAMILY for event in self._classes.values())

    def families_of(self, types: Iterable[str]) -> frozenset[str]:
        """The families of stored types; all of them if one is a type that this code does not know,
        since it may be of any."""
        found = [self._classes.get(type_) for type_ in types]
        if None in found:
            return self.families()
        return frozenset(event.FAMILY for event in found if event is not None)

    def passed(self, passes: Collection[str], handles: Iterable[type[Event]]) -> frozenset[str]:
        """The stored types of these families but for those of the events that are handled."""
        asked = frozenset(passes), frozenset(handles)
        if asked not in self._passed:  # each projection asks whenever it folds
            types = {name for name, event in self._classes.items() if event.FAMILY in asked[0]}
            self._passed[asked] = frozenset(types - {event.TYPE for event in asked[1]})
        return self._passed[asked]

    def find(self, type_: str, schema: int) -> type[Event]:
        """The class of a stored type; raises UnknownEvent if this code cannot read it."""
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


def _place(event: type[Event]) -> str:
    return f"{event.__module__}.{event.__qualname__}"


def _families() -> Iterator[ModuleType]:
    """The modules of this folder."""
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        yield import_module(module.name)


def _collected() -> Iterator[type[Event]]:
    """The event classes that stand in the modules of this folder."""
    for module in _families():
        for made in vars(module).values():
            is_event = isinstance(made, type) and issubclass(made, Event)
            if is_event and made.__module__ == module.__name__:
                yield made


def _upcasts() -> dict[tuple[str, int], Upcast]:
    """The `UPCASTS` of every module that has some."""
    found: dict[tuple[str, int], Upcast] = {}
    for module in _families():
        found |= getattr(module, "UPCASTS", {})
    return found


CATALOGUE: Final = Catalogue(_collected(), _upcasts())


def all_events() -> list[type[Event]]:
    """Every event class of the catalogue, ordered by its stored type."""
    return CATALOGUE.all_events()


__all__ = ["CATALOGUE", "RECORDED_ONLY", "Catalogue", "Upcast", "all_events"]
