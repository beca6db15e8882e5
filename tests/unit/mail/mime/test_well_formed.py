"""Mail that breaks no rule is read fast, and exactly as Python's own parser reads it."""

from __future__ import annotations

from email.message import Message
from email.parser import BytesParser
from email.policy import Policy, compat32
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cplus.mail.mime.bounded import few_lines
from cplus.mail.mime.part import Part, TooMuchWork, Work
from cplus.mail.mime.well_formed import well_formed
from tests.conftest import ROOT, Figures
from tests.hostile_mails import hostile
from tests.mail_programs.answers import labelled

ATTACHED = (
    "Content-Type: multipart/mixed; boundary=a\n\npreamble\n--a\n\none\n--a \n"
    "Content-Type: message/rfc822\n\nSubject: in\nContent-Type: multipart/alternative;\n"
    ' boundary="a-b"\n\n--a-b\n\ntwo\n--a-b\nContent-Type: text/html\n\n<p>two\n--a-b--\n\nend\n'
    "--a--\nepilogue\n"
)
BASE64 = (
    "Content-Transfer-Encoding: base64\nContent-Type: multipart/a; boundary=a\n\n--a\n\nx\n--a--\n"
)
NESTED = (
    "Content-Type: multipart/a; boundary=a\n\n--a\nContent-Type: multipart/b; boundary=b\n\n"
    "--b\n\nx\n\n--b--\n--a--\n"
)


def told(part: Any) -> Any:
    """All that a message holds."""
    payload = vars(part)["_payload"]  # get_payload() decodes it, if it can
    return (
        list(part.raw_items()),
        [told(one) for one in payload] if isinstance(payload, list) else payload,
        (part.preamble, part.epilogue, part.get_default_type(), part.get_unixfrom()),
        [type(one).__name__ for one in part.defects],
    )


def by_python(raw: bytes, lines: int) -> Message[Any, Any] | None:
    """As Python's parser reads it; None if that is too much work."""
    work = Work(lines)

    def part(policy: Policy[Any] = compat32) -> Part:
        return Part(work, policy)

    parser: Any = BytesParser(part, policy=compat32)
    try:
        found: Message[Any, Any] = parser.parsebytes(raw)
    except TooMuchWork:
        return None
    return found


def agrees(raw: bytes) -> bool:
    """Whether the mail is well formed; it is read as Python's parser reads it then."""
    raw, lines = few_lines(raw)
    found = well_formed(raw, lines)
    if found is None:
        return False
    expected = by_python(raw, lines)
    assert told(found) == told(expected)
    assert expected is not None
    return True


def test_mails_as_programs_write_them_are_well_formed() -> None:
    for raw in [ATTACHED.encode(), *(one.raw for one in labelled(60))]:
        assert agrees(raw)
        assert agrees(raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))


def test_mails_of_the_fixtures_are_read_alike() -> None:
    read = [
        agrees(path.read_bytes()) for path in sorted((ROOT / "tests" / "fixtures").rglob("*.eml"))
    ]
    assert read.count(True) > len(read) / 2


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "Subject: a",
        "no header\n\nx",
        " folded\n\nx",
        ": none\n\nx",
        "From someone\nSubject: a\n\nx",
        "Subject: a\rTo: b\n\nx",
        "Content-Type: multipart/mixed\n\nx",
        "Content-Type: multipart/mixed; boundary=a\n\nx",
        "Content-Type: multipart/mixed; boundary=a\n\n--a--\n",
        "Content-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n",
        "Content-Type: multipart/mixed; boundary=a\n\n--a\n--a\n\nx\n--a--\n",
        "Content-Type: multipart/mixed; boundary=a\n\n--a\nx\n--a--\n",
        "Content-Type: multipart/mixed; boundary=a\n\nx\r--a\n\nx\n--a--\n",
        "Content-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n--a\ry\n--a--\n",
        "Content-Type: multipart/digest; boundary=a\n\n--a\n\nSubject: x\n\n--a--\n",
        "Content-Type: message/delivery-status\n\nReporting-MTA: x\n\nStatus: 5.1.1\n\n",
        BASE64,
    ],
)
def test_what_breaks_a_rule_is_left_to_pythons_parser(raw: str) -> None:
    assert well_formed(raw.encode(), raw.count("\n") + 1) is None


@pytest.mark.parametrize(
    "raw",
    [
        "\nx\n",
        "Subject:\n folded\n\n",
        "Subject: \t a \n\tb\n \n\nx",
        "Subject: é\n\né\n",
        "Content-Type: multipart/mixed; boundary=a\n\n--a\n\n--a  \n\n\n\n--ab\n--a--x\n\n--a--\t",
        "Content-Type: multipart/mixed; boundary=a\n\n\n--a\n\nx\n--a--\n\n",
        "Content-Type: message/rfc822\n\nSubject: x\n\ny\n",
        'Content-Type: multipart/mixed; boundary="a b "\n\n--a b\n\nx\n--a b--\n',
        NESTED,
    ],
)
def test_what_looks_odd_and_breaks_no_rule_is_read_alike(raw: str) -> None:
    assert agrees(raw.encode())
    assert agrees(raw.encode().replace(b"\n", b"\r\n"))


PIECES = [
    *("\n", "\n", "\n\n", "\r\n", "\r", " ", "\t", "x", ":", "--", "--a", "--b", "a", "\n--a\n"),
    *("\n--a--\n", "\n--b\n", "\n--b--\n", "--a--", "Subject: s\n", "To:\n", "\n\n--a\n\n", "é"),
    "Content-Type: multipart/mixed; boundary=a\n",
    "Content-Type: multipart/mixed; boundary=b\n",
    "Content-Type: message/rfc822\n",
    "Content-Type: text/plain\n",
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_any_lines_are_read_alike_or_left_alone(raw: str) -> None:
    agrees(raw.encode())
    agrees(f"{PIECES[-4]}\n--a\n{raw}\n--a--\n".encode())


def test_hostile_mails_are_read_alike_or_left_alone() -> None:
    assert sum(agrees(hostile(seed)) for seed in range(100)) > 10


@pytest.mark.soak
def test_5000_hostile_mails_are_read_alike(figures: Figures) -> None:
    """The fast reader of mail leaves what breaks a rule to Python's parser, and reads what it does
    not leave exactly as that does: every header, part, byte and place of 5,000 hostile mails."""
    alike = sum(agrees(hostile(seed)) for seed in range(2_000_000, 2_005_000))
    figures(mails=5_000, read_fast=alike)
    assert alike > 500
