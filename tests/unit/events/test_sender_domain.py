"""A merchant's own domain: given, when, then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cplus.errors import InvalidInput
from cplus.events.aggregates.sender_domain import Found
from cplus.events.aggregates.settings import ShopSettings
from cplus.events.base import AggregateEvent

NOW = datetime(2026, 12, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
DOMAIN = "acorn.example"
GOOD = Found(
    holder="shop",
    proof=True,
    verified=True,
    dkim="SUCCESS",
    tokens=("t1",),
    zone="dkim.amazonses.com",
    mail_from="PENDING",
    dmarc=False,
)


def having(*found: Found, local: str | None = "hello") -> ShopSettings:
    settings = ShopSettings.empty("settings/acorn.myshopify.com")
    settings.add_domain(domain=DOMAIN, now=NOW)
    for one in found:
        settings.note_found(domain=DOMAIN, found=one, now=NOW)
    if local and settings.domain and settings.domain.works:
        settings.choose_sender(local=local, person="person/s", now=NOW)
    settings.collect_events()
    return settings


def then(settings: ShopSettings) -> list[str]:
    return [one.TYPE for one in settings.collect_events() if isinstance(one, AggregateEvent)]


def test_mail_leaves_from_a_domain_that_is_the_shops_and_that_ses_takes() -> None:
    assert having(GOOD).sender == f"hello@{DOMAIN}"
    for bad in (
        GOOD._replace(holder="another"),
        GOOD._replace(holder="nobody"),
        GOOD._replace(verified=False),
    ):
        settings = having(bad)
        assert settings.sender is None
        with pytest.raises(InvalidInput):
            settings.choose_sender(local="hello", person="person/s", now=NOW)


def test_a_domain_that_fails_falls_back_and_comes_back_by_itself() -> None:
    settings = having(GOOD)
    settings.note_found(domain=DOMAIN, found=GOOD._replace(verified=False), now=LATER)
    domain = settings.domain
    assert domain is not None
    assert (domain.sender, domain.fallback, domain.failed_at) == (None, DOMAIN, LATER)
    settings.note_found(domain=DOMAIN, found=GOOD, now=LATER + timedelta(hours=1))
    assert settings.sender == f"hello@{DOMAIN}"
    assert settings.domain is not None
    assert (settings.domain.failed_at, settings.domain.last_failed) == (None, LATER)
    assert then(settings) == ["settings.sender_domain_checked"] * 2


def test_what_is_known_is_recorded_once_and_of_another_domain_never() -> None:
    settings = having(GOOD)
    settings.note_found(domain=DOMAIN, found=GOOD, now=LATER)
    settings.note_found(domain="birch.example", found=GOOD._replace(dmarc=True), now=LATER)
    settings.add_domain(domain=DOMAIN, now=LATER)
    settings.choose_sender(local="hello", person="person/x", now=LATER)
    assert then(settings) == []
    with pytest.raises(InvalidInput):
        settings.add_domain(domain="birch.example", now=LATER)


def test_a_domain_that_failed_can_be_given_up_and_removed() -> None:
    settings = having(GOOD)
    settings.note_found(domain=DOMAIN, found=GOOD._replace(holder="another"), now=LATER)
    settings.choose_sender(local=None, person="person/s", now=LATER)
    assert settings.domain is not None
    assert (settings.domain.fallback, settings.domain.failed_at) == (None, None)
    settings.remove_domain(now=LATER)
    settings.remove_domain(now=LATER)
    assert then(settings)[-2:] == ["settings.sender_chosen", "settings.sender_domain_removed"]
    assert settings.domain is None


def test_of_an_erased_shop_no_domain_is_left() -> None:
    settings = having(GOOD)
    settings.forget()
    assert (settings.domain, settings.sender) == (None, None)
