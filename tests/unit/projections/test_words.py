"""What the words of a text promise: whatever people type, it finds what they mean."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cplus.projections.words import LOOKED_AT, Phrase, index_words, phrases_of, units


def finds(query: str, text: str) -> bool:
    """Whether the index and then the text itself say that the query finds the text."""
    phrases, _ = phrases_of(query, 12)
    indexed = index_words([text], 10_000)
    return bool(phrases) and all(_says(one, indexed, text) for one in phrases)


def _says(one: Phrase, indexed: list[str], text: str) -> bool:
    there = set(one.exact) <= set(indexed) and all(
        any(word.startswith(begins) for word in indexed) for begins in one.beginnings
    )
    return there and any(True for _ in one.spans(list(units(text))))


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("müller", "Herr MULLER schreibt"),
        ("muller", "Herr Müller schreibt"),
        ("cafe", "un cafe\u0301 noir"),  # the accent as a character of its own
        ("strasse", "Lange Straße 5"),
        ("STRASSE", "lange straße"),
        ("smorrebrod", "Smørrebrød"),
        ("lodz", "Łódź"),
        ("istanbul", "İstanbul"),
        ("ΟΔΟΣ", "οδός"),
        ("ёлка", "Елка"),
        ("שלום", "שָׁלוֹם"),
        ("كتاب", "كِتَاب"),
        ("हिन्दी", "यह हिन्दी है"),
        ("abc", "ＡＢＣ"),
        ("配送", "ご注文の配送状況について"),
        ("送状況", "ご注文の配送状況について"),
        ("況", "配送状況"),
        ("送", "配送状況"),
        ("がく", "がくせい"),
        ("배송", "배송이 늦어요"),
        ("ราคา", "สอบถามราคาสินค้า"),
        ("lamp配送", "the lamp配送 today"),
        ("𠮷野", "𠮷野家"),
        ("lam", "Two lamps"),
        ("blue lam", "lamps, blue"),
        ('"blue lamp"', "A blue, lamp"),
        ("#1001", "Where is order #1001?"),
        ("1001", "Where is order #1001?"),
        ("en-1001", "EN-1001"),
        ("ada@example.com", "Ada <ada@example.com>"),
        ("ada@exam", "ada@example.com"),
        ("don't", "I don't know"),
        ("„blue lamp“", "blue lamp"),
        ("x" * 60, "x" * 50),
    ],
)
def test_a_text_is_found_as_people_write_it(query: str, text: str) -> None:
    assert finds(query, text)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("lam ", "Two lamps"),  # a space ends the word
        ('"lam"', "Two lamps"),
        ("amps", "Two lamps"),
        ('"lamp blue"', "A blue lamp"),
        ("lamp green", "A blue lamp"),
        ("か", "がくせい"),  # another sound
        ("注送", "ご注文の配送"),  # the same characters, not side by side
        ("配 送状", "配状"),
        ("ada@example.org", "ada@example.com"),
        ("a", "ananas"),  # a single letter does not go on
        ("कि", "की"),
        ("... !? ", "... !?"),
        ("", "anything"),
        ('""', "anything"),
    ],
)
def test_a_text_is_not_found_by_what_it_does_not_say(query: str, text: str) -> None:
    assert not finds(query, text)


def test_a_query_has_each_phrase_once_and_says_how_many_were_too_many() -> None:
    phrases, more = phrases_of("a1 b2 a1 c3 d4 e5", 3)
    assert ([one.exact for one in phrases], more) == ([["a1"], ["b2"], ["c3"]], 2)
    [twice], more = phrases_of("lamp lamp", 3)
    assert (twice.begins, more) == (True, 0)


def test_no_more_words_than_the_row_may_have_are_indexed_and_the_first_texts_come_first() -> None:
    hostile = " ".join(f"w{number}" for number in range(5_000))
    words = index_words(["Ada Brandt", hostile], 1_000)
    assert len(words) == 1_000
    assert {"ada", "brandt", "w997"} <= set(words)
    assert "w998" not in words


@pytest.mark.parametrize("much", ["w ", "配", "ü ", "\ufdfa ", "\ufdfa"])
def test_of_a_long_text_the_words_at_its_beginning_are_indexed(much: str) -> None:
    text = "begins " + much * LOOKED_AT + " needle"
    words = index_words([text, "ada"], 4_000)
    assert {"begins", "ada"} <= set(words)
    assert "needle" not in words


@settings(max_examples=60)
@given(st.text(max_size=60))
def test_any_text_can_be_indexed_stored_and_searched(text: str) -> None:
    for word in index_words([text], 100):
        assert 0 < len(word) <= 41
        word.encode()  # MongoDB takes it
    phrases, _ = phrases_of(text, 12)
    for one in phrases:
        assert one.exact or one.beginnings
        list(one.spans(list(units(text))))


@settings(max_examples=60)
@given(st.text(alphabet="aB1éß 配送ก가-'@", min_size=1, max_size=12), st.data())
def test_every_text_is_found_by_any_of_its_units(text: str, data: st.DataObject) -> None:
    some = list(units(text))
    if not some:
        return
    first = data.draw(st.integers(0, len(some) - 1))
    last = data.draw(st.integers(first, len(some) - 1))
    assert finds('"' + text[some[first].start : some[last].end] + '"', text)
