"""The reply in mails as 21 programs write them, in 14 languages: its words, and all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cplus.mail import parse
from tests.conftest import ROOT
from tests.mail_programs.answers import Answer, Labelled, answers, kept, labelled, right, write
from tests.mail_programs.more_languages import LANGUAGES
from tests.mail_programs.programs import PROGRAMS

EXACT = 0.98
"""Of the mails, how many show exactly what they should."""
EVERY = 11
"""In the suite each eleventh mail is read."""


def _missed(mails: Iterable[Labelled]) -> tuple[int, list[str]]:
    """How many mails there are, and the names of those that do not show exactly what they should;
    each shows every word of its author."""
    count, missed = 0, []
    for mail in mails:
        count += 1
        read = parse(mail.raw)
        assert read.defects == []
        assert kept(mail, read.reply_text), mail.name
        if not right(mail, read.text, read.reply_text):
            missed.append(mail.name)
    return count, missed


def test_the_reply_is_exact_and_no_word_of_its_author_is_ever_lost() -> None:
    count, missed = _missed(labelled(EVERY))
    assert count > 350
    assert 1 - len(missed) / count >= EXACT, missed


def test_the_page_names_every_program_and_counts_its_mails() -> None:
    page = (ROOT / "docs" / "replies.md").read_text("utf-8")
    table = page.partition("| Mail program |")[2].partition("\n\n")[0].splitlines()[2:]
    counted = Counter(each.program.name for each in answers())
    left = set(counted)
    for line in table:
        names, mails = line.strip("| ").split(" | ")[:2]
        said = {name for name in left if name in names}
        left -= said
        assert sum(counted[name] for name in said) == int(mails), names
    assert not left


@pytest.mark.soak
def test_the_reply_of_every_mail_is_exact() -> None:
    """The newly written words of mails by 21 mail programs in 14 languages are found: 98 % exactly,
    and no word of their authors is ever missing."""
    count, missed = _missed(labelled())
    assert count > 4_000
    assert 1 - len(missed) / count >= EXACT, missed


def test_all_kinds_are_among_the_mails_of_the_suite() -> None:
    few = list(islice(answers(), 0, None, EVERY))
    assert {one.program.name for one in few} == {one.name for one in PROGRAMS}
    assert {one.language.code for one in few} == set(LANGUAGES)
    kinds = {(one.program.quotes, one.form, one.placement) for one in few}
    assert len(kinds) == 2 * 3 * 4
    assert {(one.signature, one.levels) for one in few} == {
        (signature, levels)
        for signature in ("none", "closing", "delimited", "footer")
        for levels in (1, 2)
    }


# What shoppers write that looks a little like a quote, its author or a signature.
_LINES = st.sampled_from(
    [
        *("From: York", "To: Hull", "Von: Hamburg", "An: Berlin", "Date: 3 Dec 2026", "Fecha: hoy"),
        *("My address is ann@example.com", "Ann <ann@example.com>", "It came on 3 Dec 2026 10:00"),
        *("He wrote:", "On Monday you wrote that it is blue:", "Le prix :", "am 3.12.2026:", "--"),
        *(
            "------",
            "____",
            "*",
            "Thanks",
            "Gracias",
            "- one",
            "1. two",
            "#1042",
            "Regards from me",
        ),
        *("Sent from my shop", "Subject: jug", "Re: jug", "Betreff: Krug", "2026-12-03", "10:00"),
        *("\N{THUMBS UP SIGN}", "!!!", ":-)", "\N{SMILING FACE WITH OPEN MOUTH} ok"),
        *("My message:", "Original message", "see https://shop.example/a?b=c", "A & B < C", "ok"),
    ]
)
# A line `-- ` begins a signature, whoever wrote it.
_WORDS = st.text("abc äöüßéñçłåığ日本語中文שלום . , ! ? : - @ # 0123456789", max_size=40).filter(
    lambda line: line != "-- "
)


def _kinds() -> st.SearchStrategy[Answer]:
    """Answers of all kinds by whatever their authors write."""
    said = st.lists(_LINES | _WORDS, max_size=4).map(
        lambda lines: "\n".join(["First this,", *lines, "and that is it."])
    )
    return st.builds(
        lambda language, said, **kinds: Answer(
            language=language, said=said, asked=language.asked, **kinds
        ),
        program=st.sampled_from(PROGRAMS),
        language=st.sampled_from(list(LANGUAGES.values())),
        said=st.tuples(said, said),
        placement=st.sampled_from(("top", "bottom", "inline", "pointed")),
        form=st.sampled_from(("both", "html", "text")),
        signature=st.sampled_from(("none", "closing", "delimited", "footer")),
    )


@settings(max_examples=150, deadline=None)
@given(_kinds())
def test_whatever_its_author_writes_all_of_it_is_shown(answer: Answer) -> None:
    mail = write(answer)
    reply = parse(mail.raw).reply_text
    assert kept(mail, reply), (mail.name, answer.said, reply)
