"""What a merchant wrote in an answer to a notification: that and nothing else goes to the customer.

What is shown to a merchant shows too much where nothing is certain; what is sent on must not. A
notification begins and ends with lines that hold its own token, which its customer does not know:
all between them is ours, and no line that is quoted with `>` is the merchant's.
"""

from __future__ import annotations

from collections.abc import Sequence

from cplus.mail.replies.attributions import is_quote, plain
from cplus.mail.replies.marker import marker_line, reference_line
from cplus.mail.replies.reply import reply_text

_ATTRIBUTION = 6  # lines of an attribution in a language that we do not know
_QUOTED = "> quoted"


def answered_text(text: str, token: str, address: str) -> str:
    """What is newly written in a mail's whole text; empty if that is nothing for certain.

    Args:
        text: lines ended by a line feed.
        token: the token of the notification that it answers.
        address: from which that came, as attributions name it.
    """
    lines = text.split("\n")
    begins = _first(lines, marker_line(token))
    if begins is None:
        return _without_quoted(reply_text(text, answers=True), token)
    above = _without_attribution(lines[:begins], address)
    ends = _last(lines, reference_line(token))
    between = [] if ends is None else [one for one in lines[begins:ends] if not is_quote(one)]
    if ends is None or not is_quote(lines[begins]):
        between = []  # ours, but no program marked it
    below = [] if ends is None else [one for one in lines[ends + 1 :] if not is_quote(one)]
    parts = [_reply(part) for part in (above, between, below)]
    return "\n\n".join(part for part in parts if part)


def _reply(lines: Sequence[str]) -> str:
    """Without an attribution at its end, and without a signature."""
    if not any(line.strip() for line in lines):
        return ""
    said = reply_text("\n".join([*lines, _QUOTED]), answers=True)
    return "" if said == _QUOTED else said.removesuffix(_QUOTED).rstrip()


def _without_quoted(text: str, token: str) -> str:
    """A text in which the notification does not begin: it was cut, or quoted in part."""
    kept = [line for line in text.split("\n") if not is_quote(line)]
    ends = _last(kept, reference_line(token))
    return "\n".join(kept if ends is None else kept[:ends]).strip()


def _without_attribution(lines: list[str], address: str) -> list[str]:
    """Without the lines directly above the quote, if they name the address that is quoted."""
    end = len(lines)
    while end and not plain(lines[end - 1]):
        end -= 1
    start = end
    while start and end - start < _ATTRIBUTION and plain(lines[start - 1]):
        start -= 1
    for at in range(end - 1, start - 1, -1):
        if address.lower() in lines[at].lower():
            return lines[: _begins(lines, start, at)]
    return lines


def _begins(lines: Sequence[str], start: int, at: int) -> int:
    """The first line of the attribution of which line `at` names the address: headers of a quoted
    mail begin with the first line of their block, a sentence begins at most a line before."""
    above = [plain(line) for line in lines[start:at]]
    if above and all(":" in line[:20] or line.startswith("--") for line in above):
        return start
    named_alone = plain(lines[at]).startswith(("<", "("))
    return max(start, at - 1) if named_alone else at


def _first(lines: Sequence[str], wanted: str) -> int | None:
    return next((at for at, line in enumerate(lines) if _is(line, wanted)), None)


def _last(lines: Sequence[str], wanted: str) -> int | None:
    return next((at for at in range(len(lines) - 1, -1, -1) if _is(lines[at], wanted)), None)


def _is(line: str, wanted: str) -> bool:
    return wanted.lower() in line.lower()
