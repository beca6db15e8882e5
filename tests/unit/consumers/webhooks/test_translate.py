"""What each webhook means, and what is said of those that mean nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cplus.errors import InvalidInput
from cplus.events.catalogue.billing import CapApproached, SubscriptionChanged
from cplus.events.catalogue.customers import (
    CustomerChanged,
    CustomerConsentChanged,
    CustomerDeleted,
    CustomerSpendChanged,
    CustomerTagsChanged,
    PersonsJoined,
)
from cplus.events.catalogue.orders import (
    OrderChanged,
    OrderDeleted,
    OrderFulfillmentChanged,
    OrderRefunded,
)
from cplus.events.catalogue.privacy import DataRequested, ErasureRequested, ShopErasureRequested
from cplus.events.catalogue.shops import AppUninstalled, ScopesChanged, ShopChanged
from cplus.events.names import erasure_of_webhook
from cplus.shopify.webhooks import PAYLOADS
from tests.shopify_samples import CAP, EDIT, FULFILLMENT, REFUND, TAGS
from tests.unit.consumers.webhooks.telling import (
    ISO,
    RECEIVED,
    SHOP,
    TRIGGERED,
    UPDATED,
    People,
    told,
)

CUSTOMER = {
    "id": 7,
    "email": "ann@example.com",
    "first_name": "Ann",
    "last_name": None,
    "phone": None,
    "note": "likes tea",
    "state": "enabled",
    "currency": "EUR",
    "created_at": "2026-01-02T03:04:05Z",
    "updated_at": ISO,
}


@pytest.mark.parametrize(
    "topic", ["customers/create", "customers/update", "customers/enable", "customers/disable"]
)
async def test_a_customer_that_changed_is_told_with_its_own_time(topic: str) -> None:
    people = People()
    [new] = await told(topic, CUSTOMER, people)
    assert new.event == CustomerChanged(
        shopify_customer_id=7,
        person="person/new",
        first_name="Ann",
        email="ann@example.com",
        note="likes tea",
        state="enabled",
        currency="EUR",
        created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    )
    assert (new.stream, new.version, new.occurred_at) == ("customer/7", None, UPDATED)
    assert (people.asked, people.told) == ([(7, "ann@example.com")], [UPDATED])
    assert people.told_at == [TRIGGERED]


async def test_without_a_time_of_its_own_it_happened_when_it_was_triggered_or_came() -> None:
    [new] = await told("customers/update", {"id": 7})
    assert new.occurred_at == TRIGGERED
    [new] = await told("customers/update", {"id": 7}, triggered=False)
    assert new.occurred_at == RECEIVED


async def test_identities_of_two_persons_join_them_before_the_fact() -> None:
    people = People(**{"id7": "person/b", "ann@example.com": "person/a"})
    joined, fact = await told("customers/update", CUSTOMER, people)
    assert joined.event == PersonsJoined(person="person/a", absorbed="person/b")
    assert joined.stream == "person/a"
    assert isinstance(fact.event, CustomerChanged)
    assert fact.event.person == "person/a"


@pytest.mark.parametrize("email", [None, "", "   "])
async def test_no_address_is_no_identity_and_ends_the_last_one(email: str | None) -> None:
    people = People()
    await told("customers/update", {"id": 7, "email": email}, people)
    assert (people.asked, people.told) == ([(7, None)], [TRIGGERED])


async def test_an_address_that_is_left_out_ends_nothing() -> None:
    people = People()
    await told("customers/update", {"id": 7}, people)
    assert (people.asked, people.told) == ([(7, None)], [None])


async def test_a_deleted_customer_is_told_with_its_person() -> None:
    [new] = await told("customers/delete", {"id": 7}, People(id7="person/a"))
    assert new.event == CustomerDeleted(shopify_customer_id=7, person="person/a")
    assert new.occurred_at == TRIGGERED


def merge(status: str = "completed") -> dict[str, Any]:
    return {
        "admin_graphql_api_customer_kept_id": "gid://shopify/Customer/7",
        "admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/8",
        "status": status,
    }


@pytest.mark.parametrize(("kept", "gone"), [("person/a", "person/b"), ("person/b", "person/a")])
async def test_a_merge_joins_two_persons_and_deletes_one_customer(kept: str, gone: str) -> None:
    joined, deleted = await told("customers/merge", merge(), People(id7=kept, id8=gone))
    assert joined.event == PersonsJoined(person="person/a", absorbed="person/b")
    assert deleted.event == CustomerDeleted(shopify_customer_id=8, person="person/a", merged_into=7)
    assert deleted.stream == "customer/8"


async def test_a_merge_of_one_person_joins_nobody() -> None:
    [new] = await told("customers/merge", merge(), People(id7="person/a", id8="person/a"))
    assert isinstance(new.event, CustomerDeleted)


@pytest.mark.parametrize("erased", [{"person/a"}, {"person/b"}])
async def test_a_merge_joins_nobody_with_somebody_who_was_erased(erased: set[str]) -> None:
    people = People(id7="person/a", id8="person/b")
    people.erased = erased
    [new] = await told("customers/merge", merge(), people)
    assert new.event == CustomerDeleted(shopify_customer_id=8, person="person/b", merged_into=7)


@pytest.mark.parametrize("status", ["in_progress", "failed"])
async def test_a_merge_that_is_not_done_means_nothing(status: str) -> None:
    assert await told("customers/merge", merge(status)) == []


async def test_a_consent_is_told_when_it_was_given() -> None:
    payload = {
        "customer_id": 7,
        "email_address": "ann@example.com",
        "email_marketing_consent": {"state": "SUBSCRIBED", "consent_updated_at": ISO},
    }
    [new] = await told("customers_email_marketing_consent/update", payload)
    assert new.event == CustomerConsentChanged(
        shopify_customer_id=7, person="person/new", email_consent="subscribed"
    )
    assert new.occurred_at == UPDATED


ORDER = {
    "id": 70,
    "name": "#1001",
    "email": "gift@example.com",
    "currency": "EUR",
    "total_price": "10.50",
    "financial_status": "paid",
    "updated_at": ISO,
    "customer": {"id": 7, "email": "ann@example.com"},
}


@pytest.mark.parametrize("topic", [t for t, m in PAYLOADS.items() if m.__name__ == "Order"])
async def test_an_order_is_told_with_who_ordered(topic: str) -> None:
    people = People()
    [new] = await told(topic, ORDER, people)
    assert isinstance(new.event, OrderChanged)
    assert (new.event.person, new.event.name) == ("person/new", "#1001")
    assert (new.event.total_price, new.event.cancelled) == ("10.50", False)
    assert (new.stream, new.occurred_at) == ("order/70", UPDATED)
    assert new.event.shopify_customer_id == 7
    assert new.told_at == TRIGGERED
    assert people.asked == [(7, None)], "an order's address may be another's"


@pytest.mark.parametrize(
    ("total", "current", "counts"),
    [("100.00", "0.00", "0.00"), ("80.00", "30.00", "30.00"), ("50.00", "75.00", "75.00")],
)
async def test_an_order_comes_to_what_refunds_and_edits_have_left(
    total: str, current: str, counts: str
) -> None:
    amounts = {"total_price": total, "current_total_price": current}
    [new] = await told("orders/updated", {**ORDER, **amounts})
    assert isinstance(new.event, OrderChanged)
    assert new.event.total_price == counts


async def test_a_purchasing_summary_tells_what_was_bought_in_all() -> None:
    payload = {
        "customerId": "gid://shopify/Customer/7",
        "numberOfOrders": 3,
        "amountSpent": {"amount": "37.035", "currencyCode": "KWD"},
        "occurredAt": ISO,
    }
    [new] = await told("customers/purchasing_summary", payload)
    assert new.event == CustomerSpendChanged(
        shopify_customer_id=7,
        person="person/new",
        orders=3,
        amount_spent="37.035",
        currency="KWD",
    )
    assert (new.stream, new.occurred_at) == ("customer/7", UPDATED)


async def test_an_order_of_nobody_names_nobody() -> None:
    [new] = await told("orders/create", {**ORDER, "customer": None, "email": ""})
    assert isinstance(new.event, OrderChanged)
    assert new.event.person is None


async def test_an_order_of_a_guest_is_known_by_its_address() -> None:
    people = People()
    await told("orders/create", {**ORDER, "customer": None}, people)
    assert people.asked == [(None, "gift@example.com")]


async def test_a_deleted_order_is_told() -> None:
    [new] = await told("orders/delete", {"id": 70})
    assert (new.event, new.stream) == (OrderDeleted(shopify_order_id=70), "order/70")


async def test_an_uninstall_happened_when_it_was_triggered_and_to_the_shop_of_the_header() -> None:
    payload = {"id": 1, "name": "Blue Jam", "myshopify_domain": None, "updated_at": ISO}
    [new] = await told("app/uninstalled", payload)
    assert (new.event, new.stream) == (AppUninstalled(), f"shop/{SHOP}")
    assert new.occurred_at == TRIGGERED, "updated_at says when the shop was last edited"


async def test_other_scopes_are_told_and_the_same_ones_mean_nothing() -> None:
    payload = {"shop_id": 1, "previous": ["read_orders"], "current": ["read_orders", "x"]}
    [new] = await told("app/scopes_update", {**payload, "updated_at": ISO})
    assert new.event == ScopesChanged(scopes=("read_orders", "x"), previous=("read_orders",))
    assert new.stream == f"shop/{SHOP}"
    assert new.occurred_at != TRIGGERED
    assert await told("app/scopes_update", {**payload, "previous": ["x", "read_orders"]}) == []


async def test_a_shop_that_changed_is_told() -> None:
    payload = {"id": 1, "name": "Blue Jam", "currency": "EUR", "iana_timezone": "Europe/Berlin"}
    [new] = await told("shop/update", {**payload, "plan_name": "basic", "country_code": "DE"})
    assert new.event == ShopChanged(
        shop_name="Blue Jam",
        currency="EUR",
        timezone="Europe/Berlin",
        shopify_plan="basic",
        country="DE",
    )
    for untold in ({"iana_timezone": None}, {}):
        [new] = await told("shop/update", {"id": 1, "name": "Blue Jam", **untold})
        assert isinstance(new.event, ShopChanged)
        assert new.event.timezone is None, "not told, so the row keeps what it was told before"


@pytest.mark.parametrize("old", [False, True])
async def test_a_subscription_is_told_also_in_its_older_shape(old: bool) -> None:
    one = {
        "admin_graphql_api_id": "gid://shopify/AppSubscription/9",
        "name": "Pro",
        "status": "ACTIVE",
        "created_at": ISO,
        "updated_at": ISO,
        "currency": "USD",
        **({} if old else {"price": "10.00", "plan_handle": "pro"}),
    }
    [new] = await told("app_subscriptions/update", {"app_subscription": one})
    assert isinstance(new.event, SubscriptionChanged)
    assert new.event.subscription_id == "gid://shopify/AppSubscription/9"
    assert new.event.status == "active"
    assert new.event.plan == (None if old else "pro")
    assert new.stream == f"billing/{SHOP}"


@pytest.mark.parametrize("body", [b"", b"no json", b'{"id": 1}'])
async def test_any_other_topic_means_nothing_whatever_it_holds(body: bytes) -> None:
    assert await told("products/update", body) == []
    assert await told("unknown", body) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"[" * 1000 + b"]" * 1000,
        b'{"id": 7, "deep": ' + b'{"a":' * 1000 + b"1" + b"}" * 1001,
        b'{"id": 9223372036854775808}',
        b'{"id": 7, "email": ["secret"]}',
        b'{"id": "secret"}',
        b'{"id": 7, "updated_at": "secret"}',
        b'{"id": true}',
        b'{"id": NaN}',
    ],
)
async def test_what_cannot_be_read_has_a_reason_that_shows_nothing_of_it(body: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        await told("customers/update", body)
    assert caught.value.values["reason"]
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("orders/create", {**ORDER, "currency": None}),
        ("orders/create", {**ORDER, "total_price": None}),
        ("shop/update", {"id": 1}),
        (
            "customers/merge",
            {
                **merge(),
                "admin_graphql_api_customer_kept_id": merge()[
                    "admin_graphql_api_customer_deleted_id"
                ],
            },
        ),
        (
            "customers_email_marketing_consent/update",
            {"customer_id": 7, "email_marketing_consent": {"state": None}},
        ),
    ],
)
async def test_a_payload_that_lacks_what_it_is_about_has_a_reason(
    topic: str, payload: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput):
        await told(topic, payload)


REQUEST: dict[str, Any] = {
    "shop_id": 9,
    "shop_domain": SHOP,
    "orders_requested": [70],
    "customer": {"id": 7, "email": "ann@example.com", "phone": "+1555"},
    "data_request": {"id": 9999},
}


async def test_a_request_for_data_names_who_asks_and_is_due_30_days_after_it_was_told() -> None:
    people = People(id7="person/a")
    [new] = await told("customers/data_request", REQUEST, people)
    assert new.event == DataRequested(
        request_id=9999,
        person="person/a",
        shopify_customer_id=7,
        email="ann@example.com",
        phone="+1555",
        due_at=TRIGGERED + timedelta(days=30),
    )
    assert (new.stream, new.occurred_at) == ("data-request/9999", TRIGGERED)
    assert (people.asked, people.told) == ([(7, "ann@example.com")], [TRIGGERED])
    [late] = await told("customers/data_request", REQUEST, people, triggered=False)
    assert isinstance(late.event, DataRequested)
    assert late.event.due_at == RECEIVED + timedelta(days=30)


@pytest.mark.parametrize(
    ("customer", "asked", "person"),
    [
        ({"email": "ann@example.com"}, [(None, "ann@example.com")], "person/a"),
        ({"id": 7, "email": None}, [(7, None)], "person/new"),
        ({"phone": "+1555"}, [(None, None)], "person/p"),
        ({}, [(None, None)], "person/request9999"),
    ],
)
async def test_a_request_is_by_id_or_address_and_somebody_nobody_knows_has_it_too(
    customer: dict[str, Any], asked: list[Any], person: str
) -> None:
    people = People(**{"ann@example.com": "person/a", "+1555": "person/p"})
    [new] = await told("customers/data_request", {**REQUEST, "customer": customer}, people)
    assert isinstance(new.event, DataRequested)
    assert (new.event.person, people.asked) == (person, asked)
    if "id" in customer:
        assert people.told == [None], "nobody is said to have lost an address"


async def test_a_request_of_two_persons_who_are_one_says_so_first() -> None:
    people = People(**{"id7": "person/b", "ann@example.com": "person/a"})
    joined, new = await told("customers/data_request", REQUEST, people)
    assert joined.event == PersonsJoined(person="person/a", absorbed="person/b")
    assert isinstance(new.event, DataRequested)
    assert new.event.person == "person/a"


REDACT: dict[str, Any] = {
    "shop_id": 9,
    "shop_domain": SHOP,
    "customer": {"id": 7, "email": "ann@example.com", "phone": "+1555"},
    "orders_to_redact": [70],
}
ERASURE = erasure_of_webhook("customers/redact", "w-1")


async def test_a_redact_asks_to_erase_whom_it_names_within_30_days() -> None:
    people = People(id7="person/a")
    [new] = await told("customers/redact", REDACT, people)
    assert new.event == ErasureRequested(
        erasure=ERASURE,
        person="person/a",
        shopify_customer_id=7,
        email="ann@example.com",
        phone="+1555",
        due_at=TRIGGERED + timedelta(days=30),
    )
    assert (new.stream, new.occurred_at) == (f"erasure/{ERASURE}", TRIGGERED)
    assert people.asked == [(7, "ann@example.com")]
    [at] = people.told
    assert at is not None
    assert at < UPDATED - timedelta(days=1_000), "whatever is known of the address is newer"


@pytest.mark.parametrize(
    ("customer", "asked", "person"),
    [
        ({"email": "ann@example.com"}, [(None, "ann@example.com")], "person/a"),
        ({"id": 7, "email": None}, [(7, None)], "person/new"),
        ({"phone": "+1555"}, [(None, None)], "person/p"),
        ({"phone": "none"}, [(None, None)], f"person/erasure{ERASURE}"),
    ],
)
async def test_a_redact_is_by_id_or_address_or_phone_alone(
    customer: dict[str, Any], asked: list[Any], person: str
) -> None:
    people = People(**{"ann@example.com": "person/a", "+1555": "person/p"})
    [new] = await told("customers/redact", {**REDACT, "customer": customer}, people)
    assert isinstance(new.event, ErasureRequested)
    assert (new.event.person, people.asked, people.told) == (person, asked, [None])


@pytest.mark.parametrize("customer", [{}, {"id": None, "email": "", "phone": None}])
async def test_a_redact_that_names_nobody_has_a_reason(customer: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="no id, email or phone"):
        await told("customers/redact", {**REDACT, "customer": customer})


PLACED = datetime(2026, 11, 19, 8, tzinfo=UTC)
CONSENT = {"state": "SUBSCRIBED", "consent_updated_at": ISO}


@pytest.mark.parametrize(
    ("topic", "payload", "happened_at", "ordered"),
    [
        ("customers/update", CUSTOMER, UPDATED, False),
        ("customers/update", {"id": 7, "updated_at": ISO}, UPDATED, False),
        ("customers/delete", {"id": 7}, TRIGGERED, False),
        ("customers/merge", merge(), TRIGGERED, False),
        ("customers_email_marketing_consent/update",
         {"customer_id": 7, "email_marketing_consent": CONSENT}, UPDATED, False),
        ("orders/updated", {**ORDER, "created_at": PLACED.isoformat()}, PLACED, True),
        ("orders/updated", {**ORDER, "created_at": None}, UPDATED, False),
        ("orders/create",
         {**ORDER, "customer": None, "created_at": PLACED.isoformat()}, PLACED, True),
        ("customers/data_request", REQUEST, TRIGGERED, False),
        ("customers/redact", REDACT, TRIGGERED, False),
    ],
)  # fmt: skip
async def test_the_directory_is_told_when_it_happened_and_whether_it_is_an_order(
    topic: str, payload: dict[str, Any], happened_at: datetime, ordered: bool
) -> None:
    people = People()
    await told(topic, payload, people)
    assert {*people.happened_at} == {happened_at}
    assert {*people.ordered} == {ordered}


async def test_a_redact_of_a_shop_asks_to_erase_it_within_30_days() -> None:
    people = People()
    [new] = await told("shop/redact", {"shop_id": 9, "shop_domain": SHOP}, people)
    due_at = TRIGGERED + timedelta(days=30)
    erasure = erasure_of_webhook("shop/redact", "w-1")
    assert erasure != ERASURE, "of two topics it is never the same"
    assert new.event == ShopErasureRequested(erasure=erasure, due_at=due_at)
    assert (new.stream, people.asked) == (f"erasure/{erasure}", [])


@pytest.mark.parametrize("topic", ["fulfillments/create", "fulfillments/update"])
async def test_a_fulfillment_is_told_without_whose_it_is(topic: str) -> None:
    people = People()
    [new] = await told(topic, FULFILLMENT, people)
    assert isinstance(new.event, OrderFulfillmentChanged)
    assert (new.stream, new.event.fulfillment.shipment_status) == (
        "order/820982911946154508",
        "in_transit",
    )
    assert new.occurred_at == datetime(2026, 11, 2, 13, 15, 30, tzinfo=UTC)
    assert people.asked == []
    for word in ("mira", "lisbon", "ups"):
        assert word not in repr(new.event).lower()


async def test_a_refund_is_told_with_the_money_that_moved() -> None:
    [new] = await told("refunds/create", REFUND)
    assert isinstance(new.event, OrderRefunded)
    assert (new.event.refund.amount, new.event.refund.currency) == ("199.00", "EUR")
    assert "damaged" not in repr(new.event)


async def test_an_edit_means_nothing_as_the_order_itself_is_told_too() -> None:
    assert await told("orders/edited", EDIT) == []


async def test_tags_are_told_as_they_change() -> None:
    people = People(id706405506930370084="person/a")
    [new] = await told("customer.tags_added", TAGS, people)
    assert new.event == CustomerTagsChanged(
        shopify_customer_id=706405506930370084, person="person/a", added=("vip", "wholesale")
    )
    assert new.occurred_at == datetime(2026, 11, 2, 13, 15, 30, 250_000, tzinfo=UTC)
    [gone] = await told("customer.tags_removed", {**TAGS, "tags": ["vip", " vip ", ""]}, people)
    assert isinstance(gone.event, CustomerTagsChanged)
    assert (gone.event.added, gone.event.removed) == (None, ("vip",))
    assert await told("customer.tags_added", {**TAGS, "tags": None}, people) == []


async def test_a_cap_that_is_nearly_used_up_is_told_when_shopify_said_so() -> None:
    [new] = await told("app_subscriptions/approaching_capped_amount", CAP)
    assert new.event == CapApproached(
        subscription_id="gid://shopify/AppSubscription/1029266996",
        balance_used="18.5",
        capped_amount="20.0",
        currency="USD",
    )
    assert new.occurred_at == TRIGGERED
