"""Commands in the first line of a merchant's answer."""

from __future__ import annotations

import pytest

from cplus.mail.replies.commands import Asked, command_of


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("#close", Asked("close", "")),
        ("\n  #CLOSE \n\nThanks, done.", Asked("close", "Thanks, done.")),
        ("#note", Asked("note", "")),
        ("#Note called her", Asked("note", "called her")),
        ("#note called her\nand she\n\nis happy", Asked("note", "called her\nand she\n\nis happy")),
        ("#note\ncalled her", Asked("note", "called her")),
        # What programs and habits put around it.
        ("# close", Asked("close", "")),
        ("*#close*.\nBye", Asked("close", "Bye")),
        ("#note: he is lying", Asked("note", "he is lying")),
        ("# Note he lies", Asked("note", "he lies")),
        ("#note\u00a0he lies", Asked("note", "he lies")),
        ("\u200b#note he lies", Asked("note", "he lies")),
        ("\u200b\n\u00a0#no\u0074e he lies", Asked("note", "he lies")),
        ("\ufeff#note he lies", Asked("note", "he lies")),
        ("*#note* he lies", Asked("note", "he lies")),
        ("**#note** - he lies\nBe kind", Asked("note", "he lies\nBe kind")),
        ("_#note_he lies", Asked("note", "he lies")),
        ("#note-to-self he lies", Asked("note", "to-self he lies")),
        ("\uff03note he lies", Asked("note", "he lies")),
        # Almost a note: nothing is sent.
        ("#notes for you", Asked("unclear", "#notes for you")),
        ("#noet he lies", Asked("unclear", "#noet he lies")),
        # All else is text.
        ("#close this one please", Asked("unclear", "#close this one please")),
        ("#closed", Asked(None, "#closed")),
        ("#1001 is on its way", Asked(None, "#1001 is on its way")),
        ("Size #nine", Asked(None, "Size #nine")),
        ("Yes\n#note he", Asked(None, "Yes\n#note he")),
        ("Yes\n#close", Asked(None, "Yes\n#close")),
        ("", Asked(None, "")),
    ],
)
def test_a_command_begins_the_first_line(text: str, asked: Asked) -> None:
    assert command_of(text) == asked
