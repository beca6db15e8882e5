"""The demo's plan: the same from the same seed, as large as asked for, and right about itself."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from cplus.local.demo import letters, words
from cplus.local.demo.letters import Answered
from cplus.local.demo.observe import Observed, ShopFound
from cplus.local.demo.plan import SPAN, Plan, ShopPlan, Sizes, Webhook, dated
from cplus.local.demo.planning import make_plan
from cplus.local.demo.summary import IN_LOG, IN_ROWS, compare
from cplus.local.shopify import LocalShop
from cplus.mail import contact_form, parse
from cplus.shopify import webhooks as payloads

DEFAULT = make_plan(Sizes())


def _webhooks(shop: ShopPlan) -> Iterator[Webhook]:
    yield from (*shop.early, *shop.webhooks, *shop.late)
    yield from (step.webhook for talk in shop.talks for step in talk.steps if step.webhook)


def test_the_same_seed_makes_the_same_plan() -> None:
    assert make_plan(Sizes()) == DEFAULT
    assert make_plan(Sizes(seed=2)) != DEFAULT


def test_another_run_shares_no_id_and_no_address() -> None:
    def names(plan: Plan) -> set[str]:
        return {
            name
            for shop in plan.shops
            for name in (
                *(webhook.webhook_id for webhook in _webhooks(shop)),
                *(talk.address for talk in shop.talks),
                *(step.ses_id for talk in shop.talks for step in talk.steps if step.ses_id),
                *(str(customer["id"]) for customer in shop.description["customers"]),
            )
        }

    assert not names(DEFAULT) & names(make_plan(Sizes(), run=2))


@pytest.mark.parametrize(
    "sizes", [Sizes(), Sizes(1, 1, 1), Sizes(3, 0, 0), Sizes(5, 7, 3), Sizes(7, 40, 90, seed=9)]
)
def test_a_plan_is_as_large_as_asked_for(sizes: Sizes) -> None:
    plan = make_plan(sizes)
    assert len(set(plan.hosts)) == sizes.shops
    assert sum(shop.expected.customers for shop in plan.shops) == sizes.customers
    assert sum(shop.expected.conversations for shop in plan.shops) == sizes.conversations
    for shop in plan.shops:
        LocalShop.model_validate(shop.description)


def test_every_shop_has_redelivered_early_and_delayed_webhooks_and_facts_out_of_order() -> None:
    for shop in DEFAULT.shops:
        assert any(webhook.attempts > 1 for webhook in _webhooks(shop))
        assert shop.early
        assert shop.late
        times = [webhook.triggered_at for webhook in shop.webhooks]
        assert times != sorted(times)


def test_every_shop_tells_of_every_kind_of_change_and_of_something_unknown() -> None:
    known = {
        *("customers/create", "customers/update", "customers/delete", "customers/merge"),
        *("customers_email_marketing_consent/update", "orders/create", "orders/updated"),
        *("shop/update", "app_subscriptions/update"),
    }
    for shop in DEFAULT.shops:
        topics = {webhook.topic for webhook in _webhooks(shop)}
        assert known < topics
        assert any(topic not in payloads.PAYLOADS for topic in topics)


def test_no_webhook_and_no_mail_has_the_id_of_another() -> None:
    for shop in DEFAULT.shops:
        webhooks = Counter(webhook.webhook_id for webhook in _webhooks(shop))
        mails = Counter(
            [*(step.ses_id for talk in shop.talks for step in talk.steps if step.ses_id)]
            + [stray.ses_id for stray in shop.strays]
        )
        assert max(webhooks.values()) == max(mails.values()) == 1


def test_every_shop_has_an_absence_note_a_bounce_and_a_person_who_was_two() -> None:
    for shop in DEFAULT.shops:
        steps = {step.kind for talk in shop.talks for step in talk.steps}
        assert {"form", "mail", "answer", "reply", "away", "report", "close", "webhook"} == steps
        assert shop.expected.mails_bounced
        assert shop.expected.joined
        assert any(step.twice for talk in shop.talks for step in talk.steps)


def test_the_note_that_is_expected_is_the_newest_that_was_told() -> None:
    for shop in DEFAULT.shops:
        told: defaultdict[int, dict[str, str]] = defaultdict(dict)
        for webhook in _webhooks(shop):
            if webhook.topic == "customers/update" and webhook.payload["note"]:
                told[webhook.payload["id"]][webhook.payload["updated_at"]] = webhook.payload["note"]
        assert shop.notes == {customer: notes[max(notes)] for customer, notes in told.items()}


def test_a_plan_for_now_has_no_fact_of_the_future_and_tells_of_everybody() -> None:
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    plan = make_plan(Sizes(3, 30, 36), 7, now - SPAN, now=now)
    for shop in plan.shops:
        told = list(_webhooks(shop))
        times = [datetime.fromisoformat(dated(webhook, now).triggered_at) for webhook in told]
        assert max(times) <= now + timedelta(seconds=1)
        made = {one.payload["id"] for one in told if one.topic == "customers/create"}
        asked = {one.payload["customer_id"] for one in told if "consent" in one.topic}
        assert asked <= made


@pytest.mark.parametrize("plan", [DEFAULT, make_plan(Sizes(6, 120, 0), run=2)])
def test_what_is_said_of_a_shop_and_its_customers_does_not_contradict_itself(plan: Plan) -> None:
    countries = {
        "USD": ("US", "America/New_York"), "EUR": ("DE", "Europe/Berlin"),
        "GBP": ("GB", "Europe/London"), "AUD": ("AU", "Australia/Sydney"),
        "CAD": ("CA", "America/Toronto"), "JPY": ("JP", "Asia/Tokyo"),
    }  # fmt: skip
    installed_at = datetime(2026, 12, 24, 18, 30, tzinfo=UTC)
    for shop in plan.shops:
        currency = shop.description["currency"]
        assert countries[currency] == (shop.description["country"], shop.description["timezone"])
        made, orders = defaultdict(set), {}
        for webhook in (dated(one, installed_at) for one in _webhooks(shop)):
            told = webhook.payload
            if webhook.topic == "shop/update":
                assert (told["country_code"], told["iana_timezone"]) == countries[currency]
                assert (told["currency"], told["created_at"]) == (
                    currency,
                    shop.description["created_at"],
                )
            for one in (told, told.get("customer") or {}):
                if "multipass_identifier" in one:
                    made[one["id"]].add(one["created_at"])
                    assert one["currency"] == currency
            if webhook.topic.startswith("orders/"):
                orders[told["name"]] = told
                # A shop tells an app of what happens once the app is installed.
                since = "created_at" if webhook.topic == "orders/create" else "updated_at"
                assert datetime.fromisoformat(told[since]) >= installed_at
                assert told["updated_at"] == webhook.triggered_at
                assert told["currency"] == currency
                assert ("." in told["total_price"]) == (currency != "JPY")
        for one in shop.description["customers"]:
            made[one["id"]].add(one["created_at"])
            own = [order for order in orders.values() if order["customer"]["id"] == one["id"]]
            assert all(datetime.fromisoformat(order["created_at"]) < installed_at for order in own)
            assert one["number_of_orders"] >= len(own)
            assert Decimal(one["spent"]) >= sum(Decimal(order["total_price"]) for order in own)
            assert (one["number_of_orders"] > 0) == (Decimal(one["spent"]) > 0)
        assert {len(times) for times in made.values()} == {1}
        assert min(min(times) for times in made.values()) > shop.description["created_at"]
        for order in orders.values():
            assert order["created_at"] > min(made[order["customer"]["id"]])


def test_a_consent_comes_before_anything_else_is_known_of_the_customer() -> None:
    for shop in DEFAULT.shops:
        assert any("consent" in webhook.topic for webhook in shop.early)


def test_nothing_is_told_of_a_shop_before_shopify_can_be_asked_which_it_is() -> None:
    for shop in DEFAULT.shops:
        assert not any(webhook.since_installed for webhook in shop.early)
        early = {webhook.topic for webhook in shop.early}
        assert not early & {"shop/update", "app_subscriptions/update"}
        number = shop.description["id"]
        for webhook in _webhooks(shop):
            if webhook.topic == "shop/update":
                assert webhook.payload["id"] == number
            if webhook.topic == "app_subscriptions/update":
                told = webhook.payload["app_subscription"]["admin_graphql_api_shop_id"]
                assert told == f"gid://shopify/Shop/{number}"


def test_each_installation_begins_a_subscription_whose_state_moves_on() -> None:
    installed_at = datetime(2026, 12, 24, 18, 30, tzinfo=UTC)
    known = set[str]()
    for run in (1, 2, 3):
        found = [
            dated(one, installed_at) for one in _webhooks(make_plan(Sizes(1, 3, 0), run).shops[0])
        ]
        told = [one for one in found if one.topic == "app_subscriptions/update"]
        states = sorted((one.payload["app_subscription"] for one in told), key=_updated_at)
        assert [one["status"] for one in states] == ["PENDING", "ACTIVE"]
        assert {one["created_at"] for one in states} == {"2026-12-24T18:30:00Z"}
        assert {one.triggered_at for one in told} == {_updated_at(one) for one in states}
        ids = {one["admin_graphql_api_id"] for one in states}
        assert len(ids) == 1
        assert not ids & known
        known |= ids
    # Where nothing is installed, nothing begins.
    later = make_plan(Sizes(1, 3, 0), 4, installed_at - SPAN, now=installed_at)
    topics = {one.topic for one in _webhooks(later.shops[0])}
    assert "app_subscriptions/update" not in topics


def test_an_answer_is_of_the_topic_of_its_question() -> None:
    for shop in DEFAULT.shops:
        for talk in shop.talks:
            good, name = r"[\w -]+", re.escape(talk.name.split(maxsplit=1)[0])
            kinds: dict[str, str] = {step.kind: step.text for step in talk.steps}
            assert any(
                all(
                    _among(kinds.get(kind), texts, good, name)
                    for kind, texts in (
                        ("form", (*topic.questions, *topic.follow_ups)),
                        ("answer", (*topic.answers, *topic.last_words)),
                        ("reply", topic.replies),
                    )
                )
                for topic in words.TOPICS
            )


def _among(text: str | None, texts: Iterable[str], good: str, name: str) -> bool:
    """Whether the text is one of the texts with something in its gaps."""
    patterns = (
        re.escape(one).replace(r"\{good\}", good).replace(r"\{name\}", name) for one in texts
    )
    return text is None or any(re.fullmatch(pattern, text) for pattern in patterns)


def _updated_at(subscription: dict[str, Any]) -> str:
    return str(subscription["updated_at"])


def test_payloads_are_read_as_webhooks_of_shopify() -> None:
    import json

    for webhook in _webhooks(DEFAULT.shops[0]):
        read = payloads.parse(webhook.topic, json.dumps(webhook.payload).encode())
        assert (read is None) == (webhook.topic not in payloads.PAYLOADS)


@pytest.mark.parametrize("ident", ["0a", "1a"])  # as text, and as HTML
def test_a_contact_form_is_read_as_it_was_written(ident: str) -> None:
    text = "Is the jar <b>back</b>?\n\nEmail: somebody.else@example.org\n  & thanks"
    letter = letters.contact_form(
        "blue-jam@mail.cplus.example", "Blue Jam", "Zoë", "zoe@example.com", text, ident
    )
    mail = parse(letter.raw)
    assert mail.date is not None
    assert f" on {mail.date:%B} {mail.date.day}, {mail.date.year} at " in mail.subject
    form = contact_form(mail)
    assert form is not None
    assert (form.name, form.email, form.body) == ("Zoë", "zoe@example.com", text)


@pytest.mark.parametrize("ident", ["0a", "1a", "2a", "3a"])
def test_a_reply_is_read_without_what_it_quotes(ident: str) -> None:
    mail = Answered("shop+t@mail.cplus.example", "<1@ses>", "<0@x>", "Jars", "##- above -##\nHi")
    letter = letters.reply(mail, "Åsa Okafor", "asa@example.com", "Thank you!", ident)
    read = parse(letter.raw)
    assert (read.reply_text, read.from_name, read.automatic) == ("Thank you!", "Åsa Okafor", False)
    assert read.references or read.in_reply_to


def test_an_absence_note_is_automatic_and_a_report_is_a_bounce() -> None:
    to = "shop+t@mail.cplus.example"
    away = parse(b"Return-Path: <>\r\n" + letters.away(to, "A", "a@example.com", "off", "1").raw)
    assert away.automatic
    assert not away.bounce
    assert parse(letters.report(to, "a@example.com", "1").raw).bounce


def _found(shop: ShopPlan, **changed: int) -> ShopFound:
    counts = Counter({**asdict(shop.expected), "installs": 1, "imports": 1, "commits": 1})
    return ShopFound(
        log=Counter({**counts, **changed}),
        rows=counts,
        deliveries_sent=shop.expected.deliveries_sent,
        redeliveries=shop.expected.redeliveries_recognised,
        mails=shop.expected.mails_sent,
        notes=shop.notes,
        consents=shop.consents,
    )


def _compared(found: Observed) -> tuple[str, ...]:
    return compare(DEFAULT, found, failures=[], seconds=1.0, kills=[]).differences


def test_nothing_differs_where_all_is_as_planned() -> None:
    assert not _compared(Observed({shop.host: _found(shop) for shop in DEFAULT.shops}))


@pytest.mark.parametrize("name", ["deliveries_recorded", "conversations", "messages_in", "leads"])
def test_one_more_of_anything_is_a_difference(name: str) -> None:
    shops = {shop.host: _found(shop) for shop in DEFAULT.shops}
    first = DEFAULT.shops[0]
    shops[first.host] = _found(first, **{name: getattr(first.expected, name) + 1})
    (difference,) = _compared(Observed(shops))
    assert f"{first.host}: {name}" in difference


def test_what_was_not_counted_and_what_was_not_sent_are_differences() -> None:
    first = DEFAULT.shops[0]
    shops = {shop.host: _found(shop) for shop in DEFAULT.shops}
    del shops[first.host].log["mails_received"]
    shops[first.host] = replace(shops[first.host], deliveries_sent=3)
    lines = _compared(Observed(shops))
    assert len(lines) == 2
    assert "mails_received" in lines[0]
    assert "not counted" in lines[0]
    assert "3 sent" in lines[1]


def test_every_count_that_is_expected_is_looked_for() -> None:
    looked_for = {*IN_LOG, *IN_ROWS, "deliveries_sent", "redeliveries_recognised", "joined"}
    assert looked_for == set(asdict(DEFAULT.shops[0].expected))


def test_a_shop_that_is_not_there_and_a_fault_are_differences() -> None:
    assert _compared(Observed({}))
    shops = {shop.host: _found(shop) for shop in DEFAULT.shops}
    assert _compared(Observed(shops, ("2 mails were sent twice",))) == ("2 mails were sent twice",)
