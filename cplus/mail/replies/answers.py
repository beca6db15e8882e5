"""What a merchant wrote in an answer to a notification: that and nothing else goes to the customer.

What is shown to a merchant shows too much where nothing is certain; what is sent on must not. A
notification begins and ends with lines that hold its own token, which its customer does not know:
all between them is ours, and no line that is quoted with `>` is the merchant's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from cplus.mail.replies.attributions import (
    attribution_start,
    ends_attribution,
    header_label,
    is_quote,
    is_rule,
    plain,
    quoted_headers,
)
from cplus.mail.replies.marker import marker_line, reference_line
from cplus.mail.replies.pointers import points_below
from cplus.mail.replies.reply import reply_text

_ATTRIBUTION = 6  # lines of an attribution in a language that we do not know
_QUOTED = "> quoted"


def answered_text(text: str, reply: str, token: str, address: str) -> str | None:
    """What is newly written in a mail: empty if that is nothing; None if it says that more of it
    stands within what is quoted, where nothing tells it apart.

    Args:
        text: the mail's whole text, lines ended by a line feed.
        reply: what a merchant would be shown of it (`InboundMail.reply_text`).
        token: the token of the notification that it answers.
        address: from which that came, as attributions name it.
    """
    if not _is_in(token, reply):
        return _without_quoted(reply, address)
    lines = text.split("\n")
    begins = _first(lines, marker_line(token))
    if begins is None:  # the notification was quoted from its middle on
        return _without_quoted(reply[: reply.lower().rindex(reference_line(token))], address)
    above = _reply(_without_attribution(lines[:begins], address, quote_follows=True))
    marks = is_quote(lines[begins])
    if points_below(above) and not marks:
        return None
    ends = _last(lines, reference_line(token))
    if ends is None:
        return above
    # Between them nothing is the merchant's for certain, unless their program marks what it quotes.
    between = lines[begins:ends] if marks else []
    own = [[one for one in part if not is_quote(one)] for part in (between, lines[ends + 1 :])]
    return "\n\n".join(part for part in (above, *map(_reply, own)) if part)


def _reply(lines: Sequence[str]) -> str:
    """Without an attribution at its end, and without a signature."""
    if not any(line.strip() for line in lines):
        return ""
    said = reply_text("\n".join([*lines, _QUOTED]), answers=True)
    return "" if said == _QUOTED else said.removesuffix(_QUOTED).rstrip()


def _without_quoted(reply: str, address: str) -> str:
    """A reply without what was quoted between its words, and who is quoted."""
    lines = reply.split("\n")
    kept: list[str] = []
    for at, line in enumerate(lines):
        if not is_quote(line):
            kept.append(line)
        elif not at or not is_quote(lines[at - 1]):
            kept = _without_attribution(kept, address, quote_follows=True)
    kept = _without_attribution(kept, address, quote_follows=False)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def _without_attribution(lines: list[str], address: str, *, quote_follows: bool) -> list[str]:
    """Without the lines directly above the quote, if they name the address that is quoted; if one
    certainly follows, also if they are known to say who is quoted."""
    end = len(lines)
    while end and not plain(lines[end - 1]):
        end -= 1
    start = end
    while start and end - start < _ATTRIBUTION and plain(lines[start - 1]):
        start -= 1
    if not quote_follows:
        return _without_address(lines, start, end, address)
    if start < end and header_label(lines[start]) and quoted_headers(lines, start, ruled=True):
        return lines[:start]
    if end and ends_attribution(lines[end - 1]):
        known = attribution_start(lines, end - 1, is_answer=True)
        if known is not None:
            return lines[:known]
    kept = _without_address(lines, start, end, address)
    if kept is not lines:  # with it goes what else stands above a quoted mail
        while kept and (is_rule(kept[-1]) or header_label(kept[-1])):
            kept = kept[:-1]
    return kept


def _without_address(lines: list[str], start: int, end: int, address: str) -> list[str]:
    for at in range(end - 1, start - 1, -1):
        if address.lower() in lines[at].lower():
            return lines[: _begins(lines, start, at, address)]
    return lines


def _begins(lines: Sequence[str], start: int, at: int, address: str) -> int:
    """The first line of the attribution of which line `at` names the address: headers of a quoted
    mail begin with the first line of their block; a sentence where it is known to, or a line before
    if the address was broken off."""
    above = [plain(line) for line in lines[start:at]]
    if above and all(":" in line[:20] or line.startswith("--") for line in above):
        return start
    known = attribution_start(lines, len(above) + start, is_answer=True)
    broken = plain(lines[at]).lower().startswith((address.lower(), "<", "(")) or (
        bool(above) and above[-1].endswith(("<", "(", "["))
    )
    return max(start, min(known if known is not None else at, at - 1 if broken else at))


def _first(lines: Sequence[str], wanted: str) -> int | None:
    return next((at for at, line in enumerate(lines) if _is(line, wanted)), None)


def _last(lines: Sequence[str], wanted: str) -> int | None:
    return next((at for at in range(len(lines) - 1, -1, -1) if _is(lines[at], wanted)), None)


def _is(line: str, wanted: str) -> bool:
    return wanted.lower() in line.lower()


def _is_in(token: str, text: str) -> bool:
    """Whether one of the notification's own lines is in the text."""
    lower = text.lower()
    return marker_line(token).lower() in lower or reference_line(token) in lower
