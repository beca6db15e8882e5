"""Reads addresses in headers, as real mail programs write them."""

from __future__ import annotations

import re
from typing import NamedTuple

from cplus.mail.text import ENCODED_WORDS, HEADER_LIMIT, decode_words

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_COMMENT = re.compile(r"\(([^()]*)\)")
_HIDDEN_COMMENT = re.compile("\x03(\x01\\d+\x02)\x04")
_NESTED = 8  # comments in comments
_ODD = frozenset('@<>"()')
_SEPARATORS = re.compile("[,;]")
_GROUP = re.compile(r"(?:^|(?<=[,;]))[^@<>:,;\"]*:(?!//)(?!\s*$)")
_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_DOMAIN = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


_BETWEEN = re.compile(r"[,;\s]+")
_BRACKETED = re.compile(r"[^<>,;\n]*<([^<>]+)>")


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


def addresses_in(field: str) -> list[str]:
    """What stands between commas, semicolons or spaces in a field that somebody typed, of
    `Name <address>` the address. Not all of it need be an address."""
    return list(filter(None, _BETWEEN.split(_BRACKETED.sub(r" \1 ", field))))


class Addresses(NamedTuple):
    """What a header that holds addresses says."""

    mailboxes: list[Mailbox]
    """The usable addresses, in order."""
    refused: int
    """How many others there are."""
    plain: bool
    """Whether it is one address, and nothing is left over that somebody else could read as
    another: then whoever checked the sender's domain checked this one's."""


_SIMPLE = re.compile(
    r"(?:([A-Za-z0-9][A-Za-z0-9 .'&-]{0,100}) <|<|)"
    r"([A-Za-z0-9._+-]{1,64}@[a-z0-9.-]{3,253})>?"
)
"""Matches nearly every header of one address, and nothing that could be read in another way."""


def _simple(value: str) -> Addresses | None:
    """What such a header says; None for any other."""
    found = _SIMPLE.fullmatch(value)
    if found is None or ("<" in value) != value.endswith(">"):
        return None
    address = normal_address(found[2])
    if address is None or found[2].endswith("."):
        return None
    name = " ".join((found[1] or "").split()).strip("' ")
    return Addresses([Mailbox(address, found[2], name)], 0, plain=found[2].lower() == address)


def mailboxes(value: str) -> Addresses:
    """Reads a header of addresses, as RFC 5322 has it and as programs really write it."""
    if not value:
        return Addresses([], 0, plain=False)
    if (simple := _simple(value)) is not None:
        return simple
    value = value[:HEADER_LIMIT]
    found = _read(value)
    if found.plain and (len(value) >= HEADER_LIMIT or not value.isprintable()):  # perhaps cut
        found = found._replace(plain=False)
    if not found.mailboxes and "=?" in value:
        # Some programs encode the whole header, address and all.
        found = _read(decode_words(value))._replace(plain=False)
    return found


def _read(value: str) -> Addresses:
    text, held = _hide(value)
    found: list[Mailbox] = []
    refused = 0
    # Two readers may find two addresses: where comments and quotes can hide each other's end, and
    # in what one takes for an encoded word and the other for syntax.
    encoded = "".join(found[0] for found in ENCODED_WORDS.finditer(value))
    odd = ("\x03" in text and '"' in value) or bool(set(encoded) & set('@<>,;:"()'))
    for part in _SEPARATORS.split(_GROUP.sub(" ", text)):
        if not _shown(part, held).strip():
            continue
        mailbox, whole = _mailbox(part, held)
        odd = odd or not whole
        if mailbox is not None:
            found.append(mailbox)
        else:
            # `Doe, Jane <jane@example.com>` without quotes: a name's half is no address.
            refused += "<" in part or "@" in part
    alone = len(found) == 1 and not refused
    return Addresses(found, refused, plain=alone and not odd)


def _hide(value: str) -> tuple[str, list[str]]:
    """The value with quoted strings and comments replaced, so that nothing in them is read as
    syntax: an address in a comment is nobody's."""
    held: list[str] = []

    def hold(text: str) -> str:
        held.append(text)
        return f"\x01{len(held) - 1}\x02"

    text = re.sub("[\x01-\x04]", " ", value)
    text = ENCODED_WORDS.sub(lambda found: hold(found[0]), text)
    text = _QUOTED.sub(lambda found: hold(re.sub(r"\\(.)", r"\1", found[1])), text)
    for _ in range(_NESTED):  # from the innermost comment outwards
        text, changed = _COMMENT.subn(lambda found: f"\x03{hold(found[1])}\x04", text)
        if not changed:
            break
    return text, held


def _shown(text: str, held: list[str], *, comments: bool = True) -> str:
    """The text with what was hidden in it; without the comments, if asked."""
    if not comments:
        text = _HIDDEN_COMMENT.sub(" ", text)
    for _ in range(_NESTED + 1):
        if "\x01" not in text:
            break
        text = re.sub("\x01(\\d+)\x02", lambda found: held[int(found[1])], text)
    return text.replace("\x03", "(").replace("\x04", ")")


def _mailbox(part: str, held: list[str]) -> tuple[Mailbox | None, bool]:
    """The address of one part of a header; and whether the part is that address and its name,
    with nothing left over."""
    before, angle, rest = part.rpartition("<")
    if angle:
        inside, closed, after = rest.partition(">")
        name, given = before, _shown(inside, held, comments=False).strip()
        tail = _shown(after, held, comments=False)
        whole = bool(closed) and not tail.strip() and not set(before) & _ODD
    else:
        bare = _shown(part, held, comments=False)
        words = bare.split()
        addresses = [word for word in words if "@" in word]
        given = addresses[0] if len(addresses) == 1 else bare.strip()
        comments = " ".join(found[1] for found in _HIDDEN_COMMENT.finditer(part))
        name = " ".join(word for word in words if word != given) or comments
        whole = words == [given] and not (set(given) & _ODD) - {"@"}
    address = normal_address(_unwrapped(given))
    if address is None:
        return None, False
    shown = decode_words(_shown(name, held)).strip("'\" ")
    # A domain in other letters than ASCII is another one to whoever does not know them.
    return Mailbox(address, given, shown), whole and given.lower() == address


def _unwrapped(given: str) -> str:
    """An address without what some programs put around it."""
    given = given.strip("'")
    return given.removeprefix("mailto:").rstrip(".")
