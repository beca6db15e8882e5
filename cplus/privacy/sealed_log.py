"""The log as a process reads and writes it: sealed, with the keys of one deployment."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from cplus.clock import Clock, utc_now
from cplus.events.log.memory import MemoryCommits
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Mongo
from cplus.privacy.keyring import Keyring, masters_of
from cplus.settings import Settings

if TYPE_CHECKING:
    from cplus.aws import Aws


class SealedLog(NamedTuple):
    """The log, and what opens it."""

    keyring: Keyring
    store: EventStore
    reader: EventReader


def sealed_log(
    settings: Settings, mongo: Mongo, aws: Callable[[], Aws], clock: Clock = utc_now
) -> SealedLog:
    """The log of a database, under the keys that the settings name. Nothing is asked before the
    first key is needed; `aws` is called if a key of KMS is named."""
    keyring = Keyring(mongo.keyring, masters_of(settings, aws), clock)
    return SealedLog(keyring, EventStore(mongo, clock, keys=keyring), EventReader(keys=keyring))


def log_in_memory(clock: Clock) -> tuple[EventStore, EventReader]:
    """An empty log and what reads it, which last as long as the process and seal nothing: for
    invented people alone."""
    return EventStore(MemoryCommits(), clock), EventReader()


def aws_of_environment() -> Aws:
    """AWS by the environment's own variables."""
    from cplus.aws import Aws  # which takes a while to import

    return Aws()
