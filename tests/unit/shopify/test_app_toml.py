"""The file by which Shopify knows the app: it is what Shopify's CLI accepts, and asks for exactly
what is read."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import pytest

from cplus.shopify.webhooks import PAYLOADS, is_required, parse
from tests.shopify_samples import SAMPLES
from tests.unit.shopify.app_toml import app_toml, read_fields, subscription, subscriptions

SUBSCRIBED: Final = sorted(topic for topic in PAYLOADS if not is_required(topic))
FIELDS_OF: Final = {
    topic: one.get("include_fields", [])
    for one in subscriptions()
    for topic in one.get("topics", [])
}


@pytest.mark.parametrize("topic", SUBSCRIBED)
def test_shopify_is_asked_for_exactly_what_the_payload_model_reads(topic: str) -> None:
    wanted = read_fields(PAYLOADS[topic])
    assert FIELDS_OF.get(topic) == wanted, (
        f"write it into shopify.app.toml:\n{subscription([topic], wanted)}"
    )


def _only(payload: Any, fields: list[str]) -> Any:
    """The payload as Shopify sends it with these `include_fields`."""
    if isinstance(payload, list):
        return [_only(one, fields) for one in payload]
    if not isinstance(payload, dict):
        return payload
    inner: dict[str, list[str]] = {}
    for field in fields:
        name, _, rest = field.partition(".")
        inner.setdefault(name, []).extend([rest] if rest else [])
    return {
        name: _only(value, inner[name]) if inner[name] else value
        for name, value in payload.items()
        if name in inner
    }


def _bytes(payload: Any) -> bytes:
    return json.dumps(payload).encode()


@pytest.mark.parametrize("topic", SUBSCRIBED)
def test_what_is_left_of_a_payload_is_read_as_the_whole_is(topic: str) -> None:
    left = _only(SAMPLES[topic], FIELDS_OF[topic])
    assert parse(topic, _bytes(left)) == parse(topic, _bytes(SAMPLES[topic]))


def test_no_address_note_or_property_of_an_order_is_asked_for() -> None:
    asked = {
        part for topic in SUBSCRIBED for field in FIELDS_OF[topic] for part in field.split(".")
    }
    assert not asked & {
        *("shipping_address", "billing_address", "destination", "properties", "order_status_url"),
        *("note_attributes", "addresses", "default_address", "browser_ip", "client_details"),
    }
    assert "note" not in FIELDS_OF["orders/updated"]


def test_what_tells_a_newer_state_from_an_older_one_is_among_it() -> None:
    for topic in ("customers/update", "orders/updated", "fulfillments/update", "shop/update"):
        assert "updated_at" in FIELDS_OF[topic]
    assert "app_subscription.updated_at" in FIELDS_OF["app_subscriptions/update"]


# The rules that version 3.94 of Shopify's CLI (@shopify/cli on npm) has for the part `webhooks`.
_URIS: Final = (
    r"/.*",
    r"https://.+",
    r"pubsub://[^:]+:.+",
    r"arn:aws:events:[a-z]{2}-[a-z]+-[0-9]+::event-source/aws\.partner/shopify\.com(\.test)?/\d+/.+",
)
_COMPLIANCE: Final = {"customers/redact", "customers/data_request", "shop/redact"}
_LISTS: Final = ("topics", "actions", "include_fields", "compliance_topics")
_TEXTS: Final = ("filter", "payload_query", "name")


def faults(webhooks: dict[str, Any]) -> Iterator[str]:
    """What Shopify's CLI would refuse."""
    if not isinstance(webhooks.get("api_version"), str):
        yield "api_version is no text"
    given: list[dict[str, Any]] = webhooks.get("subscriptions", [])
    keys: Counter[tuple[str, str, str]] = Counter()
    compliance: Counter[str] = Counter()
    for one in given:
        yield from _faults_of(one)
        uri, wanted = one.get("uri", ""), one.get("filter", "")
        keys.update((topic, uri, wanted) for topic in one.get("topics", []))
        compliance.update(one.get("compliance_topics", []))
    yield from (f"{key} is there twice" for key, times in keys.items() if times > 1)
    yield from (f"{topic} is there twice" for topic, times in compliance.items() if times > 1)
    if compliance and "privacy_compliance" in webhooks:
        yield "privacy_compliance beside compliance_topics"


def _faults_of(one: dict[str, Any]) -> Iterator[str]:
    yield from (f"{name} is not known" for name in one.keys() - {*_LISTS, *_TEXTS, "uri"})
    uri = str(one.get("uri", "")).rstrip("/") or "missing"
    if not any(re.fullmatch(pattern, uri) for pattern in _URIS):
        yield f"{uri} is no address of a subscription"
    for name in _LISTS:
        value = one.get(name, [])
        if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
            yield f"{name} is no list of texts"
    for name in _TEXTS:
        if name in one and not (isinstance(one[name], str) and one[name].strip()):
            yield f"{name} is no text"
    if len(str(one.get("name", ""))) > 50:
        yield "name is too long"
    if not set(one.get("compliance_topics", [])) <= _COMPLIANCE:
        yield "not a compliance topic"
    if not one.get("topics") and not one.get("compliance_topics"):
        yield "neither topics nor compliance_topics"
    # Of the service, not of the CLI: a filter can look only at what is sent.
    looked_at = set(re.findall(r"([a-z_.]+):", str(one.get("filter", ""))))
    if "include_fields" in one and not looked_at <= set(one["include_fields"]):
        yield "the filter looks at a field that is not included"


def test_shopifys_cli_accepts_the_subscriptions() -> None:
    assert list(faults(app_toml()["webhooks"])) == []
    sent = {topic for one in subscriptions() for topic in one.get("compliance_topics", [])}
    assert sent == _COMPLIANCE


GOOD: Final = {"topics": ["orders/create"], "uri": "/webhooks/shopify"}


@pytest.mark.parametrize(
    "bad",
    [
        {**GOOD, "uri": "webhooks"},
        {**GOOD, "uri": "http://example.com"},
        {**GOOD, "uri": "arn:aws:events:eu-central-1::event-source/aws.partner/other.com/1/x"},
        {"uri": "/webhooks/shopify"},
        {**GOOD, "topics": []},
        {**GOOD, "topics": "orders/create"},
        {**GOOD, "topics": ["orders/create", "orders/create"]},
        {**GOOD, "include_fields": "id"},
        {**GOOD, "include_fields": ["id"], "filter": "status:paid"},
        {**GOOD, "filter": ""},
        {**GOOD, "include_field": ["id"]},
        {**GOOD, "name": "x" * 51},
        {"compliance_topics": ["customers/update"], "uri": "/webhooks/shopify"},
        {"compliance_topics": ["shop/redact", "shop/redact"], "uri": "/webhooks/shopify"},
    ],
)
def test_what_the_cli_refuses_is_found(bad: dict[str, Any]) -> None:
    assert list(faults({"api_version": "2026-10", "subscriptions": [GOOD]})) == []
    assert list(faults({"api_version": "2026-10", "subscriptions": [bad]}))
    assert list(faults({"subscriptions": [GOOD]}))
    assert list(faults({"api_version": "2026-10", "subscriptions": [GOOD, GOOD]}))


def test_both_ways_in_are_addresses_that_the_cli_takes() -> None:
    partner = "arn:aws:events:eu-central-1::event-source/aws.partner/shopify.com/123/cplus"
    assert list(_faults_of({**GOOD, "uri": partner})) == []
