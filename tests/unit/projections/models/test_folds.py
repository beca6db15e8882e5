"""What the folds promise: the same rows in any order of the facts, and however often they come."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cplus.events.aggregates.billing_account import BillingAccount
from cplus.events.base import Event, Recorded
from cplus.events.catalogue.billing import SubscriptionChanged
from cplus.events.catalogue.customers import PersonsJoined
from cplus.events.catalogue.imports import ImportEnded, ImportOrdersLoaded, ImportPageLoaded
from cplus.events.catalogue.mail import (
    MailBounced,
)
from cplus.events.catalogue.setup import (
    GuideDismissed,
    GuideRestored,
    MailTestAnnounced,
    MailTestReceived,
)
from cplus.events.catalogue.shops import AppUninstalled, ScopesChanged
from cplus.events.repository import decided
from cplus.projections.groups import ALL
from cplus.projections.models.billing import BILLING
from cplus.projections.models.conversations import CONVERSATIONS
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.models.messages import MESSAGES
from cplus.projections.models.orders import ORDERS
from cplus.projections.models.persons import MAX_ACCOUNTS, combine, kind_of
from cplus.projections.models.shops import SHOPS
from cplus.projections.queries import Setup
from cplus.projections.queries.persons import customer_view, families
from cplus.projections.queries.row_views import account_view, import_view, shop_view
from tests.samples import installed
from tests.unit.projections.models.told_events import (
    CLOSED,
    FATES,
    MARKED_SPAM,
    PERSONS,
    REOPENED,
    STARTED,
    UNMARKED_SPAM,
    account,
    at,
    changed,
    deleted,
    facts_of_shopify,
    fold,
    imported,
    joined,
    mail,
    minutes,
    moved_to,
    received,
    recorded,
    reply,
    thread,
    view_of,
)

FACTS = (CUSTOMERS, ORDERS, BILLING, SHOPS)


# --- conversations

NONE = dict.fromkeys(("conversations", "open", "unanswered", "spam", "snoozed", "assigned"), 0)


def test_a_conversation_tells_who_waits_and_what_was_said_last() -> None:
    events = thread(STARTED, received("m1", "Do you\n have   lamps?"))
    row = fold(CONVERSATIONS, events)["c1"]
    assert (row["open"], row["unanswered"], row["messages"]) == (True, True, 1)
    assert row["snippet"] == "Do you have lamps?"
    assert (row["last_from"], row["from_name"]) == ("shopper", "Ada")
    assert row["last_message_at"] == at(2)
    row = fold(CONVERSATIONS, thread(STARTED, received("m1"), reply("m2")))["c1"]
    assert (row["unanswered"], row["messages"], row["last_from"]) == (False, 2, "merchant")


def test_spam_waits_for_nothing_and_counts_as_nothing_else_until_it_is_unmarked() -> None:
    spam = fold(CONVERSATIONS, thread(STARTED, received("m1"), MARKED_SPAM, received("m2")))
    assert (spam["c1"]["spam"], spam["c1"]["unanswered"]) == (True, False)
    assert CONVERSATIONS.counts is not None
    counted = CONVERSATIONS.counts.of(spam)
    assert counted == {**NONE, "spam": 1}
    events = thread(STARTED, received("m1"), CLOSED, MARKED_SPAM, UNMARKED_SPAM, REOPENED)
    back = fold(CONVERSATIONS, events)
    assert (back["c1"]["spam"], back["c1"]["unanswered"]) == (False, True)
    counted = CONVERSATIONS.counts.of(back)
    assert counted == {**NONE, "conversations": 1, "open": 1, "unanswered": 1}


def test_a_closed_conversation_waits_for_nothing_until_it_is_open_again() -> None:
    events = thread(STARTED, received("m1"), CLOSED, REOPENED)
    closed = fold(CONVERSATIONS, events[:3])["c1"]
    assert (closed["open"], closed["unanswered"], closed["closed_at"]) == (False, False, at(3))
    again = fold(CONVERSATIONS, events)["c1"]
    assert (again["open"], again["unanswered"], again["closed_at"]) == (True, True, None)


def test_the_address_shown_is_the_one_that_an_answer_goes_to() -> None:
    stranger = received("m2", from_address="m@example.net", from_name="M", answer_here=False)
    machine = received("m3", from_address="robot@example.net", automatic=True)
    row = fold(CONVERSATIONS, thread(STARTED, received("m1"), stranger, machine))["c1"]
    assert (row["from_address"], row["from_name"], row["messages"]) == ("ada@example.com", "Ada", 3)


def test_the_merchants_word_moves_the_address_that_is_shown() -> None:
    stranger = received("m2", from_address="m@example.net", from_name="M", answer_here=False)
    moved = moved_to("m2", address="m@example.net", name="M")
    row = fold(CONVERSATIONS, thread(STARTED, received("m1"), stranger, moved))["c1"]
    assert (row["from_address"], row["from_name"], row["messages"]) == ("m@example.net", "M", 2)


def test_only_the_newest_message_says_whether_its_sender_was_proved() -> None:
    forged, proved = received("m2", proved=False), received("m3", proved=True)
    row = fold(CONVERSATIONS, thread(STARTED, received("m1"), forged))["c1"]
    assert row["last_unproved"]
    assert not fold(CONVERSATIONS, thread(STARTED, forged, proved))["c1"]["last_unproved"]
    assert not fold(CONVERSATIONS, thread(STARTED, forged, reply("m4")))["c1"]["last_unproved"]


def test_an_unproved_mail_gives_nobody_another_name() -> None:
    forged = received("m2", from_name="Support", proved=False)
    told = thread(STARTED, received("m1", proved=True), forged)
    assert fold(CONVERSATIONS, told)["c1"]["from_name"] == "Ada"
    assert fold(CUSTOMERS, told)["person/a"]["contact"]["name"] == "Ada"
    alone = thread(STARTED, forged)
    assert fold(CONVERSATIONS, alone)["c1"]["from_name"] == "Support"
    assert fold(CUSTOMERS, alone)["person/a"]["contact"]["name"] == "Support"


def test_rows_of_mail_from_before_senders_were_proved_stay_as_they_were() -> None:
    told = thread(STARTED, received("m1"), reply("m2"))
    assert "last_unproved" not in fold(CONVERSATIONS, told)["c1"]
    assert {"proved", "sent_from"}.isdisjoint(fold(MESSAGES, told)["m1"])
    forged = thread(STARTED, received("m1", proved=False, sent_from="eve@example.org"))
    row = fold(MESSAGES, forged)["m1"]
    assert (row["proved"], row["sent_from"]) == (False, "eve@example.org")


def test_mail_from_a_machine_neither_waits_nor_answers() -> None:
    out_of_office = received("m3", "I am away", automatic=True)
    row = fold(CONVERSATIONS, thread(STARTED, received("m1"), reply("m2"), out_of_office))["c1"]
    assert (row["unanswered"], row["messages"]) == (False, 3)
    row = fold(CONVERSATIONS, thread(STARTED, received("m1"), out_of_office))["c1"]
    assert row["unanswered"]


def test_a_snippet_has_140_characters_at_most() -> None:
    row = fold(CONVERSATIONS, thread(STARTED, received("m1", "lamp " * 1_000)))["c1"]
    assert len(row["snippet"]) <= 140


def test_only_the_last_mail_says_whether_it_failed() -> None:
    told = thread(STARTED, received("m1"), reply("m2"))
    bounced = mail(MailBounced, 10, permanent=True, reason="Permanent/General")
    assert fold(CONVERSATIONS, [*told, bounced])["c1"]["last_failed"]
    again = thread(STARTED, received("m1"), reply("m2"), reply("m3"))
    rows = fold(CONVERSATIONS, [*told, bounced, again[3]])
    assert not rows["c1"]["last_failed"]
    assert not fold(CONVERSATIONS, [*again, bounced])["c1"]["last_failed"]


# --- messages


def test_a_mail_goes_from_written_to_delivered_and_never_back() -> None:
    told = thread(STARTED, received("m1"), reply("m2"))
    events = [*told, FATES[0], FATES[2], FATES[3]]
    words = [fold(MESSAGES, events[:count])["m2"]["status"] for count in (3, 4, 5, 6)]
    assert words == ["written", "sent", "delivered", "delivered"]


def test_a_message_knows_its_place_and_its_direction() -> None:
    rows = fold(MESSAGES, thread(STARTED, received("m1"), CLOSED, reply("m2")))
    assert [(rows[m]["direction"], rows[m]["number"]) for m in ("m1", "m2")] == [
        ("in", 2),
        ("out", 4),
    ]
    assert rows["m2"]["author"] == "merchant"
    assert rows["m1"]["conversation_id"] == "c1"


@given(st.permutations(FATES), st.integers(1, 7), st.integers(0, 7))
def test_what_became_of_a_mail_depends_on_no_order(
    facts: list[Recorded], count: int, written: int
) -> None:
    told = thread(STARTED, received("m1"), reply("m2"))
    some = facts[:count]
    in_order = fold(MESSAGES, [*told, *sorted(some, key=lambda fact: fact.number)])
    early = [*some[:written], *told, *some[written:], *some]
    assert fold(MESSAGES, early) == in_order
    inbox = fold(CONVERSATIONS, [*told, *sorted(some, key=lambda fact: fact.number)])
    assert fold(CONVERSATIONS, [*told, *some, *some]) == inbox


# --- customers


def test_the_newest_fact_wins_group_by_group() -> None:
    old, new = imported(1, 1, first_name="Ada"), changed(2, 2, first_name="Adele")
    for events in ([old, new], [new, old]):
        shown = view_of(events)
        assert (shown.name, list(shown.tags), shown.orders) == ("Adele", ["vip"], 3)
        assert (shown.email_consent, shown.amount_spent) == ("subscribed", Decimal("30.00"))


def test_facts_of_the_same_moment_and_state_are_settled_by_the_larger_event_id() -> None:
    one, two = changed(1, 5, first_name="Ada"), changed(2, 5, first_name="Adele")
    assert view_of([one, two]).name == view_of([two, one]).name == "Adele"


def test_what_comes_late_brings_no_deleted_customer_back() -> None:
    rows = fold(CUSTOMERS, [changed(1, 1), deleted(2, 2), changed(3, 9), imported(4, 9)])
    assert rows["person/a"]["accounts"]["7"]["deleted"]
    assert "profile" not in rows["person/a"]["accounts"]["7"]
    assert rows["person/a"]["lists"] == []
    assert kind_of(rows["person/a"]) == "gone"


def test_who_writes_and_is_no_customer_is_a_lead() -> None:
    events = thread(STARTED, received("m1"))
    assert view_of(events).kind == "lead"
    assert view_of(events).name == "Ada"
    assert view_of(events).last_contact_at == at(2)
    assert view_of([*events, changed(9, 9, first_name="Ada", last_name="L")]).kind == "customer"
    assert view_of([*events, changed(8, 8), deleted(9, 9)]).kind == "lead"


def test_mail_from_a_machine_is_no_contact() -> None:
    events = thread(STARTED, received("m1"), received("m2", automatic=True, from_name="Robot"))
    shown = view_of(events)
    assert (shown.last_contact_at, shown.name) == (at(2), "Ada")


def test_rows_that_are_one_person_are_shown_as_one() -> None:
    events = [
        *thread(STARTED, received("m1")),
        changed(10, 10, person="person/b", first_name="Ada", last_name="Lovelace"),
        joined(11, "person/a", "person/b"),
        joined(12, "person/b", "person/c"),
    ]
    rows = fold(CUSTOMERS, events)
    found = families(rows)
    assert {family.person for family in found.values()} == {"person/a"}
    assert found["person/c"].persons == PERSONS
    assert [rows[person]["lists"] != [] for person in PERSONS] == [True, False, False]
    shown = customer_view(found["person/b"], {"person/a": 2, "person/b": 1}, {})
    assert (shown.kind, shown.name, shown.conversations) == ("customer", "Ada Lovelace", 3)


def test_joins_that_crossed_each_other_are_still_one_person() -> None:
    crossed = [joined(1, "person/a", "person/c"), joined(2, "person/b", "person/c")]
    rows = fold(CUSTOMERS, crossed)
    assert {family.person for family in families(rows).values()} == {"person/a"}


def test_a_row_holds_a_bounded_number_of_accounts_whatever_the_order() -> None:
    events = [changed(number, number, customer=number) for number in range(1, MAX_ACCOUNTS + 9)]
    shuffled = random.Random(5).sample(events, len(events))
    rows = fold(CUSTOMERS, events)
    assert len(rows["person/a"]["accounts"]) == MAX_ACCOUNTS
    assert fold(CUSTOMERS, [*shuffled, *events]) == rows


# --- facts of Shopify in any order


def _history(told: list[tuple[Event, int, int | None]]) -> list[Recorded]:
    return [
        recorded(event, when, number, told_at=None if later is None else at(later))
        for number, (event, when, later) in enumerate(told, start=1)
    ]


def histories() -> st.SearchStrategy[list[Recorded]]:
    told = st.lists(
        st.tuples(facts_of_shopify, minutes, st.none() | minutes), min_size=1, max_size=10
    )
    return told.map(_history)


@given(histories(), st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_facts_in_any_order_and_any_number_make_the_same_rows(
    events: list[Recorded], chance: random.Random
) -> None:
    shuffled = [*events, *chance.sample(events, chance.randint(0, len(events)))]
    chance.shuffle(shuffled)
    for projection in FACTS:
        assert fold(projection, shuffled) == fold(projection, events)


@given(histories())
@settings(max_examples=60)
def test_combined_rows_say_what_one_row_would_have_said(events: list[Recorded]) -> None:
    facts = [event for event in events if not isinstance(event.event, PersonsJoined)]
    facts = [event for event in facts if type(event.event) in CUSTOMERS.handles]
    rows = fold(CUSTOMERS, facts)
    moved = [
        fact._replace(event=fact.event.model_copy(update={"person": "person/a"})) for fact in facts
    ]
    alone = fold(CUSTOMERS, moved).get("person/a")
    moments = ("first_contact_at", "last_contact_at", "ordered_at", "changed_at")
    parts = ("accounts", "contact", *moments)
    if alone is not None:
        together = combine(rows.values())
        assert {name: together[name] for name in parts} == {name: alone[name] for name in parts}


@given(histories(), st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_replaying_everything_makes_the_same_rows(
    events: list[Recorded], chance: random.Random
) -> None:
    talk = thread(STARTED, received("m1"), reply("m2"), CLOSED, received("m3"), REOPENED)
    pages = [ImportPageLoaded(import_id="i1", page=page, customers=50) for page in (1, 2, 3)]
    everything = [
        *talk,
        *account("2026-11", "2026-12"),
        *chance.sample(FATES, 3),
        *(recorded(page, 1, 90 + page.page) for page in pages),
        *events,
    ]
    for projection in ALL:
        assert fold(projection, [*everything, *everything]) == fold(projection, everything)


# --- shops and billing


def test_the_newest_word_on_the_installation_wins() -> None:
    gone = recorded(AppUninstalled(), 9, 1)
    there = recorded(installed("Acorn", ("a",)), 5, 2)
    assert not fold(SHOPS, [gone, there])["shop"]["installation"]["installed"]
    assert fold(SHOPS, [gone, there])["shop"]["profile"]["name"] == "Acorn"


@pytest.mark.parametrize("late", [False, True])
def test_the_newest_word_on_the_scopes_wins_and_a_removal_ends_them(late: bool) -> None:
    there = recorded(installed("Acorn", ("read_customers",)), 5, 1)
    at = 4 if late else 6
    more = recorded(ScopesChanged(scopes=("read_customers", "read_orders")), at, 2)
    shop = shop_view("acorn.myshopify.com", fold(SHOPS, [there, more])["shop"], None, Setup())
    assert shop.lacks("read_orders") is late
    assert not shop.lacks("read_customers")
    gone = recorded(AppUninstalled(), 9, 3)
    rows = fold(SHOPS, [there, more, gone])
    shop = shop_view("acorn.myshopify.com", rows["shop"], None, Setup())
    assert not shop.scopes


def test_what_may_write_may_read_and_where_nothing_was_told_nothing_is_missing() -> None:
    shop = shop_view("acorn.myshopify.com", {}, None, Setup())
    assert not shop.lacks("read_orders")
    there = recorded(installed("Acorn", ("write_customers",)), 5, 1)
    shop = shop_view("acorn.myshopify.com", fold(SHOPS, [there])["shop"], None, Setup())
    assert not shop.lacks("read_customers")
    assert shop.lacks("read_orders")


def test_of_two_clicks_of_one_moment_the_one_that_was_recorded_later_counts() -> None:
    hidden, shown = recorded(GuideDismissed(), 1, 1), recorded(GuideRestored(), 1, 2)
    assert fold(SHOPS, [hidden, shown])["setup"]["guide"]["shown"]
    assert fold(SHOPS, [hidden, shown, hidden])["setup"]["guide"]["shown"]
    assert not fold(SHOPS, [hidden])["setup"]["guide"]["shown"]


def test_a_test_that_came_stays_received_when_another_is_announced() -> None:
    events = [
        recorded(MailTestAnnounced(code="a"), 1, 1),
        recorded(MailTestReceived(code="a", channel="email"), 2, 2),
        recorded(MailTestAnnounced(code="b"), 3, 3),
    ]
    row = fold(SHOPS, events)["setup"]
    assert row["test"]["code"] == "b"
    assert row["received"]["at"] == events[1].occurred_at


def test_an_import_counts_each_page_once() -> None:
    pages = [
        ImportPageLoaded(import_id="i1", page=page, customers=50, skipped=page - 1)
        for page in (1, 2, 2, 3)
    ]
    row = fold(SHOPS, [recorded(page, 1, 1 + i) for i, page in enumerate(pages)])["import/i1"]
    assert (row["pages"], row["customers"], row["skipped"]) == (3, 150, 3)


def test_an_import_counts_each_page_of_orders_once_and_tells_how_they_ended() -> None:
    pages = [
        ImportOrdersLoaded(import_id="i1", page=page, orders=5, skipped=page - 4)
        for page in (4, 5, 5, 6)
    ]
    ended = ImportEnded(import_id="i1", outcome="complete", pages=3, orders="refused")
    row = fold(SHOPS, [recorded(e, 1, 1 + i) for i, e in enumerate([*pages, ended])])["import/i1"]
    shown = import_view({**row, "_id": "acorn/import/i1", "shop": "acorn"})
    assert (shown.orders, shown.orders_skipped, shown.pages) == (15, 3, 0)
    assert (shown.outcome, shown.orders_outcome) == ("complete", "refused")


def test_the_account_tells_the_last_month_that_was_used_up_and_is_no_subscription() -> None:
    events = account("2026-12", "2026-11")
    rows = fold(BILLING, events)
    assert list(rows) == ["account"]
    shown = account_view(rows["account"])
    assert (shown.plan, shown.conversations, shown.reached) == ("free", 3, "2026-12")
    assert account_view(fold(BILLING, events[:1])["account"]).reached is None
    assert fold(BILLING, [*events, *events]) == rows


def test_a_month_that_spam_freed_is_not_used_up_until_it_is_reached_again() -> None:
    made = BillingAccount.empty("billing/acorn.myshopify.com")
    made.open(conversations=3, now=at(0))
    for started in (3, 2):
        made.count(month="2026-12", started=started, subscribed=False, now=at(1))
    news = [recorded(new.event, 1, 60, new.stream, new.version) for new in decided(made)]
    assert account_view(fold(BILLING, news[:2])["account"]).reached == "2026-12"
    assert account_view(fold(BILLING, [*news, *news])["account"]).reached is None


def test_a_subscription_is_what_shopify_said_last_of_it() -> None:
    active = SubscriptionChanged(subscription_id="gid/1", name="Plus", status="active")
    frozen = SubscriptionChanged(subscription_id="gid/1", name="Plus", status="frozen")
    rows = fold(BILLING, [recorded(frozen, 9, 1), recorded(active, 5, 2)])
    assert rows["gid/1"]["status"] == "frozen"
