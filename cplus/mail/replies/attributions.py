"""Finds the words above a quote that name who is quoted: "On 2 Nov 2026, Sam wrote:"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cplus.mail.replies.quote_words import LABELS, STARTS, WROTE

_LINES = 4  # over how many lines programs break an attribution
_LENGTH = 400  # characters of it
_INCOMPLETE = 3  # the grade of what may lack its beginning
_HEADER_LINES = 16
_HEADERS = 3  # kinds of them, at least
_LABEL_LENGTH = 30
# Marks that turn the direction of writing, and what bold text becomes in plain text.
_UNSEEN = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff*]")
# No pattern here may read a part of a line twice over: a stranger chooses the lines.
_ADDRESS = re.compile(r"[^\s<>()\[\]@:]@[^\s<>()\[\]@]")
_IN_BRACKETS = re.compile(r"[<(\[]\s?(?:mailto:)?+[^\s<>()\[\]@]++@[^\s<>()\[\]@]++\s?[>)\]]")
# A name of a few words, and then a bracket.
_NAMED = re.compile(r"[^\d\s<(\[a-z](?:[^\s<(\[]*+\s++){0,6}[^\s<(\[]*+[<(\[]")
_DAY = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)|\d{1,2}[./-]\s?\d{1,2}[./-]\s?\d{2,4}")
_TIME = re.compile(r"\d{1,2}:\d{2}|\d{1,2}h\d{2}|(?:kl|klo|pukul|ore|o|ob)\.? \d{1,2}\.\d{2}")
_SENTENCE_END = re.compile(r"(?:\w{5}[.!?]|[!?:])\Z")
_RULED = re.compile(r"[-_=]{3,}+\Z|[-_=]{2,}+[^-_=].{0,80}?[-_=]{2,}+\Z")
_COLON_WITHIN = re.compile(r"[:：]\s")
_SAME_LINE = re.compile(rf"(?:{WROTE.pattern})\s?[:：]\s", re.IGNORECASE)


def is_quote(line: str) -> bool:
    """Whether the line is quoted as plain text quotes: it begins with `>`."""
    return line.lstrip().startswith(">")


def may_introduce(line: str) -> bool:
    """Whether the line may be one of those that introduce a quote: all have a colon or dashes."""
    return ":" in line or "：" in line or "--" in line


def plain(line: str) -> str:
    """A line's words, without marks of direction, bold and quoting; cut after 401 characters."""
    line = line[: _LENGTH + 1]
    if "*" in line or not line.isascii():
        line = _UNSEEN.sub("", line)
    return line.lstrip("> \t\xa0").rstrip()


def ends_attribution(line: str) -> bool:
    """Whether an attribution may end with the line."""
    words = plain(line)
    if words.endswith((":", "：")):
        return True
    # Zoho puts its line between dashes, without a colon, and may break it.
    if words.endswith("--") and _ADDRESS.search(words):
        return True
    return (words.startswith("--") or words.endswith("--")) and WROTE.search(words) is not None


def attribution_start(lines: Sequence[str], end: int, *, is_answer: bool) -> int | None:
    """The first line of the attribution that ends with line `end`; None if it is none.

    It needs a date or an address, and has to say more unless the mail is known for an answer and
    lines with `>` follow (`is_answer`): a person too may tell who wrote something.
    """
    found: list[tuple[int, int]] = []
    joined = ""
    for at in range(end, max(-1, end - _LINES), -1):
        words = plain(lines[at])
        if not words or (at < end and (is_quote(lines[at]) or _SENTENCE_END.search(words))):
            break
        joined = f"{words} {joined}".strip(" -")
        if len(joined) > _LENGTH:
            break
        grade = _grade(joined, words.strip(" -"), is_first=at == end)
        if grade and (is_answer or _says_enough(joined)):
            found.append((grade, -at))
            if at == end and grade < _INCOMPLETE and not _goes_on(lines, at):
                break  # whole: the line above is the sender's
    return -min(found)[1] if found else None


def _goes_on(lines: Sequence[str], at: int) -> bool:
    """Whether the line above may be the first half of what this one says."""
    return at > 0 and plain(lines[at - 1]).endswith((",", "<", "،", "、"))


def _grade(joined: str, first: str, *, is_first: bool) -> int:
    """How sure it is that the words are a whole attribution: 1 is best, 0 is none at all."""
    dated = bool(_DAY.search(joined) or _TIME.search(joined))
    addressed = _ADDRESS.search(joined) is not None
    wrote = WROTE.search(joined) is not None
    if joined.count("<") != joined.count(">") or not (dated or addressed):
        return 0
    starts = STARTS.match(first) is not None
    if dated and addressed and (starts or _NAMED.match(first)):
        return 1
    if starts and wrote:
        return 2
    if is_first and (wrote or (dated and addressed) or _ends_with_address(joined)):
        return 3
    return 0


def _ends_with_address(joined: str) -> bool:
    return joined.rstrip(" :：-").endswith((">", ")", "]"))


def _says_enough(joined: str) -> bool:
    """Whether only a program writes so: "your colleague wrote on 2 November:" may be a person."""
    dated = _DAY.search(joined) and _TIME.search(joined)
    addressed = _IN_BRACKETS.search(joined)
    if WROTE.search(joined):
        return bool(addressed or (dated and STARTS.match(joined)))
    return bool(dated and addressed and _ends_with_address(joined))


def attributes_within(line: str) -> bool:
    """Whether the line begins with an attribution and goes on with the quote, as Yahoo's does."""
    if _COLON_WITHIN.search(line) is None:
        return False
    words = plain(line)
    match = _SAME_LINE.search(words)
    before = words[: match.start()] if match else ""
    return bool(
        STARTS.match(before)
        and _DAY.search(before)
        and _TIME.search(before)
        and _IN_BRACKETS.search(before)
    )


def header_label(line: str) -> str | None:
    """What the line's label names (from, date, to, subject, other); None if it has none."""
    label, colon, _ = plain(line)[: _LABEL_LENGTH + 1].replace("：", ":").partition(":")
    return LABELS.get(" ".join(label.lower().split())) if colon else None


def quoted_headers(lines: Sequence[str], start: int, *, ruled: bool) -> bool:
    """Whether the headers of a quoted mail begin with line `start`: From, Date, To, Subject.

    They name the author, with an address unless a rule stands above them (`ruled`), and two
    things more, of which one is the subject or a date with its time: people too write lists of
    From, To and Date, of a journey or a parcel.
    """
    values: dict[str, list[str]] = {}
    unlabelled = 0
    for line in lines[start : start + _HEADER_LINES]:
        kind = header_label(line)
        unlabelled = 0 if kind else unlabelled + 1
        if not line.strip() and "from" not in values:
            return False  # what stands above the empty line is the sender's
        # An empty line or the rest of a long one may stand between; To and Cc are of one kind.
        if unlabelled > 1 or (kind and len(values.get(kind, ())) > 2):
            break
        if kind:
            values.setdefault(kind, []).append(plain(line))
    if "from" not in values or len(values.keys() - {"other"}) < _HEADERS:
        return False
    timed = any(_TIME.search(date) for date in values.get("date", ()))
    addressed = any(_ADDRESS.search(author) for author in values["from"])
    return (ruled or addressed) and ("subject" in values or timed)


def is_rule(line: str) -> bool:
    """Whether the line only parts two mails: "-----Original Message-----", "______"."""
    return _RULED.match(plain(line)) is not None
