"""The words of a mail that goes out, as plain text and as HTML that says the same."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Final

from cplus.mail.replies.marker import reference_line
from cplus.mail.text import cut, one_line, storable
from cplus.mail.writing.links import linked
from cplus.mail.writing.mime import file_name
from cplus.mail.writing.model import HISTORY_LIMIT, OutgoingFile, Quoted

_MESSAGES: Final = 20
_LEFT_OUT: Final = "[…]"
_NAME_LIMIT: Final = 60
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_NO_NAME: Final = re.compile(r"[<>()\[\]:：*_\"\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]+")
_RUN: Final = re.compile(r"(?<=\n) | (?= )|\A |\t")

_FONT: Final = "font-family:Arial,Helvetica,sans-serif;font-size:14px;line-height:1.5"
_BODY: Final = f"{_FONT};overflow-wrap:break-word;word-break:break-word"
_QUOTE: Final = "margin:0 0 0 .8ex;border-left:1px solid #ccc;padding-left:1ex"
# No `display:none`: Apple Mail quotes nothing that has it. `mso-hide` is for Outlook with
# Word, which knows no height of a `div` and keeps what is hidden.
HIDDEN: Final = "height:0;max-height:0;overflow:hidden;font-size:1px;line-height:1px;mso-hide:all"
_PICTURE: Final = "max-width:100%;height:auto;border:0"


def clean(text: str) -> str:
    """A text that any program can show: lines ended by a line feed, no control characters."""
    plain = storable(text).replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("", plain).strip("\n")


def clean_signature(text: str) -> str:
    """A signature without the lines that set one apart: a reader cuts at the last of them."""
    lines = [line.rstrip() for line in clean(text).split("\n")]
    return "\n".join(line for line in lines if line != "--").strip("\n")


def kept_history(history: Sequence[Quoted]) -> list[Quoted]:
    """The newest messages, the newest first, that fit 30 KB; of the last as much as fits.

    A message without words is left out.
    """
    kept: list[Quoted] = []
    room = HISTORY_LIMIT
    for message in sorted(history, key=lambda one: one.at, reverse=True)[:_MESSAGES]:
        text, was_cut = cut(clean(message.text).strip(), room)
        room -= len(text.encode("utf-8"))
        if was_cut:
            text = f"{text.rpartition(chr(10))[0] or text}\n{_LEFT_OUT}"
        if text:
            kept.append(Quoted(_author(message.author), message.at, text))
        if was_cut or room <= 0:
            break
    return kept


def plain_text(words: str, signature: str, history: Sequence[Quoted], token: str | None) -> str:
    """The mail as plain text: words, signature, earlier messages, and where a reply belongs."""
    said = [words] if words else []
    if signature:
        said.append(f"-- \n{signature}")
    for message in history:
        quoted = "\n".join(f"> {line}".rstrip(" ") for line in message.text.split("\n"))
        said.append(f"{_attribution(message)}\n{quoted}")
    if token:
        said.append(reference_line(token))
    return "\n\n".join(said)


def html_text(
    words: str,
    signature: str,
    history: Sequence[Quoted],
    token: str | None,
    shown: Sequence[OutgoingFile],
) -> str:
    """The same as HTML, with the pictures that are shown in it, by their Content-ID."""
    said = [paragraphs(words)] if words else []
    said += [_picture(file) for file in shown]
    if signature:
        lines = _lines(signature)
        said.append(f'<div class="gmail_signature" dir="auto">-- <br>\n{lines}</div>\n')
    hidden = ""
    if token:
        line = html.escape(reference_line(token))
        hidden = f'<div style="{HIDDEN}" aria-hidden="true">{line}</div>\n'
    quotes = "".join(map(_quote, history))
    # Programs fold what has this class, and with it the line that nobody needs to see.
    said.append(f'<br>\n<div class="gmail_quote">\n{quotes}{hidden}</div>\n' if quotes else hidden)
    return document("".join(said))


def paragraphs(words: str) -> str:
    """HTML of a text: a paragraph wherever an empty line stands, and links where it has any."""
    return "".join(
        f'<p dir="auto" style="margin:0 0 1em">{_lines(part)}</p>\n'
        for part in re.split(r"\n{2,}", words)
    )


def document(body: str) -> str:
    """A whole document of HTML that looks right also if a program drops its head, as Gmail does."""
    return (
        '<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title></title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f'</head><body>\n<div style="{_BODY}">\n{body}</div>\n</body></html>\n'
    )


def _author(name: str) -> str:
    """A name that no reader takes for something else than a name above a quote."""
    return " ".join(_NO_NAME.sub(" ", one_line(name)).split())[:_NAME_LIMIT].strip() or "Unknown"


def _attribution(message: Quoted) -> str:
    at = message.at
    return f"On {at:%a}, {at.day} {at:%b %Y} at {at:%H:%M}, {message.author} wrote:"


def _quote(message: Quoted) -> str:
    attribution = html.escape(_attribution(message))
    # Gmail folds by the class, Apple Mail and Thunderbird by the type, which no standard has.
    return (
        f'<div class="gmail_attr" dir="auto">{attribution}</div>\n'
        f'<blockquote class="gmail_quote" type="cite" style="{_QUOTE}">\n'
        f'<div dir="auto">{_lines(message.text)}</div>\n</blockquote>\n<br>\n'
    )


def _picture(file: OutgoingFile) -> str:
    source = html.escape(f"cid:{file.cid}")
    return f'<p><img src="{source}" alt="{html.escape(file_name(file))}" style="{_PICTURE}"></p>\n'


def _lines(text: str) -> str:
    """Lines as HTML; of several spaces all are seen, and also those that begin a line."""
    spaced = _RUN.sub(lambda found: "\xa0" * (4 if found[0] == "\t" else 1), text)
    return linked(spaced).replace("\n", "<br>\n")
