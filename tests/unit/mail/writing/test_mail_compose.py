"""Mail that goes out: valid whatever is put into it, and read back as it was put in."""

from __future__ import annotations

from email import message_from_bytes
from email.header import decode_header, make_header
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cplus.errors import InvalidInput
from cplus.mail import (
    compose_notice,
    conversation_token,
    no_reply_address,
    parse,
    reply_subject,
    route,
)
from cplus.mail.replies.marker import marker_tokens
from tests.unit.mail.writing.composed import ADDRESS, SHOP, as_read, compose


def test_what_was_composed_is_read_back() -> None:
    raw = compose(
        shop_name="Bücher & 本屋",
        subject="Re: Größe — 大きさ?",
        text="Guten Tag,\n\nder Krug ist da. 大きい\n\n  eingerückt\n.\nFrom here",
        date=1_795_000_000.0,
    )
    mail = parse(raw)
    assert mail.from_name == "Bücher & 本屋"
    assert mail.from_address == "birch-bloom@mail.cplus.example"
    assert mail.reply_to == ADDRESS
    assert mail.subject == "Re: Größe — 大きさ?"
    assert mail.reply_text == "Guten Tag,\n\nder Krug ist da. 大きい\n\n  eingerückt\n.\nFrom here"
    assert mail.message_id == "m1@mail.cplus.example"
    assert mail.in_reply_to == "form-1@shopify.com"
    assert mail.references == ["first@example.com", "form-1@shopify.com", "m1@mail.cplus.example"]
    assert mail.date is not None
    assert mail.date.timestamp() == 1_795_000_000
    assert mail.html is not None
    assert "der Krug ist da. 大きい" in mail.html
    assert (mail.automatic, mail.defects) == (False, [])


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=300))
@example("a\r\nBcc: x@y.example", "b\r\n\r\n<script>", "c\nSubject: d")
@example("=?utf-8?q?x?=", '"\\', "\ud800\x00\x85\u2028")
@example("x" * 300, "y" * 300, "z" * 300)
def test_whatever_is_put_in_the_mail_is_valid(name: str, subject: str, text: str) -> None:
    raw = compose(shop_name=name, subject=subject, text=text)
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    assert b"\n" not in raw.replace(b"\r\n", b"")
    message = message_from_bytes(raw)
    assert sorted(message.keys()) == sorted(
        [
            *("Content-Type", "MIME-Version", "From", "To", "Reply-To", "Subject", "Date"),
            *("Message-ID", "In-Reply-To", "References"),
        ]
    )
    assert as_read(raw)["From"].addresses[0].addr_spec == "birch-bloom@mail.cplus.example"
    mail = parse(raw)
    assert mail.defects == []
    assert mail.from_address == "birch-bloom@mail.cplus.example"
    assert mail.subject == " ".join(mail.subject.split())


@pytest.mark.parametrize("subject", ["x" * 200, "é" * 200, "日本語 " * 40, "=?utf-8?q?no_word?="])
def test_long_and_odd_subjects_arrive_whole(subject: str) -> None:
    raw = compose(subject=subject)
    header = str(message_from_bytes(raw)["Subject"])
    assert str(make_header(decode_header(header))).replace("\n", "") == subject.strip()
    assert parse(raw).subject == subject.strip()


def test_a_line_of_any_length_arrives_whole() -> None:
    text = "word " * 5_000 + "é" * 5_000
    assert text in parse(compose(text=text)).text


@pytest.mark.parametrize("field", ["from_address", "to", "reply_to", "own_message_id"])
@pytest.mark.parametrize(
    "value",
    ["", "no address", "a@b.example\r\nBcc: c@d.example", "a@b.example, c@d.example", "é@b.c"],
)
def test_what_is_no_address_is_refused(field: str, value: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        compose(**{field: value})
    assert "example" not in str(caught.value)


def test_as_many_copies_as_ses_takes_arrive_and_one_more_is_refused() -> None:
    many = [f"{'x' * 60}{number}@{'y' * 60}.example" for number in range(49)]
    raw = compose(cc=many)
    assert max(map(len, raw.split(b"\r\n"))) < 150  # an address is never broken
    assert [one.addr_spec for one in as_read(raw)["Cc"].addresses] == many
    with pytest.raises(InvalidInput, match="at most 50 recipients"):
        compose(cc=[*many, "one@example.com"])
    with pytest.raises(InvalidInput, match="the cc address"):
        compose(cc=["a@b.example\r\nBcc: c@d.example"])


def test_message_ids_of_others_that_are_broken_are_left_out() -> None:
    raw = compose(in_reply_to="no id", references=["a@b.example", "x", "é@b.example", "", "\r\n"])
    mail = parse(raw)
    assert mail.in_reply_to is None
    assert mail.references == ["a@b.example", "m1@mail.cplus.example"]


def test_references_do_not_grow_for_ever() -> None:
    mail = parse(compose(references=[f"id{number}@example.com" for number in range(500)]))
    assert len(mail.references) == 22
    assert mail.references[0] == "id0@example.com"
    assert mail.references[-2:] == ["form-1@shopify.com", "m1@mail.cplus.example"]


def test_only_automatic_mail_says_that_it_is() -> None:
    automatic = message_from_bytes(compose(automatic=True))
    assert automatic["Auto-Submitted"] == "auto-replied"
    assert automatic["X-Auto-Response-Suppress"] == "All"
    assert parse(compose(automatic=True)).automatic
    written = message_from_bytes(compose())
    assert written["Auto-Submitted"] is None
    assert written["X-Auto-Response-Suppress"] is None


def test_the_marker_carries_the_token_also_where_the_address_has_no_room() -> None:
    token = conversation_token(SHOP, "c0nversat10n0001", "secret")
    assert marker_tokens(parse(compose()).text) == [token]
    plain = compose(reply_to="birch-bloom@mail.cplus.example", token=token)
    assert marker_tokens(parse(plain).text) == [token]
    assert marker_tokens(parse(compose(reply_to="birch-bloom@mail.cplus.example")).text) == []


def test_html_in_the_text_is_shown_and_not_obeyed() -> None:
    raw = compose(text="<script>alert(1)</script> & <b>bold</b>")
    part = message_from_bytes(raw).get_payload()[1]  # type: ignore[index]
    html = part.get_payload(decode=True).decode()  # type: ignore[union-attr]
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;b&gt;bold&lt;/b&gt;" in html


@pytest.mark.parametrize(
    ("subject", "answer"),
    [
        ("Your jug", "Re: Your jug"),
        ("Re: Your jug", "Re: Your jug"),
        ("RE: AW: re[2]: Your jug", "Re: Your jug"),
        ("回复：您的水壶", "Re: 您的水壶"),
        ("Reserve: a jug", "Re: Reserve: a jug"),
        ("", "Re: Your message"),
        ("Re:", "Re: Your message"),
        ("a\r\nBcc: b", "Re: a Bcc: b"),
    ],
)
def test_an_answers_subject_has_one_re(subject: str, answer: str) -> None:
    assert reply_subject(subject) == answer


NOTICE: dict[str, Any] = {
    "sender_name": "Conversations Plus",
    "from_address": no_reply_address("mail.cplus.example"),
    "to": "owner@example.com",
    "subject": "A customer asked for their data",
    "text": "Largo & Söhne <b>\n\nRequest no. 7\nDue soon",
    "link": "https://app.example/privacy/requests/7?shop=a&b=c",
    "label": "Open <it>",
    "closing": "Nobody reads replies to it.",
    "own_message_id": "n1@mail.cplus.example",
}


def test_a_notice_says_the_same_in_text_and_html_and_that_a_program_sent_it() -> None:
    raw = compose_notice(**NOTICE)
    mail = parse(raw)
    assert mail.automatic
    assert mail.defects == []
    assert (mail.from_name, mail.from_address) == ("Conversations Plus", NOTICE["from_address"])
    assert mail.message_id == "n1@mail.cplus.example"
    for words in (NOTICE["text"], NOTICE["link"], NOTICE["closing"]):
        assert words in mail.text
    headers = message_from_bytes(raw)
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["X-Auto-Response-Suppress"] == "All"
    assert "Reply-To" not in headers
    _, plain, page = (str(part.get_payload(decode=True)) for part in headers.walk())
    assert "Reply above" not in plain
    assert '<a href="https://app.example/privacy/requests/7?shop=a&amp;b=c">' in page
    assert "Open &lt;it&gt;</a>" in page
    assert "hne &lt;b&gt;" in page


@pytest.mark.parametrize("name", ["from_address", "to", "own_message_id"])
def test_a_notice_with_an_address_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        compose_notice(**{**NOTICE, name: "no address"})


def test_what_answers_a_notice_is_for_no_shop() -> None:
    assert route([no_reply_address("mail.cplus.example")], "mail.cplus.example") == []
