"""Sessions, sign-in links, and tokens in forms: what is signed, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from cplus.errors import InvalidShop, SettingMissing
from cplus.settings import Settings
from cplus.web.kit.auth import LINK_SECONDS, SESSION_SECONDS, Signatures, same_secret, sign_in_link

SHOP = "acorn.myshopify.com"
SECRET = "an application secret of this test"


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def test_a_session_names_its_shop_until_it_ends() -> None:
    clock = Clock()
    signatures = Signatures(SECRET, clock)
    cookie = signatures.session_cookie(SHOP)
    session = signatures.session(cookie)
    assert session is not None
    assert (session.shop, session.since) == (SHOP, clock.now)
    clock.forward(SESSION_SECONDS - 1)
    assert signatures.session(cookie) == session
    clock.forward(1)
    assert signatures.session(cookie) is None


@pytest.mark.parametrize(
    "cookie",
    [None, "", "x", "a.b.c", "é" * 40, "\udc80.x", "." * 500, "e30.AAAA", "[" * 5000],
)
def test_what_is_no_cookie_of_ours_is_no_session(cookie: str | None) -> None:
    assert Signatures(SECRET).session(cookie) is None
    assert Signatures(SECRET).console(cookie, "token") is None


def test_a_cookie_that_was_touched_anywhere_is_no_session() -> None:
    signatures = Signatures(SECRET)
    cookie = signatures.session_cookie(SHOP)
    for at in range(len(cookie)):
        # The last letter of base64 holds bits that stand for nothing.
        other = chr(ord(cookie[at]) ^ 4)
        assert signatures.session(cookie[:at] + other + cookie[at + 1 :]) is None


def test_what_is_signed_for_one_purpose_serves_no_other() -> None:
    signatures = Signatures(SECRET)
    link, session = signatures.link_token(SHOP), signatures.session_cookie(SHOP)
    console = signatures.console_cookie("token")
    assert signatures.session(link) is None
    assert signatures.session(console) is None
    assert signatures.console(session, "token") is None
    assert signatures.console(console, "token") is not None


def test_another_secret_or_operator_token_voids_what_was_signed() -> None:
    cookie = Signatures(SECRET).session_cookie(SHOP)
    assert Signatures("another secret").session(cookie) is None
    console = Signatures(SECRET).console_cookie("token")
    assert Signatures(SECRET).console(console, "another token") is None


def test_a_form_belongs_to_one_session() -> None:
    signatures = Signatures(SECRET)
    one = signatures.session(signatures.session_cookie(SHOP))
    two = signatures.session(signatures.session_cookie(SHOP))
    assert one is not None
    assert two is not None
    token = signatures.form_token(one)
    assert signatures.same_form_token(one, token)
    assert not signatures.same_form_token(two, token)
    assert not signatures.same_form_token(one, "")
    assert not signatures.same_form_token(one, "ünïcode")


def test_a_sign_in_link_points_into_the_app_and_needs_a_shop_and_a_secret() -> None:
    settings = Settings(application_secret=SecretStr(SECRET), app_url="https://app.example.com")
    link = sign_in_link(settings, SHOP)
    assert link.startswith("https://app.example.com/auth/sign-in?token=")
    assert sign_in_link(settings, SHOP) != link
    assert LINK_SECONDS <= 3600
    with pytest.raises(InvalidShop):
        sign_in_link(settings, "evil.example.com")
    with pytest.raises(SettingMissing):
        sign_in_link(Settings(application_secret=None), SHOP)


def test_secrets_are_compared_whole() -> None:
    assert same_secret("a", "a")
    assert not same_secret("a", "ab")
    assert not same_secret("\udc80", "?a")
