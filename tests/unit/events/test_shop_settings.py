"""What a merchant sets for the mail of their shop: given, when, then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cplus.errors import InvalidInput
from cplus.events.aggregates.auto_reply import rendered
from cplus.events.aggregates.hours import typed_day
from cplus.events.aggregates.settings import (
    MAX_OWN,
    MAX_SIGNATURE,
    Limited,
    Paused,
    ShopSettings,
)
from cplus.events.base import AggregateEvent

NOW = datetime(2026, 11, 30, 23, tzinfo=UTC)
STREAM = "settings/acorn.myshopify.com"


def given(*decisions: Callable[[ShopSettings], None]) -> ShopSettings:
    settings = ShopSettings.empty(STREAM)
    for decision in decisions:
        decision(settings)
    settings.collect_events()
    return settings


def then(settings: ShopSettings) -> list[str]:
    return [one.TYPE for one in settings.collect_events() if isinstance(one, AggregateEvent)]


def signed(settings: ShopSettings, text: str = "Acorn", user: str | None = None) -> None:
    settings.set_signature(text=text, user=user, person="person/s", now=NOW)


def test_a_user_signs_with_their_own_signature_or_else_with_the_shops() -> None:
    settings = given(signed, lambda s: signed(s, "Bea, Acorn", "bea"))
    assert settings.signature("bea") == "Bea, Acorn"
    assert settings.signature("carl") == settings.signature() == "Acorn"
    signed(settings, "", "bea")
    assert then(settings) == ["settings.signature_set"]
    assert settings.signature("bea") == "Acorn"
    assert given().signature("bea") == ""


def test_what_is_set_already_is_not_set_again() -> None:
    settings = given(signed)
    signed(settings, "Acorn  \r\n\r\n")
    assert then(settings) == []
    empty = given()
    signed(empty, " \n ")
    assert then(empty) == []


def test_a_signature_keeps_its_lines_and_loses_what_no_mail_can_hold() -> None:
    settings = given(lambda s: signed(s, "\nAcorn \r\n\tLampstra\x00ße 1\x1b\n\nÜ \ud800😀\r\n"))
    assert settings.signature() == "Acorn\n\tLampstraße 1\n\nÜ 😀"


def test_a_signature_has_a_length_and_a_shop_a_number_of_them() -> None:
    settings = given(lambda s: signed(s, "a" * MAX_SIGNATURE))
    with pytest.raises(InvalidInput, match="2,000 characters"):
        signed(settings, "a" * (MAX_SIGNATURE + 1))
    for number in range(MAX_OWN):
        signed(settings, "own", f"u{number}")
    with pytest.raises(InvalidInput, match="up to 200 users"):
        signed(settings, "own", "one-more")
    settings.collect_events()
    signed(settings, "other", "u0")
    assert then(settings) == ["settings.signature_set"]


def test_after_the_shop_was_erased_everything_begins_anew() -> None:
    settings = given(signed, lambda s: signed(s, "Bea", "bea"))
    settings.forget()
    assert settings.signature("bea") == ""
    signed(settings, "Acorn")
    [event] = settings.collect_events()
    assert getattr(event, "anew") is True  # noqa: B009  it has one
    assert settings.signature("bea") == "Acorn", "that of before does not come back"
    signed(settings, "Acorn 2")
    [event] = settings.collect_events()
    assert getattr(event, "anew") is False  # noqa: B009


WEEK = [typed_day("9-17", "Monday"), *[()] * 6]


def opened(settings: ShopSettings, *closed: date) -> None:
    settings.set_hours(week=WEEK, closed=closed, now=NOW)


def answering(settings: ShopSettings, **changed: Any) -> None:
    usual = {"away": True, "away_text": "Away", "acknowledge": False, "acknowledge_text": ""}
    settings.set_auto_reply(**{"person": "person/s", "now": NOW, **usual, **changed})


def test_hours_that_are_set_already_are_not_set_again_and_none_at_all_mean_no_hours() -> None:
    settings = given(opened)
    opened(settings)
    assert then(settings) == []
    opened(settings, date(2026, 12, 24))
    assert then(settings) == ["settings.hours_set"]
    assert settings.hours
    assert settings.hours.closed == {date(2026, 12, 24)}
    settings.set_hours(week=[()] * 7, closed=[], now=NOW)
    assert settings.hours is None


def test_a_reply_that_stays_on_answers_since_it_was_switched_on_and_no_mail_from_before() -> None:
    hour = timedelta(hours=1)
    settings = given(opened, answering)
    answering(settings, away_text="Away until {next_opening}", now=NOW + hour)
    assert then(settings) == ["settings.auto_reply_set"]
    assert settings.away.text == "Away until {next_opening}"
    assert settings.away.answers(NOW)
    assert not settings.away.answers(NOW - timedelta(milliseconds=1))
    answering(settings, away=False, now=NOW + hour)
    assert not settings.away.answers(NOW + hour)
    answering(settings, now=NOW + 2 * hour)
    assert not settings.away.answers(NOW + hour), "off meanwhile"
    settings.collect_events()
    answering(settings, now=NOW + 3 * hour)
    assert then(settings) == []


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"away_text": " \n"}, "write what"),
        ({"acknowledge": True}, "write what"),
        ({"away_text": "Hi {nmae}"}, r"no \{nmae\}"),
        ({"acknowledge_text": "{}"}, r"no \{\}"),
        ({"away_text": "a" * 2_001}, "2,000 characters"),
    ],
)
def test_an_automatic_reply_that_cannot_be_sent_is_refused(
    changed: dict[str, Any], why: str
) -> None:
    settings = given(opened)
    with pytest.raises(InvalidInput, match=why):
        answering(settings, **changed)
    assert then(settings) == []


def test_an_answer_outside_of_hours_needs_hours() -> None:
    settings = given()
    with pytest.raises(InvalidInput, match="business hours first"):
        answering(settings)
    answering(settings, away=False, acknowledge=True, acknowledge_text="Got it")
    assert then(settings) == ["settings.auto_reply_set"]


def test_a_text_is_filled_in_and_a_name_that_leads_somewhere_is_left_out() -> None:
    def filled(name: str | None, text: str = "Hello {name},\n{shop}: {next_opening}") -> str:
        zone = ZoneInfo("Europe/Berlin")
        return rendered(text, name=name, shop="Acorn", opening=NOW, zone=zone)

    assert filled("Ada  Brandt") == "Hello Ada Brandt,\nAcorn: Tuesday, 1 December at 00:00"
    for wrong in (None, "", "http://evil.example", "evil.example", "a@b.example", "x" * 61,
                  "Call 0900 123", "{shop}", "A\u202eB"):  # fmt: skip
        assert filled(wrong).startswith("Hello,\n"), wrong
    assert filled("Anne-Marie O’Neil", "{name}") == "Anne-Marie O’Neil"
    assert rendered("{next_opening}", name=None, shop="A", opening=None, zone=ZoneInfo("UTC"))


def test_a_pause_is_noted_once_and_its_end_too() -> None:
    settings = given(lambda s: s.note_tenant(tenant="t1", now=NOW))
    paused = Paused(NOW, "why\x00" + "!" * 1_000, by_operator=False)
    settings.note_tenant(tenant="t1", now=NOW)
    settings.note_paused(None, now=NOW)
    assert then(settings) == []
    settings.note_paused(paused, now=NOW)
    settings.note_paused(paused._replace(cause="other words"), now=NOW)
    assert settings.paused == Paused(NOW, ("why" + "!" * 1_000)[:500], by_operator=False)
    settings.note_paused(None, now=NOW)
    assert then(settings) == ["settings.sending_paused", "settings.sending_resumed"]


def test_of_a_shop_that_was_erased_neither_tenant_nor_pause_is_left() -> None:
    settings = given(
        lambda s: s.note_tenant(tenant="t1", now=NOW),
        lambda s: s.note_paused(Paused(NOW, "", by_operator=True), now=NOW),
    )
    settings.forget()
    assert (settings.tenant, settings.paused) == (None, None)
    settings.note_tenant(tenant="t1", now=NOW)
    assert then(settings) == ["settings.tenant_made"]


def test_a_limit_that_is_reached_is_noted_once_a_day_for_each_kind() -> None:
    settings = given(lambda s: s.note_limit(of="shared_domain", limit=500, now=NOW))
    settings.note_limit(of="shared_domain", limit=500, now=NOW + timedelta(minutes=59))
    assert then(settings) == []
    for hours in range(3):  # a shop that is at both is told of each in turn
        at = NOW + timedelta(minutes=hours)
        settings.note_limit(of="account", limit=9, now=at)
        settings.note_limit(of="shared_domain", limit=500, now=at)
    assert then(settings) == ["settings.daily_limit_reached"]
    assert settings.limited == Limited(NOW, "shared_domain", 500)
    settings.note_limit(of="account", limit=9, now=NOW + timedelta(days=1))
    settings.note_limit(of="shared_domain", limit=500, now=NOW + timedelta(days=1, hours=1))
    assert then(settings) == ["settings.daily_limit_reached"] * 2
    assert settings.limited == Limited(NOW + timedelta(days=1, hours=1), "shared_domain", 500)
