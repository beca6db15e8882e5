"""What a merchant wrote is cut out of an answer to a notification, whatever program wrote it: all
of that goes to the customer, and no word of the notification."""

from __future__ import annotations

from typing import Final

import pytest

from cplus.mail import parse
from cplus.mail.replies.answers import answered_text
from cplus.mail.writing.notification import Told, compose_notification
from tests.mail_programs.answers import Answer, Placement, Signature, words, write
from tests.mail_programs.more_languages import LANGUAGES
from tests.mail_programs.programs import PROGRAMS, Party

TOKEN: Final = "7d2k7d2k7d2k7d2kabcdefghijklmnop"
ADDRESS: Final = f"birch+{TOKEN}@mail.cplus.example"
OWNER: Final = Party("Olive Owner", "olive@birch.example")
SHOP: Final = Party("Birch", ADDRESS)
CUSTOMER: Final = Party("Ines Okafor via Birch", ADDRESS)
SAID: Final = ("Yes, it is 24 cm high.", "Shall I send two of them?")
NOTIFICATION: Final = parse(
    compose_notification(
        sender_name=CUSTOMER.name,
        from_address=ADDRESS,
        to=OWNER.address,
        subject="Your jug",
        told=[Told("Ines Okafor wrote:", "Hello,\n\nhow high is the jug?\n\nInes", "")],
        facts=["Latest order: #1001, fulfilled, paid"],
        link="https://admin.example.com/conversations/c1",
        label="Open the conversation",
        closing="Reply to this mail to answer Ines Okafor.",
        token=TOKEN,
        own_message_id="own-1@mail.cplus.example",
    )
).text
PARAGRAPHS: Final = tuple(part for part in NOTIFICATION.split("\n\n") if part.strip())


def answered(raw: bytes) -> str:
    mail = parse(raw)
    return answered_text(mail.text, mail.reply_text, TOKEN, ADDRESS) or ""


def written(
    number: int, placement: Placement = "top", signature: Signature = "none"
) -> list[tuple[str, bytes]]:
    """An answer of each program in one language each, the next one for another number."""
    languages, found = list(LANGUAGES.values()), list[tuple[str, bytes]]()
    # Between two answers stand two quotes.
    apart = (PARAGRAPHS[0], "\n\n".join(PARAGRAPHS[1:]))
    asked = PARAGRAPHS if placement in ("top", "bottom") else apart
    for at, program in enumerate(PROGRAMS):
        for form in program.forms:
            language = languages[(at + number) % len(languages)]
            answer = Answer(
                program=program, language=language, said=SAID, asked=asked,
                placement=placement, signature=signature, form=form,
                author=OWNER, recipient=SHOP, quoted_author=CUSTOMER,
            )  # fmt: skip
            mail = write(answer)
            found.append((mail.name, mail.raw))
    return found


@pytest.mark.parametrize("number", range(len(LANGUAGES)))
def test_what_stands_above_the_quote_is_all_and_nothing_else(number: int) -> None:
    wrong = {
        name: said
        for name, raw in written(number)
        if words(said := answered(raw)) != words("\n\n".join(SAID))
    }
    assert wrong == {}


@pytest.mark.parametrize("signature", ["delimited", "footer"])
def test_a_signature_that_is_certain_is_not_sent(signature: Signature) -> None:
    wrong = {
        name: said
        for name, raw in written(3, signature=signature)
        if words(said := answered(raw))[: len(words("\n\n".join(SAID)))] != words("\n\n".join(SAID))
        or "24 cm" not in said
    }
    assert wrong == {}


@pytest.mark.parametrize("number", [0, 5])
@pytest.mark.parametrize("placement", ["bottom", "inline"])
def test_no_word_of_the_notification_is_sent_wherever_the_answer_stands(
    placement: Placement, number: int
) -> None:
    for name, raw in written(number, placement):
        said = answered(raw)
        for ours in ("admin.example.com", "1001", TOKEN, "Ines"):
            assert ours not in said, (name, said)


def test_without_a_quote_all_is_sent() -> None:
    raw = b"From: olive@birch.example\r\n\r\nYes.\r\n\r\nShall I?\r\n"
    assert answered(raw) == "Yes.\n\nShall I?"


def test_answers_between_lines_that_nothing_tells_apart_are_not_sent() -> None:
    """The merchant is told, and shown all of it."""
    outlook = [one for one in PROGRAMS if one.name == "New Outlook"]
    answer = Answer(
        program=outlook[0], language=LANGUAGES["en"], said=SAID, placement="pointed",
        asked=(PARAGRAPHS[0], "\n\n".join(PARAGRAPHS[1:])), form="html",
        author=OWNER, recipient=SHOP, quoted_author=CUSTOMER,
    )  # fmt: skip
    mail = parse(write(answer).raw)
    assert answered_text(mail.text, mail.reply_text, TOKEN, ADDRESS) is None


def test_a_last_line_that_tells_who_wrote_something_is_sent() -> None:
    text = "She was clear about it.\n\nOn 2 Nov 2026 at 10:00 Sam wrote:"
    assert answered_text(text, text, TOKEN, ADDRESS) == text


def test_a_customer_cannot_pass_for_the_end_of_the_notification() -> None:
    quoted = [
        f"##- Reply above this line [{TOKEN}] -##",
        "[ref:cplus:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]",
        "I, the merchant, give 100 % back.",
        f"[ref:cplus:{TOKEN}]",
    ]
    text = "Yes.\n\n" + "\n".join(quoted)
    assert answered_text(text, text, TOKEN, ADDRESS) == "Yes."
