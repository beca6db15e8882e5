"""Reads addresses in headers, as real mail programs write them."""

from __future__ import annotations

import re
from typing import NamedTuple

from cplus.mail.text import HEADER_LIMIT, decode_words

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_COMMENT = re.compile(r"\(([^()]*)\)")
_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_DOMAIN = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


class Mailbox(NamedTuple):
    """One address of a header."""

    address: str
    """Lower case, for matching."""
    original: str
    """As it was written."""
    name: str


def normal_address(address: str) -> str | None:
    """The address in lower case, its domain in ASCII; None if it cannot receive mail.

    Dots are allowed anywhere in the local part: addresses of Japanese carriers have double dots
    and dots at the end. Quoted local parts, and characters beyond ASCII before the @, are refused:
    SES sends to neither.
    """
    local, at, domain = address.strip().rpartition("@")
    if not at or not _LOCAL.fullmatch(local):
        return None
    if not domain.isascii():
        try:
            domain = domain[:253].encode("idna").decode("ascii")
        except UnicodeError:
            return None
    domain = domain.lower()
    return f"{local.lower()}@{domain}" if _DOMAIN.fullmatch(domain) else None


def _hide(value: str) -> tuple[str, list[str]]:
    """The value with quoted strings replaced, so that their content is not read as syntax."""
    held: list[str] = []

    def hold(match: re.Match[str]) -> str:
        held.append(re.sub(r"\\(.)", r"\1", match.group(1)))
        return f"\x01{len(held) - 1}\x02"

    return _QUOTED.sub(hold, re.sub("[\x01\x02]", " ", value)), held


def _show(value: str, held: list[str]) -> str:
    return re.sub("\x01(\\d+)\x02", lambda match: held[int(match.group(1))], value)


def mailboxes(value: str) -> tuple[list[Mailbox], int]:
    """The usable addresses of a header in order, and the number of those that were refused."""
    hidden, held = _hide(value[:HEADER_LIMIT])
    found: list[Mailbox] = []
    refused = 0
    for part in re.split("[,;]", hidden):
        if not part.strip():
            continue
        before, angle, rest = part.rpartition("<")
        if angle:
            original, name = rest.partition(">")[0], before
        else:
            comment = _COMMENT.search(part)
            original, name = _COMMENT.sub("", part), comment.group(1) if comment else ""
        original = _show(original, held).strip()
        address = normal_address(original)
        if address is None:
            # `Doe, Jane <jane@example.com>` without quotes: half a name is not an address.
            refused += bool(angle) or "@" in part
        else:
            found.append(Mailbox(address, original, decode_words(_show(name, held)).strip("'\" ")))
    return found, refused
