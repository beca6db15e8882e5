"""Composes the mail that tells a merchant of a message, and that they can answer."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Final, NamedTuple

from cplus.mail.replies.marker import marker_line, reference_line
from cplus.mail.writing.compose import built, parted
from cplus.mail.writing.headers import address, headed, own_id
from cplus.mail.writing.model import OutgoingFile
from cplus.mail.writing.words import HIDDEN, clean, document, paragraphs

_SMALL: Final = "color:#757575;font-size:12px"
_QUOTED: Final = "border-left:3px solid #008060;padding-left:12px;margin:0 0 1em"


class Told(NamedTuple):
    """A message of which a merchant is told."""

    heading: str
    """Who wrote it, and when."""
    text: str
    files: str = ""
    """The names of what came with it."""


def compose_notification(
    *,
    sender_name: str,
    from_address: str,
    to: str,
    subject: str,
    told: Sequence[Told],
    facts: Sequence[str],
    link: str,
    label: str,
    closing: str,
    token: str,
    own_message_id: str,
    thread: str = "",
    files: Sequence[OutgoingFile] = (),
    date: float | None = None,
) -> bytes:
    """The raw mail, in lines that end with CRLF, of text and the same as HTML.

    All mails with the same `thread` are one thread in the reader's program: the first of References
    is made of it. The visible line at the beginning, which holds the token, is where an answer is
    cut off (`answered_text`). The mail says that a program wrote it, so that programs do not answer
    it (RFC 3834).

    Args:
        sender_name: the name that the reader sees; any characters.
        from_address: the address that an answer goes to; see `mailbox_address`.
        to: the only recipient.
        subject: the subject.
        told: the messages, in their order.
        facts: lines on the customer's latest order.
        link: the address of a page, below all that.
        label: what leads there in the HTML.
        closing: the small print below the link.
        token: that of the mailbox in the conversation; see `mailbox_token`.
        own_message_id: our own Message-ID for this mail.
        thread: the token of which the thread is made; `token` if it is empty.
        files: attached.
        date: seconds since 1970 UTC; now if None.

    Raises:
        InvalidInput: an address, or our own Message-ID, is not valid, or the mail is too large.
    """
    own = own_id(own_message_id)
    message = headed(
        sender_name=sender_name, from_address=from_address, to=to, cc=(), subject=subject,
        date=date, own=own,
    )  # fmt: skip
    message["Reply-To"] = address(from_address, "reply-to")
    domain = from_address.rpartition("@")[2]
    tokens = dict.fromkeys([thread or token, token])
    message["In-Reply-To"] = f"<{thread or token}@{domain}>"
    message["References"] = " ".join([*(f"<{one}@{domain}>" for one in tokens), f"<{own}>"])
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    written = [Told(clean(one.heading), clean(one.text), clean(one.files)) for one in told]
    lines, below = [clean(one) for one in facts], clean(closing)
    shown, attached = parted(files)
    plain = _plain(written, lines, f"{label}: {link}", below, token)
    page = _page(written, lines, link, label, below, token)
    return built(message, own, plain, page, (), [*shown, *attached])


def _plain(told: Sequence[Told], facts: Sequence[str], leads: str, closing: str, token: str) -> str:
    said = [marker_line(token)]
    for one in told:
        said += [one.heading, one.text, one.files]
    said += ["\n".join(facts), leads, closing, reference_line(token)]
    return "\n\n".join(part for part in said if part)


def _page(
    told: Sequence[Told],
    facts: Sequence[str],
    link: str,
    label: str,
    closing: str,
    token: str,
) -> str:
    # First, and nothing hidden above it: a program that quotes would quote that above it too.
    said = [f'<div style="{_SMALL}">{html.escape(marker_line(token))}</div>\n<br>\n']
    for one in told:
        files = f'<p style="{_SMALL}">{html.escape(one.files)}</p>\n' if one.files else ""
        said.append(
            f'<p dir="auto"><b>{html.escape(one.heading)}</b></p>\n'
            f'<div style="{_QUOTED}">\n{paragraphs(one.text)}{files}</div>\n'
        )
    if facts:
        said.append(paragraphs("\n".join(facts)))
    said.append(f'<p><a href="{html.escape(link)}">{html.escape(label)}</a></p>\n')
    said.append(f'<div style="{_SMALL}">\n{paragraphs(closing)}</div>\n')
    said.append(f'<div style="{HIDDEN}" aria-hidden="true">{reference_line(token)}</div>\n')
    return document("".join(said))
