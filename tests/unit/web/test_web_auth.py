"""Sessions and tokens in forms: what is signed, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cplus.actors import MERCHANT, Actor, merchant, operator
from cplus.clock import Clock, utc_now
from cplus.commands.sessions import link_token
from cplus.signing import Signer
from cplus.web.kit.auth import SESSION_SECONDS, Signatures

SHOP = "acorn.myshopify.com"
SECRET = "an application secret of this test"
ADA = merchant("ada", "Ada Brandt")
JO = operator("jo")


class TurnedClock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def made(secret: str = SECRET, clock: Clock = utc_now) -> Signatures:
    return Signatures(secret, Signer(secret, clock))


def test_a_session_names_its_shop_and_its_user_until_it_ends() -> None:
    clock = TurnedClock()
    signatures = made(clock=clock)
    cookie = signatures.session_cookie(SHOP, ADA)
    session = signatures.session(cookie)
    assert session is not None
    assert (session.shop, session.since, session.actor) == (SHOP, clock.now, ADA)
    clock.forward(SESSION_SECONDS - 1)
    assert signatures.session(cookie) == session
    clock.forward(1)
    assert signatures.session(cookie) is None


def test_a_cookie_from_before_users_were_known_is_the_merchants() -> None:
    cookie = Signer(SECRET).sign("session", SESSION_SECONDS, shop=SHOP, way="install")
    session = made().session(cookie)
    assert session is not None
    assert (session.actor, str(session.actor), session.vouched) == (MERCHANT, "merchant", True)


def test_a_console_cookie_names_its_operator_and_one_from_before_nobody() -> None:
    signatures = made()
    session = signatures.console(signatures.console_cookie("token", JO), "token")
    assert session is not None
    assert (session.shop, session.actor) == ("", JO)
    unnamed = signatures.console(signatures.console_cookie("token", Actor("operator")), "token")
    assert unnamed is not None
    assert str(unnamed.actor) == "operator"


@pytest.mark.parametrize(
    "cookie",
    [None, "", "x", "a.b.c", "é" * 40, "\udc80.x", "." * 500, "e30.AAAA", "[" * 5000],
)
def test_what_is_no_cookie_of_ours_is_no_session(cookie: str | None) -> None:
    assert made().session(cookie) is None
    assert made().console(cookie, "token") is None


def test_a_cookie_that_was_touched_anywhere_is_no_session() -> None:
    signatures = made()
    cookie = signatures.session_cookie(SHOP, ADA)
    for at in range(len(cookie)):
        for bit in range(7):
            other = chr(ord(cookie[at]) ^ 1 << bit)
            assert signatures.session(cookie[:at] + other + cookie[at + 1 :]) is None


@pytest.mark.parametrize("more", ["=", "==", "%3D", " ", "\n", "~", "é", "\0"])
def test_a_cookie_with_anything_added_is_no_session(more: str) -> None:
    signatures = made()
    cookie = signatures.session_cookie(SHOP, ADA)
    console = signatures.console_cookie("token", JO)
    assert signatures.session(cookie + more) is None
    assert signatures.session(cookie[:-5] + more + cookie[-5:]) is None
    assert signatures.console(console + more, "token") is None


def test_what_is_signed_for_one_purpose_serves_no_other() -> None:
    signatures = made()
    link = link_token(SHOP, ADA, signer=Signer(SECRET))
    session = signatures.session_cookie(SHOP, ADA)
    console = signatures.console_cookie("token", JO)
    assert signatures.session(link) is None
    assert signatures.session(console) is None
    assert signatures.console(session, "token") is None
    assert signatures.console(console, "token") is not None


def test_another_secret_or_operator_token_voids_what_was_signed() -> None:
    cookie = made().session_cookie(SHOP, ADA)
    assert made("another secret").session(cookie) is None
    console = made().console_cookie("token", JO)
    assert made().console(console, "another token") is None


def test_a_form_belongs_to_one_session() -> None:
    signatures = made()
    one = signatures.session(signatures.session_cookie(SHOP, ADA))
    two = signatures.session(signatures.session_cookie(SHOP, ADA))
    assert one is not None
    assert two is not None
    token = signatures.form_token(one)
    assert signatures.same_form_token(one, token)
    assert not signatures.same_form_token(two, token)
    assert not signatures.same_form_token(one, "")
    assert not signatures.same_form_token(one, "ünïcode")
