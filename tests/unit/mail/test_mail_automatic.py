"""Mail that programs wrote: known by headers, by sender, by the subject in many languages."""

from __future__ import annotations

import pytest

from cplus.mail import parse, takes_no_answers
from cplus.mail.reading.automatic import asks_for_no_answer
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


ATTACHED = """
--b
Content-Type: message/rfc822; name=Lamp
Content-Disposition: Attachment; filename=Lamp

From: shop@example.net
To: bob@example.org
Message-ID: <1@example.net>
Subject: Lamp

Your lamp is on its way.
--b--
"""
UNDELIVERED = """Hi. This is the James mail server at mx.example.org.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.  Below
I include the list of recipients and the reason why I was unable to deliver
your message.

Failed recipient(s):
bob@example.org
"""
DETAILS = """We were unable to deliver the attached message because of an error in the mail server.

Error message below:
550 - Requested action not taken: no such user here

Message details:
  Subject: Lamp
  Sent date: Mon Nov 02 10:00:00 GMT 2026
  MAIL FROM: shop@example.net
  RCPT TO: bob@example.org
"""


def of_james(text: str, *headers: str, kind: str = "multipart/mixed") -> bytes:
    """A report of Apache James, whose postmaster is whom its administrator names."""
    head = [
        *headers,
        "From: it-desk@example.org",
        "To: shop@example.net",
        "Message-ID: <21070136.1.1793610041304.JavaMail.james@mx.example.org>",
        "In-Reply-To: <1@example.net>",
        "MIME-Version: 1.0",
        f"Content-Type: {kind}; boundary=b",
    ]
    part = "--b\nContent-Type: text/plain; charset=us-ascii\n"
    return ("\n".join(head) + f"\n\n{part}\n{text}{ATTACHED}").encode()


STATUS = """
--b
Content-Type: message/delivery-status; name=status.dat

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; bob@example.org
Action: failed
Status: 5.1.1
Diagnostic-Code: X-James; 550 no such user here
"""


@pytest.mark.parametrize(
    "raw",
    [
        of_james(  # the mailet DSNBounce
            UNDELIVERED + STATUS,
            *("Return-Path: <>", "Subject: Re:Lamp"),
            kind="multipart/report; report-type=delivery-status",
        ),
        # The mailet Bounce, with the usual prefix and without; and what delivery itself sends, with
        # the postmaster as the sender of the envelope.
        of_james(DETAILS, "Return-Path: <>", "Subject: [BOUNCE] Lamp"),
        of_james(DETAILS, "Return-Path: <>", "Subject: Re: Lamp"),
        of_james(UNDELIVERED, "Return-Path: <it-desk@example.org>", "Subject: Re: Lamp"),
    ],
)
def test_a_report_of_apache_james_is_a_report_whoever_its_postmaster_is(raw: bytes) -> None:
    found = parse(raw)
    assert (found.bounce, found.from_address) == (True, "it-desk@example.org")


def of_list(*headers: str, text: str = "Please read the guide.") -> bytes:
    head = [*headers, "To: shop@example.net", "Content-Type: text/plain; charset=iso-2022-jp"]
    return "\n".join([*head, "", text]).encode("iso-2022-jp")


FML = "X-MLServer: fml [fml 4.0.3 release (20011202/4.0.3)]"
NOTICE = "Message-Id: <202611021810.FMLAAA26207.lamps@lists.example.org>"


@pytest.mark.parametrize(
    "raw",
    [
        of_list(
            *("From: lamps-admin@lists.example.org", NOTICE, FML),
            "Subject: You shop@example.net are not member (lamps ML)",
            text="あなたは lamps のメンバーではありません。\n\nOriginal mail as follows:",
        ),
        of_list(
            *("From: lamps-admin@lists.example.org (lamps)", NOTICE, FML),
            "Subject: Loop Alert: Duplicated Message-ID (lamps ML)",
            "References: <1@example.net>",
            text="Duplicated Message-ID in <lamps@lists.example.org>.\n\nOriginal mail as follows:",
        ),
        of_list(
            "From: lamps-owner@lists.example.org",
            "Subject: Your message to Lamps awaits moderator approval",
            *("Precedence: list", "X-List-Administrivia: yes", "Sender: lamps@lists.example.org"),
        ),
    ],
)
def test_what_the_server_of_a_mailing_list_says_of_a_mail_is_a_report(raw: bytes) -> None:
    assert parse(raw).bounce


@pytest.mark.parametrize(
    "raw",
    [
        # What a person writes to a list has the list's headers, and an id of the person's.
        of_list("From: ann@example.com", "Message-Id: <1@example.com>", FML, "Subject: [l:7] Lamp"),
        of_list("From: ann@example.com", "X-List-Administrivia: no", "Subject: Lamp"),
        of_list("From: ann@example.com", "Subject: Fwd", text=f"What is this?\n\n{UNDELIVERED}"),
        of_list("From: ann@example.com", "Subject: [BOUNCE] castle", text="Do you rent one?"),
    ],
)
def test_a_member_of_a_list_and_who_passes_a_report_on_are_people(raw: bytes) -> None:
    found = parse(raw)
    assert (found.bounce, found.automatic) == (False, False)


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


@pytest.mark.parametrize(
    ("headers", "asks"),
    [
        ({}, False),
        ({"x-auto-response-suppress": "DR, RN, NRN"}, False),
        ({"x-auto-response-suppress": "DR, OOF, AutoReply"}, True),
        ({"x-auto-response-suppress": "All"}, True),
        ({"precedence": "First-Class"}, False),
        ({"precedence": " Bulk "}, True),
        ({"list-unsubscribe": "<https://a.example>"}, True),
        ({"mailing-list": "contact a"}, True),
        ({"x-loop": "a"}, True),
    ],
)
def test_a_mail_may_ask_for_no_answer_of_a_program(headers: dict[str, str], asks: bool) -> None:
    assert asks_for_no_answer(headers) is asks


def test_addresses_that_nobody_reads_are_known_by_their_names() -> None:
    for name in ("no-reply", "owner-talk", "talk-request", "mailer-daemon", "newsletter+1", "root"):
        assert takes_no_answers(f"{name}@a.example"), name
    for name in ("ada", "newsom", "rooter", "owner", "support", "alert.smith", "request"):
        assert not takes_no_answers(f"{name}@a.example"), name
