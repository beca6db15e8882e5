"""Answers to our mail, as mail programs quote it: the answer alone is read, and it comes home."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from html import escape

import pytest

from cplus.mail import Candidate, Quoted, Route, candidates, conversation_token, parse
from cplus.mail.model import InboundMail
from tests.mail_programs.answers import SHOP as AUTHOR
from tests.mail_programs.answers import SHOPPER
from tests.mail_programs.languages import EN, Language
from tests.mail_programs.more_languages import LANGUAGES
from tests.mail_programs.programs import GMAIL, PROGRAMS, Form, Program, as_html
from tests.mail_programs.programs import Quoted as Mail
from tests.unit.mail.writing.composed import SHOP, body, compose

CONVERSATION = "c0nversat10n0001"
TOKEN = conversation_token(SHOP, CONVERSATION, "secret")
ROUTE = Route(SHOP, None)
AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
HISTORY = [
    Quoted("Ines Okafor", AT, "How high is it?\n\nAnd is it blue?"),
    Quoted("Birch & Bloom", AT - timedelta(days=1), "It is back: https://birch.example/jug"),
]
OURS = {
    "first": compose(
        text="It is 24 cm high.\n\nWould you like one?", reply_to=AUTHOR.address, token=TOKEN
    ),
    "later": compose(
        text="It is 24 cm high.\n\nWould you like one?",
        reply_to=AUTHOR.address,
        token=TOKEN,
        signature="Sam Weaver\nBirch & Bloom",
        history=HISTORY,
    ),
}
"""A mail of ours to a shop whose name leaves no room for a token in its address."""
_BODY = re.compile(r"<body>\n(.*)</body>", re.DOTALL)


def quoted_html(program: Program, language: Language, ours: bytes) -> str:
    found = _BODY.search(body(ours, "html"))
    assert found is not None
    said = as_html(program.said(Mail(language, AUTHOR, SHOPPER, "Re: Your jug")))
    own = program.gap.join(program.para.format(escape(one)) for one in language.said)
    words = found[1]
    if program.within:
        words = f'<div>{said}</div><br class="Apple-interchange-newline"><div>{words}</div>'
    opening = program.opening.format(*([] if program.within else [said]))
    return program.page.format(own + opening + program.cite.format(words) + program.ending)


def quoted_text(program: Program, language: Language, ours: bytes) -> str:
    said = program.said(Mail(language, AUTHOR, SHOPPER, "Re: Your jug")).split("\n")
    mark = "> " if program.quotes == "angles" else ""
    who = [program.indent + (mark if program.within else "") + one for one in said]
    quoted = [f"{mark}{line}".rstrip() for line in body(ours, "plain").split("\n")]
    above = [program.above] if program.above else []
    return "\n".join(["\n\n".join(language.said), "", *above, *who, mark.rstrip(), *quoted])


def answered(program: Program, language: Language, form: Form, ours: bytes, **more: str) -> bytes:
    mail = EmailMessage()
    mail["From"] = f"{SHOPPER.name} <{SHOPPER.address}>"
    mail["To"] = f"{AUTHOR.name} <{AUTHOR.address}>"
    mail["Subject"] = "Re: Your jug"
    for name, value in more.items():
        mail[name.replace("_", "-")] = value
    if form == "html":
        mail.set_content(quoted_html(program, language, ours), subtype="html")
    else:
        mail.set_content(quoted_text(program, language, ours))
    if form == "both":
        mail.add_alternative(quoted_html(program, language, ours), subtype="html")
    return mail.as_bytes()


def cases() -> Iterator[tuple[Program, Language, Form]]:
    """Every program in every form in English, and in each other language in one form."""
    for number, program in enumerate(PROGRAMS):
        for form in program.forms:
            yield program, EN, form
        for at, language in enumerate(LANGUAGES.values()):
            yield program, language, program.forms[(number + at) % len(program.forms)]


def found(mail: InboundMail) -> list[Candidate]:
    return candidates(mail, [ROUTE], shop=SHOP, secret="secret")


def words(text: str) -> list[str]:
    return text.split()


@pytest.mark.parametrize("ours", OURS.values(), ids=OURS)
def test_the_answer_alone_is_read_and_its_last_line_brings_it_home(ours: bytes) -> None:
    wrong = []
    for program, language, form in cases():
        # Neither the address nor a Message-ID tells where it belongs: only what is quoted.
        mail = parse(answered(program, language, form, ours))
        if found(mail) != [Candidate("marker", CONVERSATION)]:
            wrong.append((program.name, language.code, form, "lost"))
        if words(mail.reply_text) != words(" ".join(language.said)):
            wrong.append((program.name, language.code, form, mail.reply_text))
    assert wrong == []


@pytest.mark.parametrize(
    "said", [("👍", "🏺"), ("?", "!"), ("Two, please.", "👍"), ("👍", "Two, please.")]
)
def test_an_answer_of_signs_alone_is_read_without_what_it_quotes(said: tuple[str, str]) -> None:
    language = dataclasses.replace(EN, said=said)
    for program in PROGRAMS:
        for form in program.forms:
            mail = parse(answered(program, language, form, OURS["later"]))
            assert words(mail.reply_text) == words(" ".join(said)), (program.name, form)


def test_message_ids_that_an_answer_names_are_surer_than_its_last_line() -> None:
    references = "<first@example.com> <ses-1@eu-central-1.amazonses.com> <m1@mail.cplus.example>"
    raw = answered(GMAIL, EN, "both", OURS["later"], References=references, In_Reply_To="<x@y.z>")
    assert [one.kind for one in found(parse(raw))] == [*["reference"] * 3, "in_reply_to", "marker"]


def test_an_answer_that_quotes_nothing_of_ours_has_no_token() -> None:
    raw = answered(GMAIL, EN, "both", compose(reply_to=AUTHOR.address))
    assert parse(raw).marker_tokens == []


def test_a_line_with_another_shops_token_leads_nowhere() -> None:
    foreign = conversation_token("other.myshopify.com", CONVERSATION, "secret")
    ours = compose(reply_to=AUTHOR.address, token=foreign)
    assert found(parse(answered(GMAIL, EN, "both", ours))) == []


def test_words_below_our_last_line_are_the_answers() -> None:
    text = "> It is back.\n> [ref:cplus:" + TOKEN + "]\n\nThen two, please.\n"
    mail = parse(b"From: ines@example.com\nSubject: Re: Your jug\n\n" + text.encode())
    assert mail.reply_text == "Then two, please."
    assert found(mail) == [Candidate("marker", CONVERSATION)]


@pytest.mark.parametrize(
    "line",
    [
        "[ref:cplus:short]",
        "[ref:other:" + "a" * 32 + "]",
        "My code is [ref:cplus:" + "a" * 32 + "] ok",
    ],
)
def test_a_line_that_only_looks_like_ours_is_shown(line: str) -> None:
    mail = parse(f"From: ines@example.com\nSubject: Re: Jug\n\nHello\n\n{line}\n".encode())
    assert mail.reply_text == f"Hello\n\n{line}"
