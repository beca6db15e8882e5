"""Mails that answer another, as mail programs write them, each with what its reader should see."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from html import escape
from itertools import islice
from typing import Literal

from tests.mail_programs.languages import Language
from tests.mail_programs.more_languages import LANGUAGES
from tests.mail_programs.programs import PROGRAMS, Form, Party, Program, Quoted, as_html

Placement = Literal["top", "bottom", "inline", "pointed"]
"""Where the answer stands: above what it quotes, below, between, or between with a sentence above
that points there."""
Signature = Literal["none", "closing", "delimited", "footer"]

SHOP = Party("Birch & Bloom", "birch-bloom@mail.cplus.example")
SHOPPER = Party("Ines Okafor", "ines.okafor@example.com")
WIDTH = 72
_OLDER = "The jug is back in stock."


@dataclass(frozen=True)
class Answer:
    """An answer before a program writes it."""

    program: Program
    language: Language
    said: tuple[str, ...]
    """What its author writes, by paragraphs."""
    asked: tuple[str, ...]
    """The paragraphs of the mail that it quotes."""
    placement: Placement = "top"
    signature: Signature = "none"
    form: Form = "both"
    levels: int = 1
    """2 if the quoted mail quotes another one."""
    interface: Language | None = None
    """The language of the mail program, if it is another than that of its user."""
    author: Party = SHOPPER
    recipient: Party = SHOP
    quoted_author: Party = SHOP
    subject: str = "Re: Your jug"

    @property
    def quoted(self) -> Quoted:
        """The mail that it quotes."""
        return Quoted(self.shown, self.quoted_author, self.author, self.subject)

    @property
    def shown(self) -> Language:
        """The language of the mail program."""
        return self.interface or self.language


@dataclass(frozen=True)
class Labelled:
    """A mail with what its author wrote."""

    answer: Answer
    raw: bytes
    reply: str
    """What the reader should see, a line for each that has words, without white space around it;
    quotes between two answers among them. Empty text if all of the mail should be shown."""

    @property
    def name(self) -> str:
        """What kind of mail it is."""
        one = self.answer
        kind = f"{one.placement}, {one.signature}, {one.levels} levels, by {one.shown.code}"
        return f"{one.program.name}, {one.language.code}, {one.form}: {kind}"


Block = tuple[bool, tuple[str, ...]]
"""Whether it is quoted, and its paragraphs."""


def _blocks(answer: Answer) -> tuple[tuple[str, ...], list[Block]]:
    """What stands above who is quoted, and the blocks below."""
    asked: list[Block] = [(True, answer.asked)]
    if answer.placement == "top":
        return answer.said, asked
    if answer.placement == "bottom":
        return (), [*asked, (False, answer.said)]
    pairs: list[Block] = []
    for question, words in zip(answer.asked, answer.said, strict=True):
        pairs += [(True, (question,)), (False, (words,))]
    return (answer.language.below,) if answer.placement == "pointed" else (), pairs


def _signature(answer: Answer) -> list[str]:
    """The lines of the signature in the plain text."""
    if answer.signature == "closing":
        return ["", answer.language.closing, answer.author.name]
    if answer.signature == "delimited":
        return ["", "-- ", answer.author.name, "Example Street 1, Old Town"]
    if answer.signature == "footer" and answer.program.footer:
        footer = str(getattr(answer.shown, answer.program.footer))
        link = "<https://aka.ms/o0ukef>" if answer.program.footer == "outlook" else ""
        return ["", footer + link]
    return []


def _wrapped(line: str) -> list[str]:
    """A line broken as Gmail does it: at a space, or within the brackets of the address."""
    if len(line) <= WIDTH:
        return [line]
    parts = textwrap.wrap(
        line.replace("<", "< "), WIDTH, break_long_words=False, break_on_hyphens=False
    )
    return [part.replace("< ", "<") for part in parts]


def _older(answer: Answer) -> list[str]:
    if answer.levels < 2:
        return []
    quoted = Quoted(answer.shown, answer.author, answer.quoted_author, answer.subject)
    mark = "> " if answer.program.quotes == "angles" else ""
    said = answer.program.said(quoted).split("\n")
    return ["", *said, mark.strip(), f"{mark}{_OLDER}"]


def _text(answer: Answer) -> str:
    program = answer.program
    above, blocks = _blocks(answer)
    signature = _signature(answer)
    lines = "\n\n".join(above).split("\n") if above else []
    if answer.placement == "top":
        lines += signature
    mark = "> " if program.quotes == "angles" else ""
    said = program.said(answer.quoted)
    who = [said] if "\n" in said or program.within else _wrapped(said)
    if program.above:
        who = [program.above, *who]
    lines += ["", *(program.indent + (mark if program.within else "") + one for one in who)]
    lines += [mark.rstrip()] if mark else [""]
    for at, (is_quoted, paragraphs) in enumerate(blocks):
        last = at == len(blocks) - 1
        words = "\n\n".join(paragraphs).split("\n")
        if is_quoted:
            words += _older(answer) if last else []
            lines += [(mark + one).rstrip() if mark else one for one in words]
        else:
            lines += ["", *words, ""]
    if answer.placement != "top":
        lines += signature
    return "\n".join(lines).strip("\n") + "\n"


def _html_signature(answer: Answer) -> str:
    lines = _signature(answer)[1:]
    program = answer.program
    if not lines:
        return ""
    if answer.signature == "footer":
        footer = escape(str(getattr(answer.shown, program.footer)))
        if program.footer == "outlook":
            footer = f'<a href="https://aka.ms/o0ukef">{footer}</a>'
        return program.sets_apart.format(footer)
    if answer.signature == "delimited" and "-- " in program.sets_apart:
        return program.sets_apart.format("<br>".join(lines[1:]))
    return program.gap + "".join(program.para.format(escape(one)) for one in lines)


def _html(answer: Answer) -> str:
    program = answer.program
    above, blocks = _blocks(answer)

    def own(paragraphs: Sequence[str]) -> str:
        return program.gap.join(program.para.format(escape(one)) for one in paragraphs)

    said = as_html(program.said(answer.quoted))
    history = program.opening.format(*([] if program.within else [said]))
    for at, (is_quoted, paragraphs) in enumerate(blocks):
        words = "<br><br>".join(map(escape, paragraphs))
        if is_quoted and at == 0 and program.within:
            words = f'<div>{said}</div><br class="Apple-interchange-newline"><div>{words}</div>'
        if is_quoted and at == len(blocks) - 1 and answer.levels > 1:
            older = Quoted(answer.shown, answer.author, answer.quoted_author, answer.subject)
            words += f"<br><div>{as_html(program.said(older))}</div>"
            words += program.cite.format(_OLDER)
        history += program.cite.format(words) if is_quoted else program.gap + own(paragraphs)
    signature = _html_signature(answer)
    if answer.placement == "top":
        return program.page.format(own(above) + signature + history + program.ending)
    return program.page.format(own(above) + history + signature + program.ending)


def _reply(answer: Answer) -> str:
    """What the reader should see of it; empty text for all of it."""
    if answer.placement != "top" and answer.program.quotes == "bare":
        return ""  # nothing tells what is quoted there from what is not
    if answer.placement in ("top", "bottom"):
        return "\n".join(answer.said)
    above, blocks = _blocks(answer)
    lines = list(above)
    # A quote above the first of the author's words goes, and one that is attributed with words
    # above it stays between them.
    said = answer.program.said(answer.quoted)
    for at, (is_quoted, paragraphs) in enumerate(blocks):
        if is_quoted and at == 0 and not above:
            continue
        if is_quoted and at == 0:
            lines.append(f"> {said}" if answer.program.within else said)
        lines += [f"> {one}" if is_quoted else one for one in paragraphs]
    return "\n".join(lines)


def words(text: str) -> list[str]:
    """The words of a text, without marks of quotes and of direction."""
    return (
        text.replace("\ufeff", "").replace(">", " > ").replace("<", " < ").replace(">", " ").split()
    )


def kept(mail: Labelled, reply: str) -> bool:
    """Whether a reply has every word that the mail's author wrote."""
    shown = " ".join(words(reply))
    return all(" ".join(words(one)) in shown for one in mail.answer.said)


def right(mail: Labelled, text: str, reply: str) -> bool:
    """Whether a reply has what its reader should see, and nothing else.

    Where all of `text` should be shown, its signature may be missing.
    """
    if mail.reply:
        return words(reply) == words(mail.reply)
    shown = words(reply)
    return kept(mail, reply) and shown == words(text)[: len(shown)]


def write(answer: Answer) -> Labelled:
    """The mail as its program writes it."""
    mail = EmailMessage()
    mail["From"] = f"{answer.author.name} <{answer.author.address}>"
    mail["To"] = f"{answer.recipient.name} <{answer.recipient.address}>"
    mail["Subject"] = answer.subject
    mail["Message-ID"] = "<answer-1@mail.example.com>"
    mail["In-Reply-To"] = "<own-1@mail.cplus.example>"
    if answer.form == "html":
        mail.set_content(_html(answer), subtype="html", cte="8bit")
    else:
        mail.set_content(_text(answer), cte="8bit")
    if answer.form == "both":
        mail.add_alternative(_html(answer), subtype="html", cte="8bit")
    return Labelled(answer, mail.as_bytes(), _reply(answer))


def labelled(every: int = 1) -> Iterator[Labelled]:
    """The mails of `answers`, or each so many-th of them."""
    return map(write, islice(answers(), 0, None, every))


def answers() -> Iterator[Answer]:
    """An answer by each program in each language and form, in each place."""
    signatures: tuple[Signature, ...] = ("none", "closing", "delimited", "footer")
    placements: tuple[Placement, ...] = ("top", "top", "bottom", "inline", "pointed")
    count = 0
    known = list(LANGUAGES.values())
    for program in PROGRAMS:
        for language in LANGUAGES.values():
            for form in program.forms:
                for placement in placements:
                    count += 1
                    yield Answer(
                        program,
                        language,
                        language.said,
                        language.asked,
                        placement=placement,
                        signature=signatures[count % 4],
                        form=form,
                        levels=1 + count // 4 % 2,
                        interface=None if count % 3 else known[count // 3 % len(known)],
                    )
