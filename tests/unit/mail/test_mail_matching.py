"""Which conversation a mail belongs to: what is surest comes first."""

from __future__ import annotations

import pytest

from cplus.mail import (
    Candidate,
    InboundMail,
    Route,
    candidates,
    compose_reply,
    conversation_token,
    message_id_key,
    normal_message_id,
    parse,
)
from cplus.mail.replies.marker import marker_line, marker_tokens

SHOP = "birch-bloom.myshopify.com"
OTHER = "other.myshopify.com"


def token(identifier: str, shop: str = SHOP) -> str:
    return conversation_token(shop, identifier, "secret")


def test_token_references_in_reply_to_and_marker_come_in_this_order() -> None:
    mail = InboundMail(
        references=["old@a.example", "new@a.example"],
        in_reply_to="answered@a.example",
        marker_tokens=[token("marked")],
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
        references=["a@a.example"], in_reply_to="a@a.example", marker_tokens=[token("one")]
    )
    found = candidates(mail, [Route(SHOP, token("one"))] * 2, shop=SHOP, secret=["new", "secret"])
    assert found == [Candidate("token", "one"), Candidate("reference", "a@a.example")]


def test_tokens_of_other_shops_and_forged_ones_count_for_nothing() -> None:
    mail = InboundMail(marker_tokens=[token("one", OTHER), "a" * 20])
    routes = [Route(OTHER, token("one", OTHER)), Route(SHOP, "one" + "a" * 16), Route(SHOP, None)]
    assert candidates(mail, routes, shop=SHOP, secret="secret") == []


def test_a_mail_with_nothing_to_go_by_has_no_candidates() -> None:
    mail = InboundMail(subject="New customer message on September 15, 2026 at 10:45 am")
    assert candidates(mail, [Route(SHOP, None)], shop=SHOP, secret="secret") == []


HEAD = b"From: a@example.com\nContent-Type: multipart/alternative; boundary=b\n\n--b\n"
WORDS = "Two, please: send both of them in blue, by post, to the same address as before."
QUOTE = f"<p>{WORDS}</p><blockquote><div>{marker_line(token('one'))}</div>One or two?</blockquote>"


@pytest.mark.parametrize(
    "raw",
    [
        f"From: a@example.com\n\nTwo.\n\n> {marker_line(token('one'))}\n> One or two?\n".encode(),
        b"From: a@example.com\nContent-Type: text/html\n\n" + QUOTE.encode(),
        # The plain alternative is what was written and leaves the quote out.
        HEAD + f"\n{WORDS}\n--b\nContent-Type: text/html\n\n{QUOTE}\n--b--\n".encode(),
        # The plain alternative is a stand-in, and the HTML has no marker.
        HEAD
        + f"\n{marker_line(token('one'))}\n--b\nContent-Type: text/html\n\n".encode()
        + b"<p>Two, and both in blue, please.</p>\n--b--\n",
        # No mail that could be read, but words.
        f"Two.\n\n> {marker_line(token('one'))}\n".encode(),
    ],
    ids=["text", "html", "html beside text", "text beside html", "no mail"],
)
def test_a_marker_brings_the_mail_home_wherever_it_stands(raw: bytes) -> None:
    found = candidates(parse(raw), [Route(SHOP, None)], shop=SHOP, secret="secret")
    assert found == [Candidate("marker", "one")]


def test_an_id_of_ours_among_the_references_is_looked_for_as_it_was_sent() -> None:
    own = "0123456789abcdef@mail.cplus.example"
    sent = compose_reply(
        shop_name="Birch & Bloom",
        from_address="birch-bloom@mail.cplus.example",
        to="ines@example.com",
        subject="Re: Jug",
        text="It is here.",
        reply_to="birch-bloom@mail.cplus.example",
        in_reply_to=None,
        references=[],
        own_message_id=f"<{own}>",
    )
    kept = " ".join(f"<{one}>" for one in parse(sent).references)
    answer = parse(f"From: ines@example.com\nReferences: {kept}\n\nThank you!".encode())
    found = candidates(answer, [Route(SHOP, None)], shop=SHOP, secret="secret")
    assert found == [Candidate("reference", own)]


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
