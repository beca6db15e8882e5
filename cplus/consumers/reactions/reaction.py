"""What a reaction is: an event, and what it asks for somewhere else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from cplus.clock import Clock
from cplus.consumers.scheduled.due import DueRows
from cplus.events.base import Event, Recorded
from cplus.events.catalogue import CATALOGUE
from cplus.events.catalogue.privacy import DataRequested, NoticeKind
from cplus.events.log.commit import Commit
from cplus.events.log.outcomes import Outcome
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Database

BATCH: Final = 200
"""Commits between two moves of a checkpoint."""
SECONDS: Final = 10.0
"""For one hand-out, which puts a message on a queue or writes a few documents."""


class Send(Protocol):
    """Puts a message on a queue."""

    async def __call__(
        self, queue: str, message: Mapping[str, Any], *, group: str, delay: int = 0
    ) -> None:
        """`queue` is its URL, `group` the shop; it is held back for `delay` seconds, at most
        LONGEST_DELAY. Raises whatever the queue raises."""


class Notices(Protocol):
    """Decides on mails to merchants about customers who asked for their data."""

    async def plan(self, shop: str, asked: DataRequested, /) -> None:
        """Notes when the merchant is to be reminded. Repeatable."""

    async def wish(self, shop: str, request_id: int, kind: NoticeKind, /) -> Outcome | None:
        """Records that the mail is to go, and nudges, now or before; None if it would not help any
        more."""


class Mailboxes(Protocol):
    """Decides which mail goes to the merchant's own mailboxes. Each call is repeatable."""

    async def received(self, shop: str, commit: Commit, told: Recorded, /) -> None:
        """A message came."""

    async def moved(self, shop: str, told: Recorded, /) -> None:
        """A message was moved to another conversation."""

    async def refused(self, shop: str, commit: Commit, told: Recorded, /) -> None:
        """A mail from a mailbox was not sent on."""

    async def chosen(self, shop: str, mailbox: str, /) -> None:
        """A mailbox is on, or wants to be told of something else."""

    async def failed(self, shop: str, told: Recorded, /) -> None:
        """Mail bounced, or was marked as spam."""

    async def removed(self, shop: str, mailbox: str, /) -> None:
        """A mailbox was removed."""

    async def uninstalled(self, shop: str, told: Recorded, /) -> None:
        """The app was removed."""


class Pushes(Protocol):
    """Tells browsers of the shop's staff."""

    async def received(self, shop: str, commit: Commit, told: Recorded, /) -> None:
        """A message came. Repeatable."""

    async def mentioned(self, shop: str, told: Recorded, /) -> None:
        """A note mentions members of the team. Repeatable."""


@dataclass(frozen=True, slots=True)
class Reactor:
    """What the reactions work with."""

    store: EventStore
    reader: EventReader
    database: Database
    send: Send
    setting: Callable[[str], str]
    """What the setting of this name says; raises SettingMissing if it says nothing."""
    forget_tokens: Callable[[str, datetime], Awaitable[None]]
    """Drops the access tokens that a shop has from before the moment."""
    end_sessions: Callable[[str, datetime], Awaitable[None]]
    """Ends the sessions that a shop has from before the moment."""
    forget_staff: Callable[[str, datetime], Awaitable[None]]
    """Forgets what the shop's staff had for its work before the moment: who was here, what they
    read and could undo, and the browsers in which they are told."""
    count: Callable[[Commit, Recorded], Awaitable[Outcome | None]]
    """Counts a conversation that began against what the shop's plan allows, and nudges if that
    decided something, now or before."""
    notices: Notices
    due: DueRows
    """Notes what is due at a time."""
    mailboxes: Mailboxes
    pushes: Pushes
    auto_reply: Callable[[Commit, Recorded], Awaitable[Outcome | None]]
    """Lets the shop answer a mail by itself, if it is to; and nudges, now or before."""
    clock: Clock
    batch: int = BATCH
    seconds: float = SECONDS
    """For one hand-out; one that takes longer has failed."""
    at_step: Callable[[str], None] = lambda _step: None
    """Called with the name of each step before it is taken (see `following.steps_of`), for tests
    that crash there."""


HandOut = Callable[[Commit, Recorded, Reactor], Awaitable[None]]
"""Hands out what one event asks for. May be called twice for one event and has to do no harm then;
raises whatever keeps it from handing out, and is called again later."""


@dataclass(frozen=True, slots=True)
class Reaction:
    """One subscription to every shop's log, with a checkpoint of its own in each."""

    name: str
    """Names its checkpoints, which are stored: it never changes, and holds no "/"."""
    handles: frozenset[type[Event]]
    hand_out: HandOut
    steps: tuple[str, ...]
    """What `hand_out` tells `Reactor.at_step`, in this order."""
    needs: tuple[str, ...] = ()
    """The settings that it cannot hand out without."""
    was_react: bool = False
    """It was a part of the one reactor `react`, whose checkpoint counts for it too: see
    `carrying_over`."""
    version: int = 1

    @property
    def collection(self) -> str:
        """Its checkpoints are `<name>/<shop>`; it keeps no rows."""
        return self.name

    @property
    def opens(self) -> frozenset[type[Event]]:
        """None: what is handed out names events and persons by their ids."""
        return frozenset()

    @property
    def passes(self) -> frozenset[str]:
        """Every family: it passes over every other event of the catalogue."""
        return CATALOGUE.families()

    @property
    def keys(self) -> Callable[[Recorded], Iterable[str]]:
        """No event touches a row."""
        return lambda _recorded: ()
