"""Webhooks are read as Shopify documents them, and bad ones are refused with a reason."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cplus.errors import InvalidInput
from cplus.shopify import PAYLOADS, parse
from cplus.shopify.orders import Order
from cplus.shopify.webhooks import (
    AppSubscriptionUpdated,
    Customer,
    CustomersMerged,
    EmailConsentUpdated,
    PurchasingSummary,
)
from tests.shopify_samples import CONSENT, CUSTOMER, MERGE, ORDER, SAMPLES, SUBSCRIPTION, SUMMARY


def _bytes(payload: object) -> bytes:
    return json.dumps(payload).encode()


@pytest.mark.parametrize("topic", sorted(PAYLOADS))
def test_every_known_topic_reads_its_published_shape(topic: str) -> None:
    payload = parse(topic, _bytes(SAMPLES[topic]))
    assert isinstance(payload, PAYLOADS[topic])


@pytest.mark.parametrize(
    "topic", sorted(topic for topic in PAYLOADS if not topic.startswith("app_subscriptions/"))
)
def test_a_payload_of_nothing_but_what_names_it_is_enough(topic: str) -> None:
    required = {
        field.validation_alias or name
        for name, field in PAYLOADS[topic].model_fields.items()
        if field.is_required()
    }
    payload = {name: value for name, value in SAMPLES[topic].items() if name in required}
    assert parse(topic, _bytes(payload)) is not None


def test_an_unknown_topic_is_no_error_whatever_it_holds() -> None:
    assert parse("themes/publish", b"\xff not json") is None


def test_times_are_utc_and_money_is_text() -> None:
    order = parse("orders/create", _bytes(ORDER))
    assert isinstance(order, Order)
    assert order.updated_at == datetime(2026, 11, 2, 13, 15, 30, tzinfo=UTC)
    assert order.total_price == "388.00"
    assert order.customer is not None
    assert order.customer.id == 706405506930370084


def test_a_merge_names_both_customers_and_says_whether_it_is_done() -> None:
    merge = parse("customers/merge", _bytes(MERGE))
    assert isinstance(merge, CustomersMerged)
    assert (merge.kept_id, merge.deleted_id, merge.completed) == (1, 2, False)
    done = parse("customers/merge", _bytes({**MERGE, "status": "completed"}))
    assert isinstance(done, CustomersMerged)
    assert done.completed


def test_consent_and_older_subscriptions_are_read() -> None:
    consent = parse("customers_email_marketing_consent/update", _bytes(CONSENT))
    assert isinstance(consent, EmailConsentUpdated)
    assert consent.email_marketing_consent.state == "not_subscribed"
    older = dict(SUBSCRIPTION["app_subscription"])
    for name in ("currency", "capped_amount", "price", "interval", "plan_handle"):
        del older[name]
    subscription = parse("app_subscriptions/update", _bytes({"app_subscription": older}))
    assert isinstance(subscription, AppSubscriptionUpdated)
    assert subscription.app_subscription.id == 1029266996
    assert subscription.app_subscription.price is None


DEEP = b'{"id": 1, "x": ' + b"[" * 1000 + b"]" * 1000 + b"}"
DEEPER = b"[" * 200_000


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b'{"id": NaN}', "id: "),
        (b'{"id": 1} trailing', "not JSON"),
        (b"\0", "not JSON"),
        (DEEP, "nested too deeply"),
        (DEEPER, "nested too deeply"),
        (b'{"id": 9223372036854775808}', "id: "),
        (b'{"id": ' + b"9" * 10_000 + b"}", "id: "),
        (b"{}", "id: Field required"),
        (b'{"id": "7"}', "id: "),
        (b'{"id": 0}', "id: "),
        (b'{"id": true}', "id: "),
        (b'{"id": 1.5}', "id: "),
        (b'{"id": 1, "updated_at": "yesterday"}', "updated_at: "),
        (b'{"id": 1, "updated_at": "2026-11-02T08:15:30"}', "updated_at: "),
        (b'{"id": 1, "updated_at": 1795000000}', "updated_at: "),
        (b'{"id": 1, "updated_at": "0001-01-01T00:00:00+14:00"}', "updated_at: "),
        (b'{"id": 1, "currency": "euro"}', "currency: "),
    ],
)
def test_bad_input_is_refused_with_its_reason(body: bytes, reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse("customers/update", body)
    assert reason in refused.value.values["reason"]


@pytest.mark.parametrize("amount", [388, 388.0, "1e3", "NaN", "12,50", "", "9" * 30, "1.2345678"])
def test_money_that_is_no_decimal_text_is_refused(amount: object) -> None:
    with pytest.raises(InvalidInput, match="total_price"):
        parse("orders/create", _bytes({"id": 1, "total_price": amount}))


@pytest.mark.parametrize(
    "unused",
    [
        {"default_address": {"city": 7}, "shipping_lines": 7, "tags": {}},
        {"tags": "door\0bell", "\ud800": ["\udc00", {"\0": 1}]},
        {"note_attributes": [{"name": "engraving", "value": "\ud800"}]},
        {"note_attributes": [{"name": "n", "value": 10**22 + 7}], "x": -(2**63) - 1},
        {"x": float("nan"), "deep": json.loads("[" * 200 + "]" * 200)},
    ],
)
def test_a_field_that_nobody_reads_may_hold_anything(unused: dict[str, Any]) -> None:
    assert parse("customers/update", _bytes({"id": 1, **unused})) is not None
    assert parse("orders/create", _bytes({**ORDER, **unused})) == parse(
        "orders/create", _bytes(ORDER)
    )
    long_number = b'{"id": 1, "unused": ' + b"9" * 10_000 + b"}"
    assert parse("customers/update", long_number) is not None


def test_what_is_kept_is_cleaned_of_what_cannot_be_stored() -> None:
    customer = parse("customers/update", _bytes({"id": 1, "note": "door\0bell \ud800!"}))
    assert isinstance(customer, Customer)
    assert customer.note == "doorbell \ufffd!"


@pytest.mark.parametrize("customer", [None, {}, {"id": None}, {"id": "7"}, {"id": True}, 7, []])
def test_an_order_is_kept_whatever_stands_where_its_customer_would(customer: object) -> None:
    order = parse("orders/create", _bytes({**ORDER, "customer": customer}))
    assert isinstance(order, Order)
    assert (order.customer, order.name) == (None, "#1001")


def test_only_what_says_who_it_is_is_read_of_the_customer_in_an_order() -> None:
    order = parse("orders/create", _bytes({**ORDER, "customer": {"id": 7, "currency": "euro"}}))
    assert isinstance(order, Order)
    assert order.customer is not None
    assert order.customer.id == 7


def test_a_purchasing_summary_is_read() -> None:
    summary = parse("customers/purchasing_summary", _bytes(SUMMARY))
    assert isinstance(summary, PurchasingSummary)
    assert (summary.customer_id, summary.number_of_orders) == (7, 3)
    assert summary.spent is not None
    assert (summary.spent.amount, summary.spent.currency) == ("37.035", "KWD")


def test_a_surrogate_pair_is_a_character_like_any_other() -> None:
    customer = parse("customers/update", b'{"id": 1, "first_name": "\\ud83d\\ude00"}')
    assert isinstance(customer, Customer)
    assert customer.first_name == "\N{GRINNING FACE}"


def test_a_reason_holds_nothing_of_what_a_person_wrote() -> None:
    for field in ("first_name", "email", "note", "updated_at", "currency"):
        with pytest.raises(InvalidInput) as refused:
            parse("customers/update", _bytes({"id": 1, field: ["mira@example.com"]}))
        assert "mira" not in str(refused.value)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(["id", "email", "updated_at", "note", "currency", "customer", "tags"])


@given(st.sampled_from(sorted(PAYLOADS)), st.dictionaries(FIELDS | st.text(), JSON_VALUES))
def test_any_json_is_read_or_refused_and_never_anything_else(
    topic: str, payload: dict[str, Any]
) -> None:
    try:
        parse(topic, _bytes(payload))
    except InvalidInput as refused:
        assert refused.values["reason"]  # noqa: PT017 - most inputs are refused, some are not


@given(st.sampled_from(sorted(PAYLOADS)), st.binary())
def test_any_bytes_are_refused_and_never_anything_else(topic: str, body: bytes) -> None:
    with pytest.raises(InvalidInput):
        parse(topic, body)


@given(
    st.sampled_from([("customers/update", CUSTOMER), ("orders/updated", ORDER)]),
    st.dictionaries(FIELDS | st.text(), JSON_VALUES),
    st.sampled_from(
        ["", '"id": 1', '"note": "\\ud800"', '"tags": NaN', '"tags": ' + "[" * 250 + "]" * 250]
    ),
)
def test_the_fast_reader_of_json_reads_what_the_exact_one_does(
    known: tuple[str, dict[str, Any]], others: dict[str, Any], first: str
) -> None:
    topic, payload = known
    body = json.dumps({**payload, **others}).encode()
    if first:  # a field that comes twice counts as it comes last
        body = b"{%s, %s" % (first.encode(), body[1:])
    try:
        exact = PAYLOADS[topic].model_validate(json.loads(body))
    except ValidationError:
        with pytest.raises(InvalidInput):
            parse(topic, body)
    else:
        assert parse(topic, body) == exact
