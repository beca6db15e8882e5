"""Events for tests of folds: conversations, what became of mails, customers, histories."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from cplus.events.aggregates.billing_account import BillingAccount
from cplus.events.base import AggregateEvent, Event, Recorded
from cplus.events.catalogue.billing import SubscriptionChanged
from cplus.events.catalogue.conversations import (
    AnswersMoved,
    ConversationClosed,
    ConversationMarkedSpam,
    ConversationReopened,
    ConversationStarted,
    ConversationUnmarkedSpam,
    MessageReceived,
    ReplyWritten,
)
from cplus.events.catalogue.customers import (
    CustomerChanged,
    CustomerConsentChanged,
    CustomerDeleted,
    CustomerImported,
    CustomerSpendChanged,
    CustomerTagsChanged,
    PersonsJoined,
)
from cplus.events.catalogue.imports import ImportEnded, ImportStarted
from cplus.events.catalogue.mail import (
    MailBounced,
    MailComplained,
    MailDelivered,
    MailRejected,
    MailSent,
)
from cplus.events.catalogue.orders import OrderChanged, OrderDeleted, OrderRefunded
from cplus.events.catalogue.shops import AppUninstalled, ShopChanged
from cplus.events.order_parts import Fulfillment, LineItem, Refund, Tracking
from cplus.events.repository import decided
from cplus.projections.base import Projection, Row
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.queries.persons import customer_view, families
from cplus.projections.testing import fold_all
from tests.samples import installed

SHOP = "acorn.myshopify.com"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
PERSONS = ("person/a", "person/b", "person/c")


def at(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def recorded(
    event: Event,
    minutes: int = 0,
    number: int = 1,
    stream: str = "",
    version: int | None = None,
    told_at: datetime | None = None,
) -> Recorded:
    return Recorded(
        shop=SHOP,
        position=number,
        number=number,
        id=f"id{number:05d}/0",
        stream=stream,
        version=version,
        occurred_at=at(minutes),
        recorded_at=NOW,
        source="webhook",
        actor="shopify",
        event=event,
        told_at=told_at,
    )


def fold(projection: Projection, events: Iterable[Recorded]) -> dict[str, Row]:
    return fold_all(projection, tuple(events))


def thread(*makers: tuple[type[AggregateEvent], dict[str, Any]]) -> list[Recorded]:
    made = []
    for version, (kind, fields) in enumerate(makers, start=1):
        place: dict[str, Any] = {"originator_id": "conversation/c1", "originator_version": version}
        event = kind(timestamp=at(version), **place, **fields)
        made.append(recorded(event, version, version, "conversation/c1", version))
    return made


STARTED: tuple[Any, dict[str, Any]] = (
    ConversationStarted,
    {"person": "person/a", "channel": "email", "subject": "A lamp"},
)


CLOSED: tuple[Any, dict[str, Any]] = (ConversationClosed, {})
REOPENED: tuple[Any, dict[str, Any]] = (ConversationReopened, {})
_SPAM = {"person": "person/a", "days": ("2026-11-01",), "month": "2026-11"}
MARKED_SPAM: tuple[Any, dict[str, Any]] = (ConversationMarkedSpam, _SPAM)
UNMARKED_SPAM: tuple[Any, dict[str, Any]] = (ConversationUnmarkedSpam, _SPAM)


def received(message_id: str, text: str = "Hello", **more: Any) -> tuple[Any, dict[str, Any]]:
    fields = {
        "message_id": message_id,
        "person": "person/a",
        "from_name": "Ada",
        "from_address": "ada@example.com",
        "subject": "A lamp",
        "text": text,
        "rfc_message_id": None,
    }
    return MessageReceived, fields | more


def moved_to(message_id: str, **fields: Any) -> tuple[Any, dict[str, Any]]:
    told = {"message_id": message_id, "person": "person/b", "rfc_message_id": None}
    return AnswersMoved, told | fields


def reply(message_id: str, text: str = "Hi Ada") -> tuple[Any, dict[str, Any]]:
    return ReplyWritten, {
        "message_id": message_id,
        "person": "person/a",
        "to_address": "ada@example.com",
        "subject": "A lamp",
        "text": text,
        "author": "merchant",
    }


def mail(kind: type[Event], number: int, message_id: str = "m2", **more: Any) -> Recorded:
    fields: dict[str, Any] = {"message_id": message_id, "conversation_id": "c1", **more}
    return recorded(kind(**fields), number, number, f"mail/{message_id}")


FATES = [
    mail(MailSent, 21, ses_message_id="ses-1"),
    mail(MailSent, 22, ses_message_id="ses-2"),
    mail(MailDelivered, 23),
    mail(MailBounced, 24, permanent=False, reason="Transient/General"),
    mail(MailBounced, 25, permanent=True, reason="Permanent/General"),
    mail(MailComplained, 26),
    mail(MailRejected, 27, reason="Bad content"),
]


def changed(number: int, minutes: int, customer: int = 7, **fields: Any) -> Recorded:
    fields = {"person": "person/a", "email": "ada@example.com", **fields}
    event = CustomerChanged(shopify_customer_id=customer, **fields)
    return recorded(event, minutes, number, f"customer/{customer}")


def imported(number: int, minutes: int, customer: int = 7, **fields: Any) -> Recorded:
    fields = {"person": "person/a", "tags": ("vip",), "orders": 3, **fields}
    fields = {"amount_spent": "30.00", "currency": "EUR", "email_consent": "subscribed", **fields}
    event = CustomerImported(shopify_customer_id=customer, **fields)
    return recorded(event, minutes, number, f"customer/{customer}")


def deleted(number: int, minutes: int, customer_id: int = 7, person: str = "person/a") -> Recorded:
    event = CustomerDeleted(shopify_customer_id=customer_id, person=person)
    return recorded(event, minutes, number, f"customer/{customer_id}")


def bought(number: int, minutes: int, **fields: Any) -> Recorded:
    fields = {"person": "person/a", "name": "#1", "currency": "EUR", **fields}
    fields = {"total_price": "1.00", "financial_status": "pending", **fields}
    return recorded(OrderChanged(shopify_order_id=7, **fields), minutes, number, "order/7")


def sent(number: int, minutes: int, **fields: Any) -> Recorded:
    """The order of a lamp that was sent and can be followed."""
    item = LineItem(id=1, title="A lamp", variant="Blue", quantity=2, current=1, unfulfilled=0)
    parcel = Fulfillment(id=3, status="success", updated_at=at(minutes))
    tracking = Tracking(fulfillment=3, company="Post", numbers=("+49ada",))
    whole = {"items": (item,), "item_count": 1, "fulfillments": (parcel,), "tracking": (tracking,)}
    return bought(number, minutes, **{**whole, **fields})


def plan(number: int, status: str, **fields: Any) -> Recorded:
    event = SubscriptionChanged(subscription_id="gid/1", name="Plus", status=status, **fields)
    return recorded(event, 5, number, "billing/acorn")


def view_of(events: Sequence[Recorded], person: str = "person/a", **orders: Any) -> Any:
    family = families(fold(CUSTOMERS, events))[person]
    return customer_view(family, {}, orders)


def joined(number: int, person: str, absorbed: str) -> Recorded:
    return recorded(PersonsJoined(person=person, absorbed=absorbed), number, number, person)


tags = st.none() | st.lists(st.sampled_from(["vip", "VIP", "new"]), max_size=2).map(tuple)

persons = st.sampled_from(PERSONS)
ids = st.integers(1, 3)
minutes = st.integers(0, 5)
words = st.sampled_from(["Ada", "Bea", None])
customer = {"shopify_customer_id": ids, "person": persons}
shop_names = st.sampled_from(["Acorn", "Birch"])
facts_of_shopify: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        CustomerChanged,
        **customer,
        first_name=words,
        locale=words,
        state=st.sampled_from(["disabled", "enabled"]),
        created_at=st.just(NOW),
    ),
    st.builds(
        CustomerImported,
        **customer,
        created_at=st.sampled_from([None, NOW]),
        first_name=words,
        orders=ids,
        email_consent=st.sampled_from([None, "subscribed"]),
    ),
    st.builds(CustomerConsentChanged, **customer, email_consent=st.just("unsubscribed")),
    st.builds(CustomerDeleted, **customer, merged_into=st.sampled_from([None, 1, 2])),
    st.builds(CustomerSpendChanged, **customer, orders=ids, amount_spent=st.just("9.00")),
    st.builds(PersonsJoined, person=persons, absorbed=persons),
    st.builds(
        OrderChanged,
        shopify_order_id=ids,
        person=persons,
        name=st.just("#1"),
        currency=st.just("EUR"),
        total_price=st.just("1.00"),
        financial_status=st.sampled_from(["pending", "paid"]),
        test=st.booleans(),
    ),
    st.builds(OrderDeleted, shopify_order_id=ids),
    st.builds(
        OrderRefunded,
        shopify_order_id=ids,
        refund=st.builds(Refund, id=ids, amount=st.just("1.00"), pending=st.booleans()),
    ),
    st.builds(
        CustomerTagsChanged,
        shopify_customer_id=ids,
        person=persons,
        added=tags,
        removed=tags,
    ),
    st.builds(installed, shop_names, st.just(("read_orders",))),
    st.builds(AppUninstalled),
    st.builds(ShopChanged, shop_name=shop_names, timezone=words),
    st.builds(
        SubscriptionChanged,
        subscription_id=st.sampled_from(["gid/1", "gid/2"]),
        name=st.just("Plus"),
        status=st.sampled_from(["active", "frozen"]),
        price=st.sampled_from([None, "9.00", "10.00"]),
    ),
    st.builds(ImportStarted, import_id=st.just("i1")),
    st.builds(ImportEnded, import_id=st.just("i1"), outcome=st.just("complete"), pages=ids),
)


def account(*reached: str) -> list[Recorded]:
    """What the aggregate of an account decides that reaches these months."""
    made = BillingAccount.empty("billing/acorn.myshopify.com")
    made.open(conversations=3, now=at(0))
    for minutes, month in enumerate(reached, start=1):
        made.count(month=month, started=3, subscribed=False, now=at(minutes))
    news = enumerate(decided(made), start=60)
    return [recorded(new.event, number, number, new.stream, new.version) for number, new in news]


DAY = 24 * 60


def moved(event: Recorded, minutes: int) -> Recorded:
    """The event, at `minutes` after noon."""
    return event._replace(occurred_at=at(minutes))
