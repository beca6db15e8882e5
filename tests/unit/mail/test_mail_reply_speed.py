"""A stranger chooses every character of a mail, so no line may cost more than its length."""

from __future__ import annotations

import itertools
import time

import pytest

from cplus.mail.replies.marker import marker_tokens
from cplus.mail.replies.reply import reply_text

_SECONDS = 0.05  # of the processor; a line takes some hundredths of it
_LENGTHS = (12, 25, 50, 100, 200, 400)  # what grows too fast fails while it is still short

_REPEATED = (
    *("a", "A", "é", "日", "日本、", "1", "12 ", "20", "1.", "1:", "a ", "Ab ", ". ", "'"),
    *(" ", "\t", "\xa0", "\x1c", ":", "：", "|", "*", "<", "(", "[", "<(", ">", "> ", "@", "a@"),
    *(
        "a@b",
        "a@b>",
        "<a@",
        "<mailto:a@b",
        "<https://",
        "-",
        "_",
        "-=",
        "--a",
        "##-",
        "##-a",
        "-##",
    ),
    *("[aaaaaaaa] ", "wrote ", "wrote: ", "on ", "From: ", "Re: ", "Thanks and ", "sent from my "),
    *("iPhone ", "から送信", "내 "),
)
_BEGINNINGS = ("", "X", "On 23 Nov 2026 10:00 ", "Sent from ", "From: ", "##- [aaaaaaaa]")
_ENDS = ("", ":", " 2026 a@b.example:", " wrote:", "-##")


def _least_seconds(text: str) -> float:
    """The processor's time for a text: the least of three, for the machine may be busy."""
    took = []
    for _ in range(3):
        start = time.process_time()
        reply_text(text, answers=True)
        marker_tokens(text)
        took.append(time.process_time() - start)
        if took[-1] < _SECONDS:
            break
    return min(took)


@pytest.mark.parametrize("repeated", _REPEATED)
def test_a_line_of_any_kind_is_read_fast(repeated: str) -> None:
    for length, begin, end in itertools.product(_LENGTHS, _BEGINNINGS, _ENDS):
        line = f"{begin}{repeated * (length // len(repeated))}"[: max(1, length - len(end))] + end
        for text in (f"{line}\n> hi", f"Hi\n\n{line}\n{line}\n\nhi\n{line}"):
            assert _least_seconds(text) < _SECONDS, (begin, length, end)


@pytest.mark.parametrize(
    "line",
    [
        "X" + "a" * 80 + " 2026 a@b.example:",
        "先日注文した商品についてですが、2026/11/12までにsato@shop.example宛てに下記をご連絡ください：",
    ],
)
def test_a_long_line_with_a_date_and_an_address_is_read_fast(line: str) -> None:
    assert _least_seconds(f"{line}\n> hi") < _SECONDS
