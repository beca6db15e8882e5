"""Finds which lines of a mail are quoted for certain."""

from __future__ import annotations

from collections.abc import Sequence

from cplus.mail.reading.quote_marks import QUOTED, RULE
from cplus.mail.replies.attributions import (
    attributes_within,
    attribution_start,
    ends_attribution,
    header_label,
    is_quote,
    is_rule,
    may_introduce,
    plain,
    quoted_headers,
)
from cplus.mail.replies.marker import is_reference
from cplus.mail.replies.quote_words import FORWARDED, WROTE

_BLANKS = 5  # empty lines between an attribution and its quote
_INNER = 6  # lines of a quote in which its own attribution may stand
_FORWARD_LENGTH = 120


def is_forward_line(line: str) -> bool:
    """Whether a program wrote the line above a mail that is passed on."""
    words = plain(line)
    return (
        len(words) <= _FORWARD_LENGTH
        and (words.startswith("--") or words.endswith((":", "：")))
        and FORWARDED.search(words) is not None
    )


class Quotes:
    """Reads a mail from its top. Each line is looked at a bounded number of times."""

    def __init__(
        self,
        lines: Sequence[str],
        markers: Sequence[tuple[int, int]],
        *,
        answers: bool,
        marks: Sequence[str] = (),
    ) -> None:
        self.lines = lines
        self._marks = dict(enumerate(marks)) if any(marks) else {}
        self.quoted = [False] * len(lines)
        """Whether each line is quoted, with the words that name who is quoted."""
        self.forwards = False
        """Whether it passes on another mail, so that all that follows is what it says."""
        self._markers = dict(markers)
        self._answers = answers or bool(markers)
        self._knows_quote = False
        self._after_label = False
        self._own = 0  # lines so far that are not quoted and not empty
        at = 0
        while at < len(lines) and not self.forwards:
            at = self._step(at)

    def _step(self, at: int) -> int:
        """Reads what begins at a line; the number of the next line to read."""
        line = self.lines[at]
        begins = line.lstrip()[:1]
        if begins in ("", ">"):
            self._after_label = False
        if not begins:
            return at + 1
        if at in self._markers and begins != ">":
            return self._marker(at)
        if self._marks.get(at) == QUOTED and (self._answers or self._knows_quote):
            return self._marked(at)
        if begins == ">":
            return self._block(at)
        if is_reference(line):
            return self._mark(at, at + 1, read=at)
        if may_introduce(line):
            return self._introduction(at)
        self._after_label = False
        self._own += 1
        return at + 1

    def _introduction(self, at: int) -> int:
        """Reads a line that may introduce a quote, or a mail that is passed on."""
        if is_forward_line(self.lines[at]):
            self.forwards = True
            return at + 1
        if self._answers or self._knows_quote:
            start = self._unmarked(at)
            if start is not None:
                return self._mark(start, len(self.lines), read=at)
        self._own += 1
        return at + 1

    def _mark(self, start: int, end: int, *, read: int) -> int:
        """Marks lines as quoted, of which those before `read` were taken for the sender's own."""
        self._own -= sum(
            1 for at in range(start, read) if self.lines[at].strip() and not self.quoted[at]
        )
        self.quoted[start:end] = [True] * (end - start)
        return end

    def _marked(self, at: int) -> int:
        """Reads lines that a mail program marked as quoted, up to the last of them."""
        if is_forward_line(self.lines[at]):
            self.forwards = True
            return at + 1
        end = last = at
        while end < len(self.lines):
            if self._marks.get(end) == QUOTED:
                last = end
            elif self.lines[end].strip(" >"):
                break
            end += 1
        # Only the first is attributed, and some begin with that: above the others stand the
        # sender's own words.
        names = ends_attribution(self.lines[at]) or header_label(self.lines[at]) is not None
        start = None if names or self._knows_quote else self._attribution(at, certain=False)
        self._knows_quote = True
        return self._mark(at if start is None else start, last + 1, read=at)

    def _unmarked(self, at: int) -> int | None:
        """Where a quote without `>` begins whose attribution ends, or begins, at this line."""
        line = self.lines[at]
        if (start := self._headers(at)) is not None:
            return start
        if attributes_within(line):
            return at
        if not ends_attribution(line):
            return None
        following = self._below(at)
        if following is not None and is_quote(self.lines[following]):
            return None  # known when the quote is read
        return attribution_start(self.lines, at, is_answer=False)

    def _headers(self, at: int) -> int | None:
        """Where a quote begins whose headers begin at this line."""
        follows, self._after_label = self._after_label, header_label(self.lines[at]) is not None
        # From their second line on they are no more than from the first.
        if follows or not self._after_label:
            return None
        above = self._above(at)
        if self._marks.get(at) == RULE and quoted_headers(self.lines, at, ruled=True):
            return at
        if above is not None and is_rule(self.lines[above]):
            return above if quoted_headers(self.lines, at, ruled=True) else None
        introduced = above is not None and plain(self.lines[above]).endswith((":", "："))
        found = not introduced and quoted_headers(self.lines, at, ruled=False)
        return at if found else None

    def _above(self, at: int) -> int | None:
        """The next line above that has words, a few empty ones between; None if it is quoted."""
        for number in range(at - 1, max(-1, at - 2 - _BLANKS), -1):
            if self.lines[number].strip():
                return None if self.quoted[number] else number
        return None

    def _below(self, at: int) -> int | None:
        for number in range(at + 1, min(len(self.lines), at + 2 + _BLANKS)):
            if self.lines[number].strip():
                return number
        return None

    def _attribution(self, at: int, *, certain: bool) -> int | None:
        """Where the attribution above a line begins."""
        above = self._above(at)
        if above is None or not ends_attribution(self.lines[above]):
            return None
        start = attribution_start(self.lines, above, is_answer=self._answers)
        if start is None and certain and WROTE.search(plain(self.lines[above])):
            return above
        return start

    def _marker(self, at: int) -> int:
        """Reads a marker that stands without `>`: below it is our own mail."""
        start, end = self._attribution(at, certain=True), self._markers[at]
        self._mark(at if start is None else start, end, read=at)
        if not self._own:
            return end  # the mail is ours, or its words stand below
        return self._mark(at, len(self.lines), read=at)

    def _block(self, at: int) -> int:
        """Reads lines that begin with `>`."""
        end = at
        while end < len(self.lines) and is_quote(self.lines[end]):
            end += 1
        marked = any(
            number in self._markers or is_reference(self.lines[number]) for number in range(at, end)
        )
        start = self._attribution(at, certain=marked)
        if start is not None or marked or self._attributed_within(at, end) or self._goes_on(at):
            self._knows_quote = True
            return self._mark(at if start is None else start, end, read=at)
        self._own += end - at
        return end

    def _goes_on(self, at: int) -> bool:
        """Whether a quote that began above goes on, and no words of the sender's introduce it."""
        if not self._knows_quote:
            return False
        above = self._above(at)
        return above is None or not plain(self.lines[above]).endswith((":", "："))

    def _attributed_within(self, at: int, end: int) -> bool:
        """Whether the quote begins with an attribution of its own, as that of iPhones does."""
        inner = [plain(line) for line in self.lines[at : min(end, at + _INNER)]]
        return any(
            (header_label(line) and quoted_headers(inner, number, ruled=False))
            or (
                ends_attribution(line)
                and attribution_start(inner, number, is_answer=False) is not None
            )
            for number, line in enumerate(inner)
        )
