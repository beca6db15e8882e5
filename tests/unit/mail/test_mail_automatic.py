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
    assert parse(mail("In-Reply-To: <out1@example.net>\n", subject)).automatic


@pytest.mark.parametrize(
    "subject", ["Out of office chairs", "Abwesend beim Liefertermin", "Auto: floor mats", "OOO Ltd"]
)
def test_a_subject_alone_says_nothing_of_a_mail_that_answers_none(subject: str) -> None:
    assert not parse(mail("", subject)).automatic


@pytest.mark.parametrize(
    "header",
    [
        *("Precedence: bulk", "Precedence: list", "X-Auto-Response-Suppress: All"),
        "X-Auto-Response-Suppress: DR, OOF, AutoReply",
    ],
)
def test_a_wish_for_no_automatic_answer_makes_no_program_of_a_person(header: str) -> None:
    assert not parse(mail(f"{header}\n")).automatic


def test_a_form_that_sends_from_noreply_is_of_whoever_answers_go_to() -> None:
    head = b"From: no-reply@forms.example.com\nReply-To: Ann Reader <ann@example.com>\n"
    found = parse(head + b"Subject: New message from Ann\n\nThe lamp is broken.")
    assert (found.automatic, found.reply_to_name) == (False, "Ann Reader")
    assert parse(b"From: no-reply@forms.example.com\nSubject: Hi\n\nHi").automatic


@pytest.mark.parametrize(
    ("sender", "subject"),
    [
        ("post_master@carrier.example.org", "Re:Lamp"),
        ("staff@bigmail.example.org", "complaint about message from 192.0.2.22"),
    ],
)
def test_a_report_without_the_type_of_one_is_a_report(sender: str, subject: str) -> None:
    assert parse(f"From: {sender}\nSubject: {subject}\n\nRejected.".encode()).bounce


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
