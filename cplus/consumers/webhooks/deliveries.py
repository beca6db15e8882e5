"""Deliveries of webhooks as they lie on the queue: put there by the edge or by EventBridge."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from cplus.clock import Clock, to_milliseconds
from cplus.consumers.batches.sqs import SqsRecord, json_object
from cplus.consumers.webhooks.edge import keeps, named
from cplus.envelopes import Stored
from cplus.errors import InvalidInput
from cplus.events.names import webhook_claim
from cplus.shopify.hosts import shop_host
from cplus.shopify.values import storable

_EVENT_BRIDGE: Final = "shopifyWebhook"
_METADATA: Final = re.compile(r'"metadata"\s*:\s*')

VIA: Final = "via"
EVENT_BRIDGE: Final = "eventbridge"
RECEIVED: Final = "received"
"""Headers of a webhook's cause beside those of Shopify: by which way it came if not over HTTPS, and
when, if it could not be translated."""

TRIES: Final = 4
"""Receives after which a webhook that waits for an answer of Shopify is recorded with what is known
then: one before it would become a dead letter, which is not recorded."""


class Delivery(NamedTuple):
    """One attempt of Shopify to tell us something."""

    message_id: str
    """SQS's id of the message."""
    shop: str
    topic: str
    webhook_id: str
    delivery: str
    """Tells this attempt from others of the same webhook."""
    received_at: datetime
    headers: Mapping[str, str]
    """The `x-shopify-…` headers but the signature, in lower case."""
    body: bytes | None
    """What came; None where it is in a bucket."""
    stored: Stored | None
    """Where it is then."""
    receives: int
    """How often SQS has handed the message out."""
    payload: bytes | None = None
    """Shopify's payload, where `body` holds more than that (EventBridge)."""

    @property
    def claim(self) -> str:
        """Who holds it has recorded the webhook."""
        return webhook_claim(self.topic, self.webhook_id)

    @property
    def triggered_at(self) -> datetime | None:
        """When Shopify says that it happened; None where it does not say."""
        return _moment(self.headers.get("x-shopify-triggered-at"))


def read(record: SqsRecord, clock: Clock) -> Delivery:
    """The delivery that a message is; raises InvalidInput for what names no shop."""
    try:
        message = record.json()
    except InvalidInput:
        # A payload may be deeper or have longer numbers than can be read; what stands beside it
        # still names shop and webhook, and the bytes are kept.
        metadata = _metadata_of(record.body)
        if metadata is None:
            raise
        return _from_event_bridge(record, {"detail": {"metadata": metadata}}, None, clock)
    if message.get("detail-type") == _EVENT_BRIDGE:
        detail = message.get("detail")
        payload = json.dumps(detail.get("payload")).encode() if isinstance(detail, dict) else None
        return _from_event_bridge(record, message, payload, clock)
    return _from_edge(record, message, clock)


def recorded(
    shop: str,
    headers: Mapping[str, str],
    body: bytes,
    stored: Stored | None,
    recorded_at: datetime,
) -> Delivery:
    """The delivery that was recorded with these headers and bytes, at that time, to be translated
    again; `stored` is where the bytes are, if in a bucket. Nothing more is waited for that Shopify
    could not tell."""
    told = {name: value for name, value in headers.items() if keeps(name)}
    return Delivery(
        message_id="",
        shop=shop,
        topic=told["x-shopify-topic"],
        webhook_id=told["x-shopify-webhook-id"],
        delivery=headers.get("delivery", ""),
        received_at=_moment(headers.get(RECEIVED)) or recorded_at,
        headers=told,
        body=body,
        stored=stored,
        receives=TRIES,
        payload=_payload(body) if headers.get(VIA) == EVENT_BRIDGE else None,
    )


def _payload(envelope: bytes) -> bytes:
    """What EventBridge's envelope holds; nothing if it cannot be read."""
    try:
        detail = json_object(envelope.decode("utf-8", "surrogatepass")).get("detail")
    except (InvalidInput, UnicodeDecodeError):
        return b""
    return json.dumps(detail.get("payload")).encode() if isinstance(detail, dict) else b""


def named_shop(body: str) -> str:
    """The shop that a message names, even if the rest of it cannot be read; raises InvalidInput if
    it names none."""
    try:
        message = json_object(body)
    except InvalidInput:
        told: object = _metadata_of(body)
    else:
        detail = message.get("detail")
        told = detail.get("metadata") if isinstance(detail, dict) else message.get("headers")
    return shop_host(_shopify_headers(told).get("x-shopify-shop-domain"))


def _from_edge(record: SqsRecord, message: Mapping[str, Any], clock: Clock) -> Delivery:
    headers = _shopify_headers(message.get("headers"))
    body: bytes | None = None
    stored: Stored | None = None
    if isinstance(message.get("body"), str):
        body = _bytes(message["body"])
    else:
        stored = _stored(message)
    headers = named(headers, json.dumps(stored.ref).encode() if stored else body or b"")
    return Delivery(
        message_id=record.message_id,
        shop=shop_host(headers.get("x-shopify-shop-domain")),
        topic=headers["x-shopify-topic"],
        webhook_id=headers["x-shopify-webhook-id"],
        delivery=_delivery(message.get("delivery"), record),
        received_at=_moment(message.get("received_at")) or clock(),
        headers=headers,
        body=body,
        stored=stored,
        receives=record.receives,
    )


def _stored(message: Mapping[str, Any]) -> Stored:
    sealed = message.get("sealed")
    if isinstance(sealed, dict):
        return Stored(_ref(sealed), _bytes(sealed.get("opens")))
    return Stored(_ref(message.get("body_ref")), None)  # of an edge from before: in clear


def _ref(given: object) -> dict[str, str]:
    if isinstance(given, dict):
        ref = {name: given.get(name) for name in ("bucket", "key")}
        if all(isinstance(value, str) and value for value in ref.values()):
            return {name: str(value) for name, value in ref.items()}
    raise InvalidInput(reason="the message has neither body nor body_ref")


def _bytes(given: object) -> bytes:
    try:
        return base64.b64decode(given if isinstance(given, str) else "?", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput(reason="the message's body is not base64") from None


def _from_event_bridge(
    record: SqsRecord, message: Mapping[str, Any], payload: bytes | None, clock: Clock
) -> Delivery:
    detail = message.get("detail")
    body = record.body.encode("utf-8", "surrogatepass")
    headers = _shopify_headers(detail.get("metadata") if isinstance(detail, dict) else None)
    headers = named(headers, payload if payload is not None else body)
    return Delivery(
        message_id=record.message_id,
        shop=shop_host(headers.get("x-shopify-shop-domain")),
        topic=headers["x-shopify-topic"],
        webhook_id=headers["x-shopify-webhook-id"],
        delivery=_delivery(message.get("id"), record),
        received_at=_moment(message.get("time")) or clock(),
        headers=headers,
        body=body,
        stored=None,
        receives=record.receives,
        payload=payload if payload is not None else b"",
    )


def _shopify_headers(given: object) -> dict[str, str]:
    """The `x-shopify-…` headers; EventBridge's metadata may be lower case and lack the `X-`."""
    headers = {}
    for name, value in given.items() if isinstance(given, dict) else ():
        lower = str(name).lower()
        lower = f"x-{lower}" if lower.startswith("shopify-") else lower
        if keeps(lower) and isinstance(value, (str, int)):
            headers[storable(lower)] = storable(str(value))
    return headers


def _metadata_of(text: str) -> dict[str, Any] | None:
    if f'"{_EVENT_BRIDGE}"' not in text:
        return None
    decoder = json.JSONDecoder()
    for found in _METADATA.finditer(text):
        try:
            value, _ = decoder.raw_decode(text, found.end())
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and "x-shopify-shop-domain" in _shopify_headers(value):
            return value
    return None


def _delivery(told: object, record: SqsRecord) -> str:
    """The delivery's id as the message told it; where it did not, by SQS's id of the message."""
    return storable(told if isinstance(told, str) else "") or f"sqs-{record.message_id}"


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        return to_milliseconds(moment.replace(tzinfo=moment.tzinfo or UTC)) if moment else None
    except (ValueError, OverflowError):
        return None
