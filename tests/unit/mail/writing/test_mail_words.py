"""The words of a mail that goes out: read back right, by us and by everybody else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from typing import Final

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from cplus.mail import HISTORY_LIMIT, Quoted, conversation_token, parse
from cplus.mail.reading.html import sanitise
from cplus.mail.reading.html_text import to_text
from cplus.mail.replies.reply import reply_text
from cplus.mail.writing.words import clean, kept_history
from tests.unit.mail.writing.composed import SHOP, as_read, body, compose

TOKEN = conversation_token(SHOP, "c0nversat10n0001", "secret")
AT = datetime(2026, 11, 23, 10, 5, tzinfo=UTC)
HISTORY = [
    Quoted("Birch & Bloom", AT, "It is 24 cm high.\n\nDo you need the lid?"),
    Quoted("Ines Okafor", AT - timedelta(hours=20), "How high is the jug?"),
]
ATTRIBUTION = "On Mon, 23 Nov 2026 at 10:05, Birch & Bloom wrote:"

_LETTERS = st.characters(blacklist_categories=["Cs"])
_LINE = st.one_of(
    st.text(_LETTERS, max_size=60),
    st.sampled_from(
        [
            *("", "Hello,", "> quoted", "-- ", "--", ".", "..", "From here", "Regards,", "Ines"),
            *("שלום, הכד חזר", "הכד is back 24 cm", "大きい水差し", "👩🏽\u200d🍳🏺", "a\xa0b"),
            *("On 23 Nov 2026 at 10:05, Sam wrote:", "https://a.example/?a=1&b=%20", "x" * 1200),
            *("[ref:cplus:x]", "Sent from my iPhone", "a  b   c", "\tindented", "&lt;b&gt; & <b>"),
            "\u202eabc",
        ]
    ),
)
WORDS = st.lists(_LINE, max_size=8).map("\n".join)


def letters(text: str) -> str:
    """Without what only shapes the text."""
    return "".join(text.replace(">", "").split())


@settings(max_examples=40)
@given(WORDS, WORDS, st.lists(st.tuples(st.text(_LETTERS, max_size=20), WORDS), max_size=3))
@example("Yes.", "Sam\nBirch & Bloom", [("Ines <i@example.com>: wrote", "> a\n-- \nb")])
@example("Yes.", "-- \nSam\n\n-- \nBirch & Bloom", [])
@example("Hello:", "", [("", "x")])
def test_we_read_our_own_mail_as_it_was_written(
    text: str, signature: str, history: list[tuple[str, str]]
) -> None:
    said = clean(text)
    # What our reader takes for no words of the sender's is not the question here.
    whole = f"Begin\n\n{said}"
    assume(said.strip() and reply_text(said, answers=True) == said.strip())
    assume(reply_text(whole, answers=True) == whole.rstrip())
    assume("Forwarded" not in said and ">" not in signature)
    quoted = [Quoted(name, AT - timedelta(hours=at), one) for at, (name, one) in enumerate(history)]
    raw = compose(text=text, signature="\n".join(signature.split("\n")[:8]), history=quoted)
    mail = parse(raw)
    assert mail.defects == []
    assert mail.reply_text == said.strip()
    assert mail.marker_tokens == [TOKEN]


@settings(max_examples=40)
@given(WORDS)
@example("From here\n.\n..\n=\n=3D\r\nx \t\n\n\n\ny" + "é" * 999)
def test_the_text_arrives_exactly_by_pythons_own_parser(text: str) -> None:
    raw = compose(text=text, reply_to="birch-bloom@mail.cplus.example")
    assert body(raw, "plain").removesuffix("\n") == clean(text)


@settings(max_examples=40)
@given(WORDS, WORDS)
def test_the_html_says_what_the_text_says_and_closes_what_it_opens(text: str, earlier: str) -> None:
    raw = compose(text=text, history=[Quoted("Ines", AT, earlier)], signature="Sam")
    html = body(raw, "html")
    checker = Checker()
    checker.feed(html)
    checker.close()
    assert checker.open == []
    assert letters(to_text(sanitise(html)[0])) == letters(body(raw, "plain"))


class Checker(HTMLParser):
    """Fails at an element that is not closed in its turn, that runs, or that has no place here."""

    VOID: Final = frozenset({"meta", "br", "img"})
    KNOWN: Final = VOID | {"html", "head", "title", "body", "div", "p", "a", "blockquote"}

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in self.KNOWN
        assert not any(name.startswith("on") for name, _ in attrs)
        assert not (tag in ("div", "p", "blockquote") and "p" in self.open)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_reply_looks_as_if_a_mail_program_had_written_it() -> None:
    mail = parse(compose(text="Yes, we have it.", signature="Sam\nBirch & Bloom", history=HISTORY))
    assert mail.text == (
        "Yes, we have it.\n"
        "\n"
        "-- \n"
        "Sam\n"
        "Birch & Bloom\n"
        "\n"
        f"{ATTRIBUTION}\n"
        "> It is 24 cm high.\n"
        ">\n"
        "> Do you need the lid?\n"
        "\n"
        "On Sun, 22 Nov 2026 at 14:05, Ines Okafor wrote:\n"
        "> How high is the jug?\n"
        "\n"
        f"[ref:cplus:{TOKEN}]\n"
    )
    assert mail.reply_text == "Yes, we have it."


def test_the_first_words_that_a_program_can_preview_are_the_merchants() -> None:
    raw = compose(text="Yes, we have it.", history=HISTORY)
    assert body(raw, "plain").startswith("Yes, we have it.")
    assert to_text(sanitise(body(raw, "html"))[0]).startswith("Yes, we have it.")


def test_the_line_with_the_token_is_hidden_in_html_and_last() -> None:
    before, _, after = body(compose(), "html").partition(f"[ref:cplus:{TOKEN}]")
    hidden = before.rpartition("<div ")[2]
    assert "height:0;max-height:0;overflow:hidden" in hidden
    assert "mso-hide:all" in hidden
    assert "display" not in hidden, "Apple Mail does not quote it then"
    assert to_text(after) == ""


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a  b", "a\xa0 b"),
        ("  a\n b", "\xa0 a<br>\n\xa0b"),
        ("\ta", "\xa0\xa0\xa0\xa0a"),
        ("a\xa0b", "a\xa0b"),
        ("a\n\n\nb", 'a</p>\n<p dir="auto" style="margin:0 0 1em">b'),
    ],
)
def test_spaces_and_lines_are_seen_in_html(text: str, html: str) -> None:
    assert f">{html}</p>" in body(compose(text=text), "html")


def test_at_most_30_kb_of_the_newest_messages_are_quoted_and_the_last_is_cut_at_a_line() -> None:
    long = "\n".join(["ö" * 99] * 60)  # 12 KB
    history = [Quoted("Ines", AT - timedelta(days=day), f"{day}\n{long}") for day in range(9)]
    kept = kept_history(history[::-1])
    assert [one.text[0] for one in kept] == ["0", "1", "2"]
    assert kept[0].text.endswith("ö")
    assert kept[2].text.endswith("ö" * 99 + "\n[…]")
    assert sum(len(one.text.encode()) for one in kept) <= HISTORY_LIMIT + 10
    assert len(kept_history([Quoted("Ines", AT, "x" * 99_999)])[0].text) == HISTORY_LIMIT + 4
    assert kept_history([Quoted("Ines", AT, " \n ")]) == []
    assert len(kept_history([Quoted("Ines", AT, "x")] * 99)) == 20


def test_a_date_is_told_in_the_zone_in_which_it_is_given() -> None:
    at = AT.astimezone(timezone(timedelta(hours=9)))
    mail = parse(compose(history=[Quoted("Ines", at, "Hi")]))
    assert "On Mon, 23 Nov 2026 at 19:05, Ines wrote:\n> Hi" in mail.text


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Ines <ines@example.com>", "Ines ines@example.com"),
        ("a\r\nb: c", "a b c"),
        ("\u202eevil", "evil"),
        ("", "Unknown"),
        ("::", "Unknown"),
        ("דנה", "דנה"),
    ],
)
def test_a_name_above_a_quote_cannot_be_read_as_anything_else(name: str, said: str) -> None:
    mail = parse(compose(text="Yes.", history=[Quoted(name, AT, "Hi")]))
    assert f"On Mon, 23 Nov 2026 at 10:05, {said} wrote:\n> Hi" in mail.text
    assert mail.reply_text == "Yes."


def test_copies_are_seen_and_named_once() -> None:
    raw = compose(cc=["sam@example.com", "Ines.Okafor@example.com", "sam@example.com"])
    assert as_read(raw)["Cc"] == "sam@example.com"
    assert parsedate_to_datetime(as_read(raw)["Date"]).tzinfo is not None
    assert as_read(compose())["Cc"] is None
