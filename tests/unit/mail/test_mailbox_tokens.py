"""What the signed values of a merchant's mailbox promise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cplus.errors import InvalidInput
from cplus.mail import conversation_token, open_token, route
from cplus.mail.mailbox_tokens import (
    Answered,
    is_mailbox_code,
    mailbox_address,
    mailbox_code,
    mailbox_token,
    open_mailbox_token,
)

SHOP, OTHER = "acorn.myshopify.com", "birch.myshopify.com"
SECRET = "a secret of tests"
TALK, BOX = "7d2k7d2k7d2k7d2k", "b2b2b2b2b2b2b2b2"


def test_a_token_opens_for_its_shop_conversation_and_mailbox_alone() -> None:
    token = mailbox_token(SHOP, TALK, BOX, SECRET)
    assert open_mailbox_token(token.upper(), SHOP, ["b1", BOX], SECRET) == Answered(TALK, BOX)
    assert open_mailbox_token(token, SHOP, ["b1"], SECRET) is None
    assert open_mailbox_token(token, SHOP, [], SECRET) is None
    assert open_mailbox_token(token, OTHER, [BOX], SECRET) is None
    assert open_mailbox_token(token, SHOP, [BOX], "another secret") is None
    assert open_mailbox_token(token, SHOP, [BOX], ["another secret", SECRET]) is not None


def test_a_customers_token_is_no_mailboxs_and_the_other_way_round() -> None:
    theirs = conversation_token(SHOP, TALK, SECRET)
    ours = mailbox_token(SHOP, TALK, BOX, SECRET)
    assert open_mailbox_token(theirs, SHOP, [BOX], SECRET) is None
    assert open_token(ours, SHOP, SECRET) is None


def test_an_answer_is_routed_to_the_shop_with_its_token() -> None:
    address = mailbox_address(SHOP, TALK, BOX, SECRET, "mail.example.com")
    [way] = route([address], "mail.example.com")
    assert way.shop == SHOP
    assert open_mailbox_token(way.token, SHOP, [BOX], SECRET) == Answered(TALK, BOX)


def test_a_long_name_leaves_no_room_for_a_token() -> None:
    long = "a" * 32 + ".myshopify.com"
    address = mailbox_address(long, TALK, BOX, SECRET, "mail.example.com")
    assert address == "a" * 32 + "@mail.example.com"


def test_what_is_no_id_gets_no_token() -> None:
    for talk, box in (("", BOX), (TALK, "B"), ("x" * 25, BOX)):
        with pytest.raises(InvalidInput):
            mailbox_token(SHOP, talk, box, SECRET)


@given(st.text(max_size=60) | st.none())
def test_no_text_opens_by_chance(text: str | None) -> None:
    assert open_mailbox_token(text, SHOP, [BOX], SECRET) is None


def test_a_code_is_known_however_people_write_it() -> None:
    code = mailbox_code(SHOP, BOX, 1, SECRET)
    assert len(code) == 11
    for written in (code, code.upper(), code.replace("-", ""), f" {code.replace('-', ' ')}\n"):
        assert is_mailbox_code(written, SHOP, BOX, 1, SECRET)
    assert not is_mailbox_code(code, SHOP, BOX, 2, SECRET)
    assert not is_mailbox_code(code, SHOP, "b1", 1, SECRET)
    assert not is_mailbox_code(code, OTHER, BOX, 1, SECRET)
    assert not is_mailbox_code("", SHOP, BOX, 1, SECRET)
    assert not is_mailbox_code(code * 20, SHOP, BOX, 1, SECRET)
