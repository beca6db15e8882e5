"""Extracts the newly written text, without quotes and signature."""

from __future__ import annotations

import re

from mailparser_reply.constants import MAIL_LANGUAGES
from mailparser_reply.parser import EmailMessage

from cplus.mail.marker import above_marker, without_marker

# The library's patterns take time quadratic in a line's length and in runs of empty lines, so it
# gets only the shape of the text: its head, short lines, no such runs. Replies are at the top.
_HEAD_LINES = 1_000
_HEAD_CHARACTERS = 32 * 1024
_LINE = 300

# Swedish and Danish closings match the beginnings of other languages' words ("Tak" in "Taking").
_CLOSING_LANGUAGES = ["en", "de", "es", "fr", "it", "nl", "cs", "ja", "ko", "zh"]
_RULE = re.compile(r"\s*[_-]{32,}\s*")
_ADDRESS_OR_TIME = re.compile(r"@|\d{1,2}[:.h]\d{2}|\d{4}")
_DELIMITER = re.compile(
    r"[-_]{2,3}\s*\Z|(?:sent from|get outlook|gesendet von|envoyé|enviado desde|inviato da)",
    re.IGNORECASE,
)


def reply_text(text: str) -> str:
    """The newly written text of a mail; the whole text if nothing would be left."""
    above = above_marker(text)
    if above is not None and (reply := _reply(above, quote_follows=True)):
        return reply
    # Nothing above the marker: our own mail, or a reply below the quote.
    text = without_marker(text)
    return _reply(text) or _unquoted(text) or text.strip()


def _reply(text: str, *, quote_follows: bool = False) -> str:
    lines = text.strip("\n").split("\n")
    while lines and not lines[0].strip():
        lines.pop(0)
    kept = lines[: _kept_by_library(lines)]
    del kept[_before_quote(kept, quote_follows=quote_follows or len(kept) < len(lines)) :]
    kept = kept[: len(kept) - _signature_lines(kept)]
    return "\n".join(kept).strip()


def _shape(lines: list[str]) -> list[tuple[int, str]]:
    """The lines that the library gets, each with its number in the mail."""
    shape: list[tuple[int, str]] = []
    size = empty = 0
    for number, line in enumerate(lines[:_HEAD_LINES]):
        short = "" if _RULE.fullmatch(line[:_LINE]) else line.strip()[:_LINE].strip()
        # Characters that end a line for str.splitlines but not for the library.
        short = re.sub(r"[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", " ", short)
        empty = 0 if short else empty + 1
        size += len(short) + 1
        if size > _HEAD_CHARACTERS:
            break
        if short or (shape and empty < 2):
            shape.append((number, short))
    return shape


def _languages(text: str) -> list[str]:
    """All languages, Polish only with a Polish word: its pattern takes a lone `Data:` for a
    quote."""
    polish = "napisał" in text or "Wysłano" in text
    return [name for name in MAIL_LANGUAGES if name != "pl" or polish]


def _kept_by_library(lines: list[str]) -> int:
    """The number of lines before the first quote that the library sees."""
    shape = _shape(lines)
    text = "\n".join(line for _, line in shape).rstrip()
    if not text:
        return len(lines)
    mail = EmailMessage(text=text, languages=_languages(text), keep_hyphen_lists=True)
    replies = mail.read().replies
    if len(replies) < 2:
        return 0 if replies and replies[0].headers else len(lines)
    if replies[0].headers:
        return 0
    last = str(replies[0].content).count("\n")
    return shape[min(last, len(shape) - 1)][0] + 1


def _signature_lines(lines: list[str]) -> int:
    """The number of signature lines at the end, by the library and by our own rules."""
    shape = _shape(lines)
    text = "\n".join(line for _, line in shape).rstrip()
    if not text or (shape and shape[-1][0] < len(lines) - 3):
        return 0
    mail = EmailMessage(text=text, languages=list(_CLOSING_LANGUAGES), keep_hyphen_lists=True)
    replies = mail.read().replies
    signature = str(replies[0].signatures) if replies else ""
    if not signature or not text.endswith(signature) or not _looks_signed(signature):
        return 0
    first = text.count("\n") - signature.count("\n")
    return len(lines) - shape[first][0]


def _looks_signed(signature: str) -> bool:
    """Whether no real content is lost: "Thanks, but it is broken" begins like a closing too."""
    first, *rest = signature.split("\n")
    if _DELIMITER.match(first):
        return True
    return len(first.split()) <= 3 and len(rest) <= 8 and all(len(line) <= 60 for line in rest)


def _before_quote(lines: list[str], *, quote_follows: bool) -> int:
    """The number of lines before a quote at the end and the line that introduces it."""
    end = len(lines)
    while end and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith(">")):
        quote_follows = quote_follows or lines[end - 1].lstrip().startswith(">")
        end -= 1
    if not quote_follows:
        return len(lines)
    if end and lines[end - 1].rstrip().endswith((":", "：")):
        for size in (1, 2, 3):
            names = lines[max(0, end - size) : end]
            if sum(map(len, names)) > 400:
                break
            if _ADDRESS_OR_TIME.search(" ".join(names)):
                return max(0, end - size)
    return end


def _unquoted(text: str) -> str:
    """The text of a reply below or between quotes; empty without quotes."""
    kept: list[str] = []
    quoted = before = False
    for line in text.split("\n"):
        is_quote = line.lstrip().startswith(">")
        if is_quote and not before:
            del kept[_before_quote(kept, quote_follows=True) :]
        elif not is_quote:
            kept.append(line)
        before = is_quote
        quoted = quoted or is_quote
    return "\n".join(kept).strip() if quoted else ""
