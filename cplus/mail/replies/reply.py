"""What the sender wrote this time, without what is quoted and without the signature.

Only what is certain is cut. Whoever reads the reply can ask for all of the text, but nobody asks
for an order number of which they do not know.
"""

from __future__ import annotations

from collections.abc import Sequence

from cplus.mail.replies.marker import marker_lines
from cplus.mail.replies.pointers import points_below
from cplus.mail.replies.quotes import Quotes
from cplus.mail.replies.signatures import without_signature


def reply_text(
    text: str, *, answers: bool = False, forwards: bool = False, marks: Sequence[str] = ()
) -> str:
    """The newest words of a mail's text; all of the text if nothing else would be left.

    It has lines of the text in their order, and no others. Words that stand between quotes keep
    those quotes.

    Args:
        text: lines ended by a line feed.
        answers: whether the mail's headers or its subject say that it answers another mail.
        forwards: whether its subject says that it passes on another mail, which is then shown.
        marks: of each line how its mail program marked it in its HTML, as of `html_text.Read`.
    """
    if forwards:
        return text.strip()
    lines = text.split("\n")
    quotes = Quotes(lines, marker_lines(text), answers=answers, marks=marks)
    own = [at for at, line in enumerate(lines) if line.strip() and not quotes.quoted[at]]
    if not own or _answers_within(lines, quotes, own):
        return text.strip()
    end = own[-1] + 1 if quotes.forwards else _end(lines, quotes.quoted, own)
    # What stands alone in a line may be white space that only strip() knows.
    return "\n".join(lines[own[0] : end]).strip() or text.strip()


def _answers_within(lines: Sequence[str], quotes: Quotes, own: Sequence[int]) -> bool:
    """Whether the sender's words say that more of them stand in the quote below, where nothing
    tells them apart."""
    below = True in quotes.quoted and quotes.quoted.index(True) > own[-1]
    return below and points_below("\n".join(lines[at] for at in own))


def _end(lines: Sequence[str], quoted: Sequence[bool], own: list[int]) -> int:
    """The line after the sender's last own words, of which a signature is none."""
    last = len(own) - 1
    while True:
        end = own[last] + 1
        start = end
        while start > own[0] and not quoted[start - 1]:
            start -= 1
        kept = start + without_signature(lines[start:end])
        if kept > start:
            return kept
        # All that stands below the last quote is a signature.
        while last >= 0 and own[last] >= start:
            last -= 1
        if last < 0:
            return end
