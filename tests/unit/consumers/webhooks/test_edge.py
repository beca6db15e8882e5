"""The edge: what it lets in, what it answers, and that nothing is lost on the way."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from cplus.consumers.webhooks.edge import MAX_BODY, MAX_MESSAGE, handle
from cplus.envelopes import Stored
from cplus.shopify.signatures import sign_webhook

SHOP = "blue-jam.myshopify.com"
SECRET = "new-secret"
OLD = "old-secret"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BODY = b'{"id": 7}'


class Queue:
    """Remembers what the edge sent and stored."""

    def __init__(self) -> None:
        self.sent: list[tuple[Mapping[str, Any], str]] = []
        self.stored: list[tuple[str, bytes]] = []
        self.broken: set[str] = set()
        self.hangs = False

    async def send(self, message: Mapping[str, Any], *, group: str, delay: int = 0) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if "queue" in self.broken:
            raise ConnectionError("the queue is down")
        self.sent.append((message, group))

    async def put(self, shop: str, body: bytes) -> Stored:
        if "bucket" in self.broken:
            raise ConnectionError("the bucket is down")
        self.stored.append((shop, body))
        return Stored({"bucket": "bodies", "key": f"{shop}/{len(self.stored)}"}, b"its key")

    async def answer(self, event: Mapping[str, Any], patience: float = 4.0) -> dict[str, Any]:
        return await handle(
            event,
            send=self.send,
            put=self.put,
            secrets=[SECRET, OLD],
            clock=lambda: NOW,
            patience=patience,
        )

    @property
    def only(self) -> Mapping[str, Any]:
        [(message, group)] = self.sent
        assert group == SHOP
        return message


@pytest.fixture
def queue() -> Queue:
    return Queue()


def request(
    body: bytes = BODY, *, secret: str = SECRET, plain: bool = False, **headers: str | None
) -> dict[str, Any]:
    """A webhook as API Gateway hands it over; a header given as None is left out."""
    given: dict[str, str | None] = {
        "X-Shopify-Topic": "customers/update",
        "X-Shopify-Hmac-Sha256": sign_webhook(body, secret),
        "X-Shopify-Shop-Domain": SHOP,
        "X-Shopify-Webhook-Id": "w-1",
        "X-Shopify-Event-Id": "e-1",
        "Content-Type": "application/json",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return {
        "version": "2.0",
        "routeKey": "POST /webhooks/shopify",
        "rawPath": "/webhooks/shopify",
        "headers": {name.lower(): value for name, value in given.items() if value is not None},
        "requestContext": {"http": {"method": "POST"}, "requestId": "attempt-1"},
        "body": body.decode() if plain else base64.b64encode(body).decode(),
        "isBase64Encoded": not plain,
    }


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("secret", [SECRET, OLD])
async def test_a_signed_webhook_is_queued_as_the_bytes_that_came(
    queue: Queue, secret: str, plain: bool
) -> None:
    body = '{"id": 7,  "name": "Zoë"}'.encode()
    answer = await queue.answer(request(body, secret=secret, plain=plain))
    assert (answer["statusCode"], answer["body"]) == (200, "")
    assert base64.b64decode(queue.only["body"]) == body
    assert queue.only["body_ref"] is None
    assert queue.only["delivery"] == "attempt-1"
    assert queue.only["received_at"] == "2026-11-20T12:00:00+00:00"
    assert queue.only["headers"]["x-shopify-topic"] == "customers/update"
    assert all(name.startswith("x-shopify-") for name in queue.only["headers"])


async def test_the_senders_own_request_id_tells_one_attempt_from_the_next(queue: Queue) -> None:
    await queue.answer(request(X_Request_Id="attempt-2"))
    assert queue.only["delivery"] == "attempt-2"


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (request(X_Shopify_Hmac_Sha256="bm9uc2Vuc2U="), 401),
        (request(X_Shopify_Hmac_Sha256=None), 401),
        (request(X_Shopify_Hmac_Sha256="\u00e9"), 401),
        (request(secret="another"), 401),
        ({**request(), "body": base64.b64encode(BODY + b" ").decode()}, 401),
        ({**request(), "body": "\ud800", "isBase64Encoded": False}, 401),
        ({**request(), "body": "no base64!"}, 400),
        (request(X_Shopify_Shop_Domain=None), 400),
        (request(X_Shopify_Shop_Domain="blue-jam.myshopify.com.evil.example"), 400),
        (request(X_Shopify_Shop_Domain="-a.myshopify.com"), 400),
        (request(X_Shopify_Shop_Domain="blue-jam.myshopify.com\n"), 400),
        ({**request(), "rawPath": "/webhooks/other"}, 404),
        ({**request(), "requestContext": {"http": {"method": "GET"}}}, 405),
        (request(b"x" * (MAX_BODY + 1)), 413),
        ({}, 404),
    ],
)
async def test_what_is_refused_is_stored_nowhere(
    queue: Queue, event: Mapping[str, Any], status: int
) -> None:
    answer = await queue.answer(event)
    assert (answer["statusCode"], answer["body"]) == (status, "")
    assert not queue.sent
    assert not queue.stored


async def test_a_bad_signature_is_told_before_a_bad_host(queue: Queue) -> None:
    event = request(X_Shopify_Shop_Domain="nowhere", X_Shopify_Hmac_Sha256="bm9uc2Vuc2U=")
    assert (await queue.answer(event))["statusCode"] == 401


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"\xff\xfe\x00",
        b'{"id": 9223372036854775808}',
        b'{"note": "a\\u0000b", "x": "\\ud800"}',
        b"[" * 1000 + b"]" * 1000,
        b"\0",
    ],
)
async def test_the_edge_looks_into_no_body(queue: Queue, body: bytes) -> None:
    assert (await queue.answer(request(body)))["statusCode"] == 200
    assert base64.b64decode(queue.only["body"]) == body


@pytest.mark.parametrize("size", [900_000, MAX_BODY])
async def test_a_body_that_no_message_can_hold_goes_through_the_bucket(
    queue: Queue, size: int
) -> None:
    body = b"x" * size
    assert (await queue.answer(request(body)))["statusCode"] == 200
    assert queue.stored == [(SHOP, body)]
    assert queue.only["body"] is None
    assert queue.only["body_ref"] is None
    opens = base64.b64encode(b"its key").decode()
    assert queue.only["sealed"] == {"bucket": "bodies", "key": f"{SHOP}/1", "opens": opens}


@pytest.mark.parametrize("size", range(749_000, 750_100, 50))
async def test_no_message_is_larger_than_the_limit(queue: Queue, size: int) -> None:
    await queue.answer(request(b"x" * size))
    assert len(json.dumps(queue.only)) <= MAX_MESSAGE


@pytest.mark.parametrize(
    ("broken", "size"), [("queue", 10), ("queue", 900_000), ("bucket", 900_000)]
)
async def test_a_queue_or_bucket_that_is_down_has_shopify_send_again(
    queue: Queue, broken: str, size: int
) -> None:
    queue.broken = {broken}
    assert (await queue.answer(request(b"x" * size)))["statusCode"] == 503
    assert not queue.sent


async def test_a_queue_that_hangs_is_given_up_before_shopify_gives_up(queue: Queue) -> None:
    queue.hangs = True
    assert (await queue.answer(request(), patience=0.05))["statusCode"] == 503


async def test_a_webhook_without_an_id_is_named_by_its_body(queue: Queue) -> None:
    for body in (BODY, BODY, b"other"):
        answer = await queue.answer(request(body, X_Shopify_Webhook_Id=None))
        assert answer["statusCode"] == 200
    first, again, other = (m["headers"]["x-shopify-webhook-id"] for m, _ in queue.sent)
    assert first == again != other


async def test_a_webhook_without_a_topic_is_not_lost(queue: Queue) -> None:
    assert (await queue.answer(request(X_Shopify_Topic=None)))["statusCode"] == 200
    assert queue.only["headers"]["x-shopify-topic"] == "unknown"


@pytest.mark.parametrize("odd", ["a b", "x" * 5000, "a\tb", "é"])
async def test_ids_and_topics_that_are_no_plain_names_are_hashed(queue: Queue, odd: str) -> None:
    await queue.answer(request(X_Shopify_Webhook_Id=odd, X_Shopify_Topic=odd))
    headers = queue.only["headers"]
    assert headers["x-shopify-webhook-id"].startswith("hash-")
    assert headers["x-shopify-topic"].startswith("hash-")


async def test_the_edge_leaves_no_task_behind(queue: Queue) -> None:
    before = asyncio.all_tasks()
    await queue.answer(request())
    queue.hangs = True
    await queue.answer(request(), patience=0.01)
    assert asyncio.all_tasks() == before


def test_the_function_loads_no_mongodb_and_no_web_framework() -> None:
    code = (
        "import sys, lambdas.edge; "
        "print([m for m in ('motor', 'pymongo', 'bson', 'fastapi', 'starlette', 'cplus.events')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _base64url(text: str) -> bytes:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=")


@pytest.mark.parametrize(
    "body",
    [
        _base64url('{"alg":"HS256","typ":"JWT"}') + b"." + _base64url('{"dest":"https://x"}'),
        b"code=c&host=aG9zdA&shop=evil.myshopify.com&state=s&timestamp=1700000000",
        b"shop=evil.myshopify.com&timestamp=1700000000",
    ],
)
async def test_what_shopify_signed_for_another_use_is_no_webhook(queue: Queue, body: bytes) -> None:
    assert (await queue.answer(request(body)))["statusCode"] == 401
    assert queue.sent == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"1.5",
        b"a.b",
        b'"shop=a&timestamp=1"',
        b'{"url": "https://x?shop=a&timestamp=1"}',
        _base64url("[1]") + b".x",
        b"[" * 5000,
    ],
)
async def test_odd_bodies_that_are_signed_are_let_in(queue: Queue, body: bytes) -> None:
    assert (await queue.answer(request(body)))["statusCode"] == 200
