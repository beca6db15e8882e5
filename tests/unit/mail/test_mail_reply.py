"""The newest words of a mail: quotes and signatures go, and no word of the sender's with them."""

from __future__ import annotations

import pytest

from cplus.mail import parse
from cplus.mail.marker import marker_line
from cplus.mail.reply import reply_text
from tests.conftest import ROOT

FIXTURES = ROOT / "tests" / "fixtures" / "mail"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "reply_gmail",
            "Great, I will take two of them.\n\n- one in blue\n- one in white",
        ),
        ("reply_gmail_html", "Great, I will take two.\n\nInes"),
        ("reply_outlook", "Yes please, send me two."),
        ("reply_outlook_html", "Yes please, send me two."),
        ("reply_ios", "Perfect, two please!"),
        ("reply_spanish", "Sí, quiero dos."),
        ("reply_german", "Ja, zwei bitte."),
        ("reply_below_quote", "I answer below: two please."),
    ],
)
def test_only_the_new_words_are_the_reply(name: str, words: str) -> None:
    mail = parse((FIXTURES / f"{name}.eml").read_bytes())
    assert mail.reply_text == words
    assert len(mail.text) > len(words)


def test_a_reply_between_quotes_keeps_what_it_answers() -> None:
    mail = parse((FIXTURES / "reply_inline.eml").read_bytes())
    assert "> Do you want it in blue?\n\nYes, in blue." in mail.reply_text


def test_a_mail_of_nothing_but_quotes_falls_back_to_all_of_it() -> None:
    mail = parse((FIXTURES / "reply_only_quotes.eml").read_bytes())
    assert "> The jug is back in stock." in mail.reply_text


def test_thanks_at_the_beginning_of_a_sentence_is_no_signature() -> None:
    mail = parse((FIXTURES / "reply_thanks_is_no_signature.eml").read_bytes())
    assert mail.reply_text.endswith("Can you send another one?")


@pytest.mark.parametrize(
    "signature",
    ["-- \nInes Okafor\nExample Street 1", "Best regards,\nInes", "Sent from my iPhone"],
)
def test_a_signature_goes(signature: str) -> None:
    assert reply_text(f"Two, please.\n\n{signature}\n") == "Two, please."


def test_the_marker_is_cut_first_and_with_the_line_that_names_who_is_quoted() -> None:
    quote = f"Em seg., 23 de nov. de 2026 às 10:00, Loja escreveu:\n\n> {marker_line('a1')}\n> Hi"
    assert reply_text(f"Two!\n\n{quote}") == "Two!"


def test_a_mail_that_begins_with_the_marker_keeps_its_words() -> None:
    assert reply_text(f"{marker_line(None)}\n\nThe jug is back.\n") == "The jug is back."


@pytest.mark.parametrize("text", ["Data: 5\nmore", "Do: this\nand that", "Tak\nTaking it back"])
def test_words_that_begin_like_another_languages_headers_stay(text: str) -> None:
    assert reply_text(f"Hello\n{text}") == f"Hello\n{text}"


def test_what_stands_below_the_head_of_a_long_mail_stays() -> None:
    text = "\n".join(f"This is line number {number}, with words." for number in range(3_000))
    assert reply_text(text) == text


def test_a_long_line_and_indentation_stay_as_they_are() -> None:
    text = "    indented\n" + "word " * 500 + "end\n\n\n\n\nlast"
    assert reply_text(text) == text.strip()
