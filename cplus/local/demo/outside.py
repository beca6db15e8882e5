"""The world outside the app: the local Shopify, the post, and the shoppers' mailbox."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import aiohttp
from botocore.exceptions import BotoCoreError, ClientError

from cplus.errors import CplusError
from cplus.local.aws.email.inbound import Receipt, Verdicts, deliver
from cplus.local.demo.letters import Letter
from cplus.local.demo.plan import Webhook
from cplus.local.shopify.deliveries import RETRIES, SECONDS, SHORT_BACKOFF

# A delivery is answered at its end. Given up before that, it would be asked for a second time.
_ANSWER: Final = (RETRIES + 1) * SECONDS + sum(SHORT_BACKOFF) + 30.0
_PATIENCE: Final = 90.0  # seconds that a request to a part of the stack is tried again
_PAUSE: Final = 0.3
_SECONDS: Final = 120.0  # that something may take to be seen, killed functions included
_SPAM: Final = Verdicts(spam="FAIL")

Entry = dict[str, Any]


class OutsideFailed(CplusError):
    """The demo could not reach {what}: {reason}."""


class Outside:
    """Uses everything except the app. `close` closes its connections."""

    def __init__(self, shopify: str, receipt: Receipt) -> None:
        self._shopify = shopify
        self._receipt = receipt
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWER))
        self._webhooks = asyncio.Semaphore(12)
        self._letters = asyncio.Semaphore(4)

    async def close(self) -> None:
        """Closes its connections."""
        await self._http.close()

    async def put_shop(self, description: Mapping[str, Any]) -> None:
        """Creates a shop with its customers in the local Shopify."""
        await self._control("POST", "shops", description)

    async def shops(self) -> dict[str, bool]:
        """The shops in Shopify, and whether they have the app."""
        shops = await self._control("GET", "shops")
        return {shop["host"]: shop["installed"] for shop in shops}

    async def uninstall(self, host: str) -> None:
        """Uninstalls the app from the shop."""
        await self._control("POST", "uninstall", {"shop": host})

    async def tell(self, webhook: Webhook) -> None:
        """Lets Shopify deliver the webhook, as often as planned.

        Some of the repeats follow immediately, so that they race the first one to the log.
        """
        async with self._webhooks:
            first = {
                "topic": webhook.topic,
                "shop": webhook.shop,
                "payload": webhook.payload,
                "webhook_id": webhook.webhook_id,
                "event_id": webhook.event_id,
                "triggered_at": webhook.triggered_at,
                "wait": webhook.attempts == 1 or webhook.webhook_id[0] in "01234567",
            }
            await self._control("POST", "webhooks", first)
            for attempt in range(2, webhook.attempts + 1):
                # With its number: a retry after a lost response is not a new attempt.
                again = {"redeliver": webhook.webhook_id, "attempt": attempt, "wait": True}
                await self._control("POST", "webhooks", again)

    async def webhooks_delivered(self) -> None:
        """Returns once Shopify has no running deliveries."""
        await self._control("GET", "idle")

    async def post(self, letter: Letter, ses_id: str, *, spam: bool = False) -> None:
        """Delivers a mail to the app through SES."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                async with self._letters:
                    await asyncio.to_thread(
                        deliver,
                        self._receipt,
                        letter.raw,
                        [letter.recipient],
                        letter.sender,
                        message_id=ses_id,
                        verdicts=_SPAM if spam else Verdicts(),
                    )
            except (BotoCoreError, ClientError) as error:
                if time.monotonic() > deadline:
                    raise OutsideFailed(what="the mail", reason=type(error).__name__) from error
                await asyncio.sleep(_PAUSE)
            else:
                return

    async def mails(self, after: int) -> list[Entry]:
        """The sent mails, without the first `after`."""
        url = f"{self._receipt.endpoint}/_mailbox/messages.json?after={after}"
        return list(json.loads(await self._ask("GET", url))["messages"])

    async def raw_mail(self, entry: Entry) -> bytes:
        """The raw bytes of a sent mail."""
        url = f"{self._receipt.endpoint}/_mailbox/{entry['message_id']}.eml"
        return await self._ask("GET", url)

    async def _control(self, method: str, name: str, given: Mapping[str, Any] | None = None) -> Any:
        return json.loads(await self._ask(method, f"{self._shopify}/_control/{name}", given))

    async def _ask(self, method: str, url: str, given: Mapping[str, Any] | None = None) -> bytes:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                async with self._http.request(method, url, json=given) as answer:
                    body = await answer.read()
                    if answer.status < 400:
                        return body
                    reason = f"status {answer.status}"
            except (aiohttp.ClientError, TimeoutError) as error:
                reason = type(error).__name__
            if time.monotonic() > deadline:
                raise OutsideFailed(what=url.partition("?")[0], reason=reason)
            await asyncio.sleep(_PAUSE)


class Watch:
    """Polls as long as somebody waits for a result; all waiters share each poll."""

    def __init__(self, look: Callable[[], Awaitable[None]], pause: float) -> None:
        self._look = look
        self._pause = pause
        self._next = 0.0
        self._round: asyncio.Task[None] | None = None

    async def until(self, found: Callable[[], Any], what: str, seconds: float) -> Any:
        """What `found` answers once it is true; raises OutsideFailed after so many seconds, and
        whatever a look raises."""
        try:
            async with asyncio.timeout(seconds):
                while not (answer := found()):
                    if self._round is None or self._round.done():
                        self._round = asyncio.create_task(self._once())
                    # A cancelled waiter must not cancel the poll of the others.
                    await asyncio.shield(self._round)
                return answer
        except TimeoutError:
            raise OutsideFailed(what=what, reason=f"not seen in {seconds:g} seconds") from None

    async def stop(self) -> None:
        """Stops polling."""
        if self._round:
            self._round.cancel()
            await asyncio.wait([self._round])

    async def _once(self) -> None:
        await asyncio.sleep(self._next - time.monotonic())
        await self._look()
        self._next = time.monotonic() + self._pause


class Mailboxes:
    """What arrived in the shoppers' mailboxes, by shop and address."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._seen = 0
        self._arrived: defaultdict[tuple[str, str], list[Entry]] = defaultdict(list)
        self._watch = Watch(self._look, pause=0.4)

    async def mail(self, shop: str, address: str, number: int) -> Entry:
        """The mail number `number` (from 1) that the shop sent to the address, once it is there."""
        box = (shop.partition(".")[0], address.lower())
        what = f"mail {number} of a conversation in {shop}"
        (entry,) = await self._watch.until(
            lambda: self._arrived[box][number - 1 : number], what, _SECONDS
        )
        return dict(entry)

    async def stop(self) -> None:
        """Stops polling."""
        await self._watch.stop()

    async def _look(self) -> None:
        entries = await self._outside.mails(self._seen)
        self._seen += len(entries)
        for entry in entries:
            for recipient in entry["recipients"]:
                shop = entry["tags"].get("cplus-shop", "")
                self._arrived[shop, recipient.lower()].append(entry)
