"""Delivers webhooks like Shopify: signed, within five seconds, and retried if refused.

Source: Shopify's pages on webhooks. The headers are Shopify's; `X-Request-Id` is ours, so that
sent and recorded webhooks can be compared.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp

from cplus.shopify.signatures import sign_webhook

RETRIES: Final = 8
SECONDS: Final = 5.0
CONNECT_SECONDS: Final = 1.0
REMEMBERED: Final = 20_000
AT_ONCE: Final = 16

Backoff = Sequence[float]
SHORT_BACKOFF: Final[Backoff] = (0.2, 0.4, 0.8, 1.6, 3.2, 10.0, 20.0, 30.0)
"""Seconds before each of the eight retries; Shopify's take four hours. The last ones are for a
machine with much else to do, on which nothing may be given up because an app starts slowly."""


@dataclass(frozen=True)
class Try:
    """One HTTP request and its outcome: a status, or the kind of error."""

    request_id: str
    status: int | None
    error: str | None

    @property
    def accepted(self) -> bool:
        """Whether the app answered with a 2xx."""
        return self.status is not None and 200 <= self.status < 300


@dataclass
class Delivery:
    """A webhook on its way. A planned redelivery is a new `attempt` with the same bytes."""

    topic: str
    shop: str
    body: bytes
    secret: str = field(repr=False)
    api_version: str
    webhook_id: str
    event_id: str
    triggered_at: str
    attempt: int = 1
    tries: list[Try] = field(default_factory=list)

    @property
    def request_id(self) -> str:
        """The id of this attempt; a retry after a failure keeps it, because nothing was
        accepted."""
        return f"{self.webhook_id}-{self.attempt}"

    @property
    def delivered(self) -> bool:
        """Whether the app has accepted this attempt."""
        return any(one.accepted for one in self.tries)

    def headers(self) -> dict[str, str]:
        """The headers."""
        return {
            "Content-Type": "application/json",
            "User-Agent": "Shopify-Captain-Hook",
            "X-Shopify-Topic": self.topic,
            "X-Shopify-Hmac-Sha256": sign_webhook(self.body, self.secret),
            "X-Shopify-Shop-Domain": self.shop,
            "X-Shopify-API-Version": self.api_version,
            "X-Shopify-Webhook-Id": self.webhook_id,
            "X-Shopify-Event-Id": self.event_id,
            "X-Shopify-Triggered-At": self.triggered_at,
            "X-Shopify-Name": self.topic.replace("/", "-"),
            "X-Request-Id": self.request_id,
        }

    def describe(self) -> dict[str, Any]:
        """Its form in the control endpoints."""
        return {
            "webhook_id": self.webhook_id,
            "event_id": self.event_id,
            "topic": self.topic,
            "shop": self.shop,
            "attempt": self.attempt,
            "request_id": self.request_id,
            "delivered": self.delivered,
            "tries": [{"status": one.status, "error": one.error} for one in self.tries],
        }


class Courier:
    """Delivers webhooks concurrently, and keeps them so that they can be delivered again."""

    def __init__(self, backoff: Backoff = SHORT_BACKOFF) -> None:
        self._backoff = tuple(backoff)[:RETRIES]
        self._known: OrderedDict[str, Delivery] = OrderedDict()
        self._taken: defaultdict[str, set[str]] = defaultdict(set)
        self._running: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._http: aiohttp.ClientSession | None = None

    def last(self, webhook_id: str) -> Delivery | None:
        """The newest attempt of a webhook."""
        return self._known.get(webhook_id)

    def sent(self) -> list[Delivery]:
        """The newest attempt of each webhook, in the order in which they were first sent."""
        return list(self._known.values())

    def taken(self, shop: str) -> int:
        """Number of distinct attempts that the app accepted from the shop since this process
        started."""
        return len(self._taken[shop])

    def send(self, delivery: Delivery, url: str) -> asyncio.Task[None]:
        """Starts the delivery; the task ends when it was accepted or given up."""
        self._known[delivery.webhook_id] = delivery
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        task = asyncio.create_task(self._deliver(delivery, url))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def idle(self) -> None:
        """Waits until no delivery is running."""
        while self._running:
            await asyncio.wait(set(self._running))

    async def stop(self) -> None:
        """Cancels running deliveries and closes connections."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._http:
            await self._http.close()
            self._http = None

    async def _deliver(self, delivery: Delivery, url: str) -> None:
        for pause in (0.0, *self._backoff):
            await asyncio.sleep(pause)
            async with self._places:
                outcome = await self._try(delivery, url)
            delivery.tries.append(outcome)
            if outcome.accepted:
                self._taken[delivery.shop].add(f"{delivery.topic} {delivery.request_id}")
                return

    async def _try(self, delivery: Delivery, url: str) -> Try:
        if self._http is None:
            timeout = aiohttp.ClientTimeout(total=SECONDS, sock_connect=CONNECT_SECONDS)
            self._http = aiohttp.ClientSession(timeout=timeout)
        try:
            async with self._http.post(
                url, data=delivery.body, headers=delivery.headers(), allow_redirects=False
            ) as answer:
                await answer.read()
                return Try(delivery.request_id, answer.status, None)
        except (aiohttp.ClientError, TimeoutError) as error:
            return Try(delivery.request_id, None, type(error).__name__)


def new_delivery(
    topic: str, shop: str, content: bytes | dict[str, Any], secret: str, **given: Any
) -> Delivery:
    """A new webhook; missing ids and times are generated."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    made = {
        "api_version": "2026-10",
        "webhook_id": str(uuid.uuid4()),
        "event_id": str(uuid.uuid4()),
        "triggered_at": now,
    }
    return Delivery(topic=topic, shop=shop, body=body, secret=secret, **{**made, **given})
