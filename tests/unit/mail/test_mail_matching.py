"""Which conversation a mail belongs to: what is surest comes first."""

from __future__ import annotations

from cplus.mail import (
    Candidate,
    InboundMail,
    Route,
    candidates,
    conversation_token,
    message_id_key,
    normal_message_id,
)
from cplus.mail.marker import marker_line, marker_tokens

SHOP = "birch-bloom.myshopify.com"
OTHER = "other.myshopify.com"


def token(identifier: str, shop: str = SHOP) -> str:
    return conversation_token(shop, identifier, "secret")


def test_token_references_in_reply_to_and_marker_come_in_this_order() -> None:
    mail = InboundMail(
        references=["old@a.example", "new@a.example"],
        in_reply_to="answered@a.example",
        text=f"Hi\n> {marker_line(token('marked'))}\n> quoted",
    )
    found = candidates(mail, [Route(SHOP, token("tokened"))], shop=SHOP, secret="secret")
    assert found == [
        Candidate("token", "tokened"),
        Candidate("reference", "new@a.example"),
        Candidate("reference", "old@a.example"),
        Candidate("in_reply_to", "answered@a.example"),
        Candidate("marker", "marked"),
    ]


def test_a_value_is_named_once_by_its_surest_way() -> None:
    mail = InboundMail(
        references=["a@a.example"], in_reply_to="a@a.example", text=marker_line(token("one"))
    )
    found = candidates(mail, [Route(SHOP, token("one"))] * 2, shop=SHOP, secret=["new", "secret"])
    assert found == [Candidate("token", "one"), Candidate("reference", "a@a.example")]


def test_tokens_of_other_shops_and_forged_ones_count_for_nothing() -> None:
    mail = InboundMail(text=marker_line(token("one", OTHER)))
    routes = [Route(OTHER, token("one", OTHER)), Route(SHOP, "one" + "a" * 16), Route(SHOP, None)]
    assert candidates(mail, routes, shop=SHOP, secret="secret") == []


def test_a_mail_with_nothing_to_go_by_has_no_candidates() -> None:
    mail = InboundMail(subject="New customer message on September 15, 2026 at 10:45 am")
    assert candidates(mail, [Route(SHOP, None)], shop=SHOP, secret="secret") == []


def test_a_marker_that_a_quoting_program_broke_is_still_read() -> None:
    line = marker_line(token("one"))
    assert marker_tokens(line.replace("[", "\n> > [").replace("] ", "]\n> ")) == [token("one")]


def test_spellings_of_a_message_id_are_one() -> None:
    spellings = ["<Ab.1@Example.COM>", " Ab.1@example.com ", "<Ab.1@\r\n example.com>"]
    assert {normal_message_id(one) for one in spellings} == {"Ab.1@example.com"}
    assert len({message_id_key(one, "key") for one in spellings}) == 1


def test_the_key_of_a_message_id_tells_nothing_without_the_secret() -> None:
    key = message_id_key("<ines@example.com>", "key")
    assert len(key) == 32
    assert "ines" not in key
    assert key == message_id_key("ines@example.com", "key")
    assert key != message_id_key("ines@example.com", "other")
