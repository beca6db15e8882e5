"""A shop's addresses, and tokens that only we can make."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cplus.errors import InvalidInput, InvalidShop
from cplus.mail import (
    InboundMail,
    Route,
    answer_address,
    conversation_token,
    is_own_mail,
    open_token,
    reply_address,
    route,
    shop_address,
)

SHOP = "birch-bloom.myshopify.com"
DOMAIN = "mail.cplus.example"
ID = "k3v9c0qz7d2m1x8a"


def test_a_shops_address_is_its_name_at_our_domain() -> None:
    assert shop_address(SHOP, DOMAIN) == "birch-bloom@mail.cplus.example"
    assert shop_address("birch-bloom", DOMAIN) == "birch-bloom@mail.cplus.example"


@pytest.mark.parametrize("shop", ["", "a b", "-a", "a@b", "a+b", "a.b.myshopify.com", "x" * 64])
def test_what_is_no_shop_has_no_address(shop: str) -> None:
    with pytest.raises(InvalidShop):
        shop_address(shop, DOMAIN)


def test_a_reply_address_leads_back_to_its_conversation() -> None:
    address = reply_address(SHOP, ID, "secret", DOMAIN)
    [(shop, token)] = route([address], DOMAIN)
    assert shop == SHOP
    assert open_token(token, shop, "secret") == ID


def test_a_token_is_short_and_survives_lower_and_upper_case() -> None:
    token = conversation_token(SHOP, ID, "secret")
    assert re.fullmatch(r"[a-z0-9]{32}", token)
    [(shop, found)] = route([f"Birch-Bloom+{token.upper()}@MAIL.cplus.example"], DOMAIN)
    assert open_token(found, shop, "secret") == ID
    assert len(conversation_token(SHOP, "a" * 24, "secret")) == 40


def test_a_token_is_bound_to_its_shop_and_to_the_secret() -> None:
    token = conversation_token(SHOP, ID, "secret")
    assert open_token(token, "other.myshopify.com", "secret") is None
    assert open_token(token, SHOP, "other") is None


def test_old_secrets_are_still_accepted() -> None:
    token = conversation_token(SHOP, ID, "old")
    assert open_token(token, SHOP, ["new", "old"]) == ID
    assert open_token(token, SHOP, ["new"]) is None
    assert open_token(token, SHOP, []) is None


@given(st.text(max_size=60))
def test_no_token_of_anyones_opens(token: str) -> None:
    assert open_token(token, SHOP, "secret") is None


def test_a_token_with_any_character_changed_opens_nothing() -> None:
    token = conversation_token(SHOP, ID, "secret")
    for place, character in enumerate(token):
        other = "b" if character == "a" else "a"
        changed = token[:place] + other + token[place + 1 :]
        assert open_token(changed, SHOP, "secret") is None
    assert open_token(None, SHOP, "secret") is None


@pytest.mark.parametrize("identifier", ["", "A", "a-b", "a" * 25, "ä"])
def test_only_our_ids_get_a_token(identifier: str) -> None:
    with pytest.raises(InvalidInput):
        conversation_token(SHOP, identifier, "secret")


@pytest.mark.parametrize("length", range(1, 64))
def test_a_local_part_never_exceeds_64_octets(length: int) -> None:
    address = reply_address("s" * length, ID, "secret", DOMAIN)
    assert len(address.partition("@")[0]) <= 64
    assert ("+" in address) == (length <= 31)


def test_many_recipients_lead_to_each_shop_once() -> None:
    recipients = [
        "one@mail.cplus.example",
        "<ONE@mail.cplus.example>",
        "two+abc@mail.cplus.example.",
        "two@mail.cplus.example",
        "someone@example.com",
        "three@sub.mail.cplus.example",
        "bad_name@mail.cplus.example",
        "@mail.cplus.example",
        "none",
        "",
    ]
    assert route(recipients, DOMAIN) == [
        Route("one.myshopify.com", None),
        Route("two.myshopify.com", "abc"),
        Route("two.myshopify.com", None),
    ]


@pytest.mark.parametrize("field", ["from_address", "sender", "return_path"])
def test_mail_from_one_of_our_addresses_is_our_own(field: str) -> None:
    ours = InboundMail.model_validate({field: "birch-bloom+x@mail.cplus.example"})
    theirs = InboundMail.model_validate({field: "ines@example.com", "reply_to": None})
    assert is_own_mail(ours, DOMAIN)
    assert not is_own_mail(theirs, DOMAIN)


def test_an_answer_never_goes_to_ourselves() -> None:
    mail = InboundMail(from_address="ines@example.com", reply_to="birch-bloom@mail.cplus.example")
    assert answer_address(mail, DOMAIN) == "ines@example.com"
    mail = InboundMail(from_address="ines@example.com", reply_to="other@example.com")
    assert answer_address(mail, DOMAIN) == "other@example.com"
    assert answer_address(InboundMail(), DOMAIN) is None
