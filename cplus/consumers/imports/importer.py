"""What an import works with, what it follows from and where it stands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from cplus.clock import Clock
from cplus.consumers.batches.hand_on import Send
from cplus.consumers.webhooks.drafting import Bodies, Persons
from cplus.events.causes import INLINE
from cplus.events.log.store import EventStore
from cplus.events.recording import Recorder
from cplus.leases import Leases
from cplus.privacy.listed import ListedCustomers
from cplus.projections.base import Row
from cplus.shopify.credentials import Credentials

GO_ON: Final = "go_on"
"""The field of a message that goes on with an import which ended as `closed`."""
BULK_OVER: Final = 50_000
BULK_ORDERS_OVER: Final = 1_000


class KnownRows(Protocol):
    """Says what the read models hold."""

    async def known_people(self, shop: str, persons: Sequence[str]) -> Mapping[str, Row | None]:
        """All that is known of each person; None of one who was erased."""

    async def known_orders(self, shop: str, shopify_ids: Sequence[int]) -> Mapping[str, Row]:
        """The rows of orders, by their ids as texts."""


@dataclass(frozen=True, slots=True)
class Importer:
    """What an import works with."""

    store: EventStore
    persons: Persons
    listed: ListedCustomers
    bodies: Bodies
    credentials: Credentials
    leases: Leases
    rows: KnownRows
    recorder: Recorder
    send: Send
    origin: str
    """Where a shop's Admin lives, `https://{shop}`."""
    api_version: str
    page_size: int
    clock: Clock
    bulk_over: int = BULK_OVER
    """A shop with more customers is imported by a bulk operation."""
    bulk_orders_over: int = BULK_ORDERS_OVER
    """More orders than these are imported by one too."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    """Waits so many seconds for points, or for a Shopify that is down."""
    inline: int = INLINE
    """Bytes of an answer that rest in the page's commit; larger ones rest in the bucket."""


@dataclass(frozen=True, slots=True)
class Follows:
    """What an import follows from: ids that each of its commits carries."""

    correlation_id: str
    """That of the install; of an import that nobody asked for in the log, its own id."""
    causation_id: str | None
    """The commit of the install."""


@dataclass(frozen=True, slots=True)
class BulkPlace:
    """Where a bulk operation of Shopify stands that an import reads from."""

    operation: str | None
    """Its global id; None before it was started."""
    offset: int = 0
    """Bytes of its file that are in the log."""
    tries: int = 0
    """Operations of this import and kind before it."""
    floor: int = 0
    """It lists only what has a larger id than this."""
    ordered: bool = True
    """Whether ids only rose so far, so that those behind the last were not read."""
    since: datetime | None = None
    """When it was decided to start it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an import stands."""

    page: int
    """The page that comes next, from 1."""
    cursor: str | None
    ended: bool = False
    began: datetime | None = None
    """When its first page was asked for; None for an import that an older release began."""
    last: int = 0
    """The largest id of a customer that was read."""
    unlisted: tuple[int, str] | None = None
    """Once the whole list was read: how many pages it had, and behind which customer those are to
    be looked for who were known and are not in it. `cursor` is then that of the last page, which an
    older release reads once more, and ends there."""
    bulk: BulkPlace | None = None
    """While the customers come by a bulk operation; an older release reads them by pages, from the
    beginning."""
    orders: tuple[int, int] | None = None
    """Once the customers are there: how many pages they had, and behind which order it goes on. An
    older release reads the customers again, and ends there."""
    closed: bool = False
    """Whether it ended because Shopify took no call for the shop, and may go on."""
    bulk_orders: BulkPlace | None = None
    """While the orders come by a bulk operation, and if that was given up; an older release goes on
    by pages behind the last."""
