"""Events: their classes, and how they look once recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import NoneType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Final,
    NamedTuple,
    Self,
    TypeVar,
    get_args,
)

from bson import tz_util
from eventsourcing.domain import CanMutateAggregate
from pydantic import AfterValidator, BaseModel, ConfigDict

from cplus.clock import to_milliseconds
from cplus.envelopes import Stored
from cplus.errors import FieldNotOpened

T = TypeVar("T")


class _PersonalMark:
    """Marks a field that is about a person."""


PERSONAL = _PersonalMark()
Personal = Annotated[T, PERSONAL]
"""A field about the person in the event's field `person`; it is stored in the sealed slot. A text,
or anything that may be None: see ERASED."""

_PERSONS: Final = ("person", "absorbed")

ERASED: Final = "[erased]"
"""What a personal text reads as once the person was erased; a field that may be None reads as None.
No address, and nothing that anybody writes by chance."""


def kept(text: str) -> str | None:
    """A personal text as it was read, or None if it was erased."""
    return None if text == ERASED else text


def _instant(moment: datetime) -> datetime:
    # BSON times are in UTC and in whole milliseconds.
    return moment if moment.tzinfo is tz_util.utc else to_milliseconds(moment)


Instant = Annotated[datetime, AfterValidator(_instant)]
"""A moment in UTC, in whole milliseconds."""


class Event(BaseModel):
    """Something that happened. This is the stored format: change it only with a new `VERSION`.

    `TYPE` is stored for ever and is never a Python path. An event with a `Personal` field also has
    a field `person` that says whose data it is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    TYPE: ClassVar[str]
    FAMILY: ClassVar[str] = ""
    """What it belongs to: the name of the module that it stands in. Never stored."""
    VERSION: ClassVar[int] = 1
    PERSONAL_FIELDS: ClassVar[frozenset[str]] = frozenset()
    ENVELOPE_FIELDS: ClassVar[frozenset[str]] = frozenset()
    """Fields that are stored in the envelope and not in the data."""
    ERASED_FIELDS: ClassVar[Mapping[str, str | None]] = {}
    """What the personal fields read as once the person was erased."""
    NAMES_PERSONS: ClassVar[tuple[str, ...]] = ()
    """The fields that name a person by their id."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "TYPE" in vars(cls) and not cls.FAMILY:
            cls.FAMILY = cls.__module__.rpartition(".")[2]
        cls.PERSONAL_FIELDS = frozenset(
            name for name, field in cls.model_fields.items() if PERSONAL in field.metadata
        )
        if cls.PERSONAL_FIELDS and "person" not in cls.model_fields:
            raise TypeError(f"{cls.__name__} has personal fields and no field `person`")
        cls.NAMES_PERSONS = tuple(name for name in _PERSONS if name in cls.model_fields)
        cls.ERASED_FIELDS = {name: cls._erased(name) for name in sorted(cls.PERSONAL_FIELDS)}

    @classmethod
    def _erased(cls, name: str) -> str | None:
        annotation = cls.model_fields[name].annotation
        if annotation is str:
            return ERASED
        if NoneType in get_args(annotation):
            return None
        raise TypeError(f"{cls.__name__}.{name} is personal, and neither text nor None if erased")

    def persons(self) -> list[str]:
        """Whom it names."""
        named = [getattr(self, name) for name in self.NAMES_PERSONS]
        return [person for person in named if person is not None]

    def closed(self) -> Self:
        """This event, changed: its personal fields raise FieldNotOpened when they are read."""
        for name in self.PERSONAL_FIELDS:
            self.__dict__.pop(name, None)
        return self

    if not TYPE_CHECKING:  # or every misspelt field would be taken for one that is there

        def __getattr__(self, name: str) -> Any:
            """Called for what is not there."""
            if name in type(self).PERSONAL_FIELDS:
                raise FieldNotOpened(field=name, type=self.TYPE)
            return super().__getattr__(name)


class AggregateEvent(Event, CanMutateAggregate[str]):
    """An event that an aggregate decided: it has a version in its stream.

    The three fields are required by the `eventsourcing` library; in the log they are in the
    envelope, as `stream`, `version` and `occurred_at`.
    """

    originator_id: str
    originator_version: int
    timestamp: Instant

    ENVELOPE_FIELDS = frozenset({"originator_id", "originator_version", "timestamp"})

    def apply(self, aggregate: Any) -> None:
        """Changes the aggregate's state, by the aggregate's own `evolve`."""
        aggregate.evolve(self)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to be recorded, with its stream and version."""

    stream: str
    """The thing that it happened to, for example `conversation/7d2k`."""
    event: Event
    occurred_at: datetime
    """When it happened, by the clock of the source; UTC."""
    version: int | None = None
    """Its version in the stream, from 1; None for facts from outside, which nobody decides."""
    told_at: datetime | None = None
    """When the source told of it, if it says: the order of facts with the same `occurred_at`."""

    @classmethod
    def decided(cls, event: AggregateEvent) -> NewEvent:
        """An aggregate's decision, with the version that the aggregate gave it."""
        return cls(event.originator_id, event, event.timestamp, event.originator_version)


class Recorded(NamedTuple):
    """An event of the log, as folds get it. A tuple, because reading the log creates one per event
    and a tuple takes half the time."""

    shop: str
    """The host of the shop: the partition."""
    position: int
    """The position of its commit: 1, 2, 3 … per shop."""
    number: int
    """Its number among all events of the shop, from 1, without gaps."""
    id: str
    """Unique for ever: the commit's id and the event's index in it."""
    stream: str
    version: int | None
    occurred_at: datetime
    recorded_at: datetime
    """When the commit was written; never runs backwards within a shop."""
    source: str
    """The kind of cause, for example `webhook` or `dashboard`."""
    actor: str
    """Who caused it: `merchant/<user>`, `operator/<name>`, `system/<function>`, `shopify`,
    `shopper` or `ses`; older commits have `merchant` or `system` alone."""
    event: Event
    told_at: datetime | None = None
    """When the source told of it; None if it does not say, and for events of before."""


@dataclass(frozen=True, slots=True)
class Cause:
    """The cause of a commit, as it was received."""

    kind: str
    """`webhook`, `mail`, `install`, `import`, `command`, `mail-event`."""
    body: bytes | None = None
    """The received bytes, if they are small enough for a commit."""
    ref: Mapping[str, str] | None = None
    """Where the bytes are otherwise stored: {"bucket", "key"}."""
    headers: Mapping[str, str] | None = None
    """Received along with the bytes, for example the `x-shopify-…` headers. Never sealed: how it
    came, and nothing about a person."""
    erased: bool = False
    """Whether there was a body that nobody can open any more."""
    opens: bytes | None = field(default=None, repr=False)
    """The key of the object at `ref`; None if that is in clear."""

    @property
    def is_sealed(self) -> bool:
        """Whether it holds what a commit seals."""
        return self.body is not None or self.opens is not None

    @property
    def stored(self) -> Stored | None:
        """The object at `ref`, if there is one and it can be opened."""
        return None if self.ref is None or self.erased else Stored(self.ref, self.opens)
