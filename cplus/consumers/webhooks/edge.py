"""The edge: checks what calls itself a webhook of Shopify, queues it, answers.

It loads neither a web framework nor MongoDB, and reads no body: what is validly signed, and was
not signed for another use, is queued as the bytes that came. Statuses and limits: docs/webhooks.md.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import structlog

from cplus.clock import Clock
from cplus.envelopes import Stored
from cplus.errors import InvalidInput, InvalidShop, InvalidSignature, TooLarge
from cplus.shopify.hosts import shop_host
from cplus.shopify.signatures import verify_webhook

log = structlog.get_logger()

ROUTE: Final = "/webhooks/shopify"

MAX_BODY: Final = 4 * 1024 * 1024
"""Bytes of a body at most. Lambda takes 6 MB of request, the body in base64 (four bytes for
three) and everything around it included."""

MAX_MESSAGE: Final = 1_000_000
"""Bytes of a queue message at most; what is larger goes through the bucket. SQS takes 1 MiB."""

PATIENCE: Final = 4.0
"""Seconds for queue and bucket. Shopify waits 5 in all and sends again after a 503."""

_NAME: Final = re.compile(r"[A-Za-z0-9_.:-][A-Za-z0-9_./:-]{0,199}")


class Send(Protocol):
    """Puts a message on the queue of webhooks."""

    async def __call__(self, message: Mapping[str, Any], *, group: str) -> None:
        """`group` is the shop. Raises whatever the queue raises."""


class Put(Protocol):
    """Stores a large body, encrypted under a key of its own."""

    async def __call__(self, shop: str, body: bytes, /) -> Stored:
        """Answers where it is, and the key."""


async def handle(
    event: Mapping[str, Any],
    *,
    send: Send,
    put: Put,
    secrets: Sequence[str],
    clock: Clock,
    patience: float = PATIENCE,
) -> dict[str, Any]:
    """The answer to an HTTP request in API Gateway's payload format 2.0.

    200 queued, 400 unreadable or a malformed shop host, 401 a bad signature or one made for
    another use, 404 and 405 another path or method, 413 too large, 503 the queue or the
    bucket is down. Bodies are empty.
    """
    context = event.get("requestContext") or {}
    if not str(event.get("rawPath", "")).endswith(ROUTE):
        return _answer(404)
    if context.get("http", {}).get("method") != "POST":
        return _answer(405, allow="POST")
    headers = {
        str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()
    }
    try:
        body = _body(event)
        verify_webhook(body, headers.get("x-shopify-hmac-sha256", ""), secrets)
        shop = shop_host(headers.get("x-shopify-shop-domain"))
    except TooLarge as error:
        return _refuse(413, error)
    except InvalidSignature as error:
        return _refuse(401, error)
    except InvalidShop:
        return _refuse(400, "the shop host is malformed")  # signed, but not to be trusted in a log
    except InvalidInput as error:
        return _refuse(400, error)
    message: dict[str, Any] = {
        "delivery": _plain(headers.get("x-request-id", "")) or str(context.get("requestId", "")),
        "received_at": clock().isoformat(),
        "headers": named({k: v for k, v in headers.items() if keeps(k)}, body),
    }
    try:
        async with asyncio.timeout(patience):
            await _queue(message, body, shop, send, put)
    except Exception as error:  # noqa: BLE001  whatever it is, Shopify keeps the webhook and retries
        log.warning("webhook_not_queued", shop=shop, error=type(error).__name__)
        return _answer(503)
    log.info("webhook_queued", shop=shop, topic=message["headers"]["x-shopify-topic"])
    return _answer(200)


def keeps(name: str) -> bool:
    """Whether a header, in lower case, goes with the webhook: all of Shopify's but the signature.

    The signature covers neither shop nor topic: whoever could read it beside its body in the log
    could send the body again for another shop.
    """
    return name.startswith("x-shopify-") and name != "x-shopify-hmac-sha256"


def named(headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    """The headers with a topic and a webhook id that can stand in a claim.

    Both become part of a name that is unique for ever. A webhook without an id is named by its
    body's hash, so that its redelivery is still known; one without a topic is recorded under
    `unknown`. What is no plain name is replaced by its hash.
    """
    topic = _plain(headers.get("x-shopify-topic", "")) or "unknown"
    webhook_id = _plain(headers.get("x-shopify-webhook-id", ""))
    webhook_id = webhook_id or f"body-{hashlib.sha256(body).hexdigest()}"
    return {**headers, "x-shopify-topic": topic, "x-shopify-webhook-id": webhook_id}


def _plain(name: str) -> str:
    name = name.strip()
    if not name or _NAME.fullmatch(name):
        return name
    return f"hash-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _body(event: Mapping[str, Any]) -> bytes:
    text = event.get("body") or ""
    encoded = bool(event.get("isBase64Encoded"))
    if len(text) > MAX_BODY * 4 // 3 + 4:
        raise TooLarge(
            what="the body", size=len(text) * 3 // 4 if encoded else len(text), limit=MAX_BODY
        )
    try:
        # A lone surrogate can't be what was signed; it only must not end the process.
        body = (
            base64.b64decode(text, validate=True)
            if encoded
            else text.encode("utf-8", "surrogatepass")
        )
    except (binascii.Error, ValueError):
        raise InvalidInput(reason="the body is not base64") from None
    if len(body) > MAX_BODY:
        raise TooLarge(what="the body", size=len(body), limit=MAX_BODY)
    return body


async def _queue(message: dict[str, Any], body: bytes, shop: str, send: Send, put: Put) -> None:
    inline = {**message, "body": base64.b64encode(body).decode("ascii"), "body_ref": None}
    if len(body) * 4 // 3 < MAX_MESSAGE and len(json.dumps(inline)) <= MAX_MESSAGE:
        await send(inline, group=shop)
        return
    stored = await put(shop, body)
    # Under a name of its own: code that would take the object for clear bytes finds none.
    await send({**message, "body": None, "body_ref": None, "sealed": told_of(stored)}, group=shop)


def told_of(stored: Stored) -> dict[str, str]:
    """A sealed body, as a message names it."""
    return {**stored.ref, "opens": base64.b64encode(stored.opens or b"").decode("ascii")}


def _refuse(status: int, reason: object) -> dict[str, Any]:
    log.warning("webhook_refused", status=status, reason=str(reason))
    return _answer(status)


def _answer(status: int, **headers: str) -> dict[str, Any]:
    return {"statusCode": status, "headers": headers, "body": "", "isBase64Encoded": False}
