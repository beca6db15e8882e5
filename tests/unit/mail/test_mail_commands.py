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
        # All else is text.
        ("#close this one please", Asked(None, "#close this one please")),
        ("#closed", Asked(None, "#closed")),
        ("#notes for you", Asked(None, "#notes for you")),
        ("# close", Asked(None, "# close")),
        ("#1001 is on its way", Asked(None, "#1001 is on its way")),
        ("Yes\n#close", Asked(None, "Yes\n#close")),
        ("", Asked(None, "")),
    ],
)
def test_a_command_stands_alone_in_the_first_line(text: str, asked: Asked) -> None:
    assert command_of(text) == asked
