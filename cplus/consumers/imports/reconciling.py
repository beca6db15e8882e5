"""Once a day, asks Shopify what changed in a shop, and records what no webhook told.

Shopify promises no delivery: it gives up after some tries. So each shop's customers and orders that
changed since the last reconciliation are compared with the read models. Where nothing was lost,
nothing is recorded but that it was done.

Up to when it was done stands in the log. How far one is on its way goes along in its message: lost
or doubled, the pages are compared once more, and are no news any more.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal

import structlog

from cplus.consumers.batches.hand_on import HandOn
from cplus.consumers.imports.asking import Asker
from cplus.consumers.imports.customer_import import MARGIN, MAX_DELAY
from cplus.consumers.imports.news import News
from cplus.consumers.imports.reconcile_log import (
    SETTLES,
    Found,
    ReconcileLog,
)
from cplus.consumers.imports.reconciler import RECONCILE, Reconciler
from cplus.deadline import Deadline
from cplus.errors import (
    AccessDenied,
    AddressRefused,
    AuthFailed,
    CommitTooLarge,
    InvalidDraft,
    InvalidInput,
    NotInstalled,
    ShopifyRefused,
    ShopifyUnavailable,
    Throttled,
)
from cplus.logs import measure
from cplus.shopify.admin import AdminClient
from cplus.shopify.changed_customers import changed_customers
from cplus.shopify.hosts import shop_host
from cplus.shopify.order_pages import MOST as MOST_ORDERS
from cplus.shopify.order_pages import orders_page

Part = Literal["customers", "orders", "end"]

log = structlog.get_logger()

LOST: Final = "WebhooksLost"
"""The metric of how many customers and orders were healed; an alarm counts it."""

_PAUSE: Final = 60
_FAILED_RUNS: Final = 12
_HELD_RUNS: Final = 8  # two hours: then the next day does it
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PARTS: Final[tuple[Part, ...]] = ("customers", "orders", "end")


@dataclass(frozen=True, slots=True)
class _State:
    """How far it is."""

    began: datetime
    part: Part = "customers"
    behind: int = 0
    found: Found = field(default_factory=Found)


async def reconcile(use: Reconciler, limit: Deadline, message: Mapping[str, Any]) -> HandOn | None:
    """Compares a shop until it is done or the time ends; answers what is left.

    It and the shop's imports exclude each other, and an import that is not complete comes first: it
    reads all that a reconciliation would."""
    shop, day = shop_host(message.get("shop")), message.get(RECONCILE)
    if not isinstance(day, str) or not _DAY.fullmatch(day):
        raise InvalidInput(reason="the message names no day")
    told = ReconcileLog(shop, day, use.importer)
    if closed := await told.closed():
        return HandOn(closed, shop)
    since = await told.since()
    if since is None or since.day >= day:
        return None  # it need not wait for the import
    held_for = limit.remaining() + 1.0
    lease = await use.importer.leases.take(f"import/{shop}", held_for)
    if lease is None:
        held = _number(message, "held") + 1
        log.info("reconciliation_held", shop=shop, day=day, held=held)
        return HandOn({**message, "held": held}, shop, MAX_DELAY) if held <= _HELD_RUNS else None
    try:
        return await _Run(shop, day, use, limit).work(message)
    finally:
        await use.importer.leases.release(lease)


def _number(message: Mapping[str, Any], name: str) -> int:
    found = message.get(name)
    return found if isinstance(found, int) and found > 0 else 0


class _Run:
    """One run, under the lease of the shop."""

    def __init__(self, shop: str, day: str, use: Reconciler, limit: Deadline) -> None:
        self._shop, self._day, self._use = shop, day, use
        self._begins_until = limit.with_margin(MARGIN, 0.3)
        self._waits_until = limit.with_margin(MARGIN / 2, 0.15)
        self._log = ReconcileLog(shop, day, use.importer)
        self._asker = Asker(shop, use.importer, self._waits_until)
        self._read_until = 0  # the largest id of the newest page
        self._first = {"customers": use.importer.page_size, "orders": MOST_ORDERS}

    async def work(self, message: Mapping[str, Any]) -> HandOn | None:
        """Compares page after page."""
        state = first = self._state(message)
        since = await self._log.since()
        if since is None or since.day >= self._day:
            return None
        async with self._asker.http() as http:
            try:
                client = await self._asker.client(http)
                while state.part != "end":
                    if self._begins_until.passed():
                        return self._rest(state)
                    state = await self._step(client, state, since.moment)
                await self._end(state)
            except Throttled as throttled:
                return self._rest(state, min(math.ceil(throttled.retry_after), MAX_DELAY))
            except (NotInstalled, AuthFailed) as error:
                log.info("reconciliation_not_allowed", shop=self._shop, error=type(error).__name__)
            except ShopifyRefused as refused:
                code = str(refused.values["code"])
                log.error("reconciliation_refused", shop=self._shop, reason=code)
            except AddressRefused:
                # Closed, or nobody's address is taken: the next day reads from where this one did.
                log.info("reconciliation_without", shop=self._shop, part=state.part)
            except (ShopifyUnavailable, TimeoutError):
                failed = _number(message, "failed") + 1 if state == first else 1
                log.warning("reconciliation_interrupted", shop=self._shop, failed=failed)
                if failed > _FAILED_RUNS:
                    raise
                return self._rest(state, min(_PAUSE * 2 ** (failed - 1), MAX_DELAY), failed)
        return None

    def _state(self, message: Mapping[str, Any]) -> _State:
        now, began = self._use.importer.clock(), message.get("began")
        try:
            if not isinstance(began, str):
                return _State(now)
            part = _PARTS[_PARTS.index(message["part"])]
            found = Found(_number(message, "lost"), _number(message, "added"))
            moment = min(datetime.fromisoformat(began), now)
            return _State(moment, part, _number(message, "behind"), found)
        except (KeyError, ValueError, TypeError):
            raise InvalidInput(reason="the message names no place that it reached") from None

    def _rest(self, state: _State, delay: int = 0, failed: int = 0) -> HandOn:
        message = {
            "shop": self._shop,
            RECONCILE: self._day,
            "began": state.began.isoformat(),
            "part": state.part,
            "behind": state.behind,
            **state.found._asdict(),
            "failed": failed,
        }
        return HandOn(message, self._shop, delay)

    async def _step(self, client: AdminClient, state: _State, since: datetime) -> _State:
        """How far it is after the next page."""
        news: list[News] = []
        try:
            behind, news, more = await self._page(client, state, since)
        except AccessDenied:
            log.info("reconciliation_without", shop=self._shop, part=state.part)
            behind, more = 0, False
        except (CommitTooLarge, InvalidDraft) as error:
            if self._first[state.part] > 1:
                self._first[state.part] //= 2
                return state
            name = type(error).__name__
            log.error("reconciliation_unwritable", shop=self._shop, part=state.part, error=name)
            behind, more = self._read_until, True
        found = state.found.and_(news)
        if more:
            return replace(state, behind=behind, found=found)
        following = _PARTS[_PARTS.index(state.part) + 1]
        return replace(state, part=following, behind=0, found=found)

    async def _page(
        self, client: AdminClient, state: _State, since: datetime
    ) -> tuple[int, list[News], bool]:
        """Behind which id it goes on after the next page, what was news there, and whether more
        follow."""
        first, until = self._first[state.part], state.began - SETTLES
        if state.part == "customers":
            page = await self._asker.ask(
                client,
                lambda: changed_customers(
                    client, state.behind, since, first=first, deadline=self._begins_until
                ),
            )
            self._read_until = page.last
            behind, news = await self._log.customers(
                state.behind, page.last, page.customers, until, self._asker.received
            )
            return behind, news, page.has_next or behind < page.last
        orders = await self._asker.ask(
            client,
            lambda: orders_page(
                client,
                state.behind,
                since,
                by="updated_at",
                first=first,
                deadline=self._begins_until,
            ),
        )
        self._read_until = orders.last
        behind, news = await self._log.orders(
            state.behind, orders.last, orders.orders, until, self._asker.received
        )
        return behind, news, orders.has_next or behind < orders.last

    async def _end(self, state: _State) -> None:
        if not await self._log.end(state.began, state.found):
            return
        lost, added = state.found
        log.info("reconciled", shop=self._shop, day=self._day, lost=lost, added=added)
        values = {LOST: (float(lost), "Count")}
        now = self._use.importer.clock()
        measure("reconciliation_measured", self._use.namespace, now, {}, [[]], values)
