"""Mail that programs wrote: known by headers, by sender, by the subject in many languages."""

from __future__ import annotations

import pytest

from cplus.mail import parse
from tests.conftest import ROOT

FIXTURES = ROOT / "tests" / "fixtures" / "mail"


def mail(headers: str, subject: str = "Hello") -> bytes:
    return f"From: ines@example.com\n{headers}Subject: {subject}\n\nI am away.".encode()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("auto_submitted", "Auto-Submitted"),
        ("auto_autoreply", "X-Autoreply"),
        ("auto_autorespond", "X-Autorespond"),
        ("auto_precedence", "Precedence: auto_reply"),
        ("auto_null_path", "null Return-Path"),
        ("auto_exchange_no_header", "subject of an absence note"),
        ("auto_german", "subject of an absence note"),
        ("auto_french", "subject of an absence note"),
        ("auto_spanish", "subject of an absence note"),
        ("auto_japanese", "subject of an absence note"),
        ("auto_noreply_sender", "sender that takes no replies"),
        ("bounce_daemon", "sender that takes no replies"),
        ("bounce_report", "Auto-Submitted"),
    ],
)
def test_mail_that_a_program_wrote_says_why(name: str, reason: str) -> None:
    found = parse((FIXTURES / f"{name}.eml").read_bytes())
    assert (found.automatic, found.automatic_reason) == (True, reason)


@pytest.mark.parametrize(
    "subject",
    [
        *("Out of office: back Monday", "Autosvar: på semester", "Automatisch antwoord: uw kruik"),
        *("Resposta automática: jarra", "Risposta automatica: brocca", "自动回复：水壶"),
        *(
            "Автоответ: кувшин",
            "Automatická odpověď: džbán",
            "자동 회신: 주전자",
            "[Auto-Reply] Jug",
        ),
    ],
)
def test_subjects_of_absence_notes_are_known_in_many_languages(subject: str) -> None:
    assert parse(mail("", subject)).automatic


@pytest.mark.parametrize("value", ["bulk", "junk", "list", "Auto_Reply"])
def test_mail_to_many_counts_as_automatic(value: str) -> None:
    assert parse(mail(f"Precedence: {value}\n")).automatic


@pytest.mark.parametrize("value", ["All", "DR, OOF, AutoReply"])
def test_mail_that_wants_no_automatic_answer_gets_none(value: str) -> None:
    assert parse(mail(f"X-Auto-Response-Suppress: {value}\n")).automatic


@pytest.mark.parametrize(
    ("headers", "subject"),
    [
        ("Auto-Submitted: no\n", "Hello"),
        ("Precedence: normal\n", "Hello"),
        ("", "Re: automatic gate opener"),
        ("", "My automatic reply to you"),
        ("", "Absolutely away"),
        ("Return-Path: <ines@example.com>\n", "Office hours?"),
    ],
)
def test_mail_of_people_is_not_automatic(headers: str, subject: str) -> None:
    found = parse(mail(headers, subject))
    assert (found.automatic, found.automatic_reason, found.bounce) == (False, None, False)


@pytest.mark.parametrize("name", ["bounce_report", "bounce_daemon", "auto_null_path"])
def test_a_report_of_the_mail_system_is_a_bounce(name: str) -> None:
    assert parse((FIXTURES / f"{name}.eml").read_bytes()).bounce


def test_an_absence_note_from_the_null_sender_is_no_bounce() -> None:
    found = parse((FIXTURES / "auto_submitted.eml").read_bytes())
    assert (found.return_path, found.automatic, found.bounce) == ("", True, False)
