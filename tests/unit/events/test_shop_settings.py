"""What a merchant sets for the mail of their shop: given, when, then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from cplus.errors import InvalidInput
from cplus.events.aggregates.settings import MAX_OWN, MAX_SIGNATURE, ShopSettings
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
