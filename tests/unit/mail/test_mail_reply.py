"""The newest words of a mail: quotes and signatures go, and no word of the sender's with them."""

from __future__ import annotations

import pytest

from cplus.mail import parse
from cplus.mail.replies.marker import marker_line
from cplus.mail.replies.reply import reply_text
from tests.conftest import ROOT

FIXTURES = ROOT / "tests" / "fixtures" / "mail"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "reply_gmail",
            "Great, I will take two of them.\n\n- one in blue\n- one in white",
        ),
        ("reply_gmail_html", "Great, I will take two.\n\nInes"),
        ("reply_outlook", "Yes please, send me two."),
        ("reply_outlook_html", "Yes please, send me two."),
        ("reply_ios", "Perfect, two please!"),
        ("reply_spanish", "Sí, quiero dos."),
        ("reply_german", "Ja, zwei bitte."),
        ("reply_below_quote", "I answer below: two please."),
    ],
)
def test_only_the_new_words_are_the_reply(name: str, words: str) -> None:
    mail = parse((FIXTURES / f"{name}.eml").read_bytes())
    assert mail.reply_text == words
    assert len(mail.text) > len(words)


def test_a_reply_between_quotes_keeps_what_it_answers() -> None:
    mail = parse((FIXTURES / "reply_inline.eml").read_bytes())
    assert "> Do you want it in blue?\n\nYes, in blue." in mail.reply_text


def test_a_mail_of_nothing_but_quotes_falls_back_to_all_of_it() -> None:
    mail = parse((FIXTURES / "reply_only_quotes.eml").read_bytes())
    assert "> The jug is back in stock." in mail.reply_text


def test_thanks_at_the_beginning_of_a_sentence_is_no_signature() -> None:
    mail = parse((FIXTURES / "reply_thanks_is_no_signature.eml").read_bytes())
    assert mail.reply_text.endswith("Can you send another one?")


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nInes Okafor\nExample Street 1",
        "Best regards,\nInes",
        "Sent from my iPhone",
        "Liebe Grüße\nInes Okafor\n\nVon meinem iPad gesendet",
        "Thanks and regards,\nInes\n-- \nExample Ltd.",
    ],
)
def test_a_signature_goes(signature: str) -> None:
    assert reply_text(f"Two, please.\n\n{signature}\n") == "Two, please."


def test_the_marker_is_cut_first_and_with_the_line_that_names_who_is_quoted() -> None:
    quote = f"Em seg., 23 de nov. de 2026 às 10:00, Loja escreveu:\n\n> {marker_line('a1')}\n> Hi"
    assert reply_text(f"Two!\n\n{quote}") == "Two!"


def test_a_mail_that_begins_with_the_marker_keeps_its_words() -> None:
    assert reply_text(f"{marker_line(None)}\n\nThe jug is back.\n") == "The jug is back."


@pytest.mark.parametrize("text", ["Data: 5\nmore", "Do: this\nand that", "Tak\nTaking it back"])
def test_words_that_begin_like_another_languages_headers_stay(text: str) -> None:
    assert reply_text(f"Hello\n{text}") == f"Hello\n{text}"


def test_what_stands_below_the_head_of_a_long_mail_stays() -> None:
    text = "\n".join(f"This is line number {number}, with words." for number in range(3_000))
    assert reply_text(text) == text


def test_a_long_line_and_indentation_stay_as_they_are() -> None:
    text = "    indented\n" + "word " * 500 + "end\n\n\n\n\nlast"
    assert reply_text(text) == text.strip()


SHOP = "Shop <shop@mail.cplus.example>"


@pytest.mark.parametrize(
    "attribution",
    [
        f"On Mon, 23 Nov 2026 at 10:00, {SHOP} wrote:",
        f"On Mon, 23 Nov 2026 at\n10:00, {SHOP}\nwrote:",
        f"Am Mo., 23. Nov. 2026 um 10:00 Uhr schrieb {SHOP}:",
        f"{SHOP} schrieb am Mo., 23. Nov.\n2026 um 10:00 Uhr:",
        f"{SHOP} schrieb:",
        "Em seg., 23 de nov. de 2026 às 10:00, Shop <\nshop@mail.cplus.example> escreveu:",
        f"Le lun. 23 nov. 2026 à 10:00,\n{SHOP} a écrit :",
        f"man. 23. nov. 2026 kl. 10.00 skrev {SHOP}:",
        "pon., 23 lis 2026 o 10:00 Shop\n<shop@mail.cplus.example> napisał(a):",
        f"пн, 23 нояб. 2026 г. в 10:00, {SHOP}:",
        f"2026年11月23日(月) 10:00 {SHOP}:",
        f"{SHOP} 于2026年11月23日周一 10:00写道：",
        "\u202bבתאריך 23 בנוב׳ 2026 ב-10:00 מאת Shop <\u202ashop@mail.cplus.example\u202c>:",
        f"---- On Mon, 23 Nov 2026 10:00:00 +0100 {SHOP} wrote ----",
    ],
)
def test_the_words_that_name_who_is_quoted_go_with_the_quote(attribution: str) -> None:
    said = "Two, please, Sam.\n\nBoth in blue."
    for gap in ("\n", "\n\n"):
        assert reply_text(f"{said}\n{attribution}{gap}> One or two?\n>\n> Sam\n") == said
    unmarked = f"{said}\n\n{attribution}\n\nOne or two?\n"
    assert reply_text(unmarked, answers=True) == said
    assert reply_text(unmarked) == unmarked.strip()


@pytest.mark.parametrize(
    "headers",
    [
        f"From: {SHOP}\nSent: Monday, November 23, 2026 10:00 AM\nTo: Ines\nSubject: Your jug",
        f"*Von:* {SHOP}\n*Gesendet:* Montag, 23. November 2026\n*An:* Ines\n*Betreff:* Krug",
        f"{'_' * 32}\nDe : {SHOP}\nEnvoyé : lundi 23 novembre 2026 10:00\nÀ : Ines",
        "-----Original Message-----\nFrom: Shop\nTo: Ines\nSubject: Your jug",
        "---------- 原始邮件 ----------\n发件人: shop@mail.cplus.example\n收件人: I\n主题: Jug",
    ],
)
def test_a_quote_that_begins_with_headers_goes_from_an_answer_only(headers: str) -> None:
    text = f"Two, please.\n\n{headers}\n\nOne or two?"
    assert reply_text(text, answers=True) == "Two, please."
    assert reply_text(text) == text


def test_lines_with_angles_alone_make_no_answer_of_a_mail() -> None:
    text = (
        f"I was told this:\n> no\nand got this mail.\n\nFrom: {SHOP}\nTo: I\nSubject: J\n\nIt is."
    )
    assert reply_text(text) == text


def test_a_quote_in_the_line_that_names_its_author_goes() -> None:
    quote = f"On Mon, 23 Nov 2026 at 10:00, {SHOP} wrote:   One or two?"
    text = f"Two.\n\nSent from Yahoo Mail on Android\n\n  {quote}\n"
    assert reply_text(text, answers=True) == "Two."


FIRST = f"On Mon, 23 Nov 2026 at 10:00, {SHOP} wrote:\n> One or two?"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"See below.\n\n{FIRST}\n\nTwo.\n\n> Blue?\n\nRed.\n\n> Sam\n", None),
        (f"{FIRST}\n\nTwo.\n\n> Blue?\n\nRed.\n", "Two.\n\n> Blue?\n\nRed."),
        (f"{FIRST}\n\nTwo.\n\nRegards,\nInes\n", "Two."),
        (f"Two.\n\n{FIRST}\n\n-- \nInes\nExample Street 1\n", "Two."),
        (f"Two.\n\n{FIRST}\n\nSent from my iPhone\n", "Two."),
        (f"Two.\n\n{FIRST}\n\nThe carrier said:\n> Not found.\n", "all"),
    ],
)
def test_words_between_and_below_quotes_stay(text: str, words: str | None) -> None:
    if words is None:
        words = text.partition("\n\n> Sam")[0]
    assert reply_text(text, answers=True) == (text.strip() if words == "all" else words)


def test_words_between_quotes_of_html_stay() -> None:
    mail = parse(
        b"From: a@example.com\nSubject: Re: Jug\nContent-Type: text/html\n\n<div>See below.</div>"
        b"<div>On Nov 23, 2026, at 10:00, Shop &lt;shop@cplus.example&gt; wrote:</div>"
        b"<blockquote>One or two?</blockquote><div>Two.</div><blockquote>Blue?</blockquote>"
        b"<div>Red.</div>"
    )
    assert mail.reply_text.endswith("> One or two?\nTwo.\n> Blue?\nRed.")


@pytest.mark.parametrize(
    "text",
    [
        # Words of a person, who quotes nobody or tells who said something.
        "Hello,\n\nOn the page of the jug someone wrote:\nit holds a litre. Is that true?",
        "Hallo,\n\nam 23. November schrieb mir Ihr Kollege:\nDer Krug sei da.\n\nIst er das?",
        "The carrier wrote to me:\n> Your parcel is lost.\n",
        "My account shows:\n\nDate: 23 Nov 2026\nSubject: Refund\nAmount: 40 EUR\n\nWhere is it?",
        f"I got this:\nFrom: {SHOP}\nDate: 23 Nov 2026\nSubject: Jug\n\nIs it true?",
        "> Do you want two?\n\nYes.",
        "Ich suche einen Krug.\n--\nBitte nach Leipzig senden.",
        "Hallo,\n\nVon: Hamburg\nAn: Berlin\nDatum: 3.12.2026\nBestellung 4711 bitte stornieren",
        "The parcel:\n\nIt went\n\nFrom: York\nTo: Hull\nDate: 3 Dec 2026 10:00\nPlease stop it.",
        "New address.\n\nFrom: a@b.example\nTo: c@d.example\nDate: 3 Dec 2026\nIs it changed?",
        "My trip\n\n-----\nFrom: York\nTo: Hull\nDate: 3 Dec 2026\nSend it there.",
        # Two dashes without a space are no mark of a signature.
        "Sizes:\nlarge\n--\nMedium",
        "Colors I want\n--\nRed\nGreen\nBlue",
        "Two, please.\n\n--\nInes Okafor\nExample Street 1",
        # Facts below a closing.
        "Send it here.\n\nMany thanks\nAnn Meyer\nGarden Lane\nOld Town",
        "Send it here.\n\nMany thanks\nAnn Meyer\nGarden Lane In Old Town",
        "It is too small.\n\nRegards,\nInes\nOrder #1042\nSend the label to i@example.com",
        "Wo ist er?\n\nMit freundlichen Grüßen\nInes Okafor\nBestellnummer: 1042",
        "Which one?\n\nThanks,\nInes\nthe blue one please",
        "One more:\n\nThanks!",
        # Words below the footer of a phone, or like one.
        "Yes.\n\nSent from my iPhone\n\nThe blue one.",
        "Yes.\n\nSent from my sister's account, answer me there",
        "Hello\nsent with the mobile app: error",
        "Hello\nsent with the mobile app error",
        "It is gone.\nSent via mail",
        "Yes.\nSent from my phone the wrong address",
        "Yes.\nSent from my iPhone: error",
        "Where is it?\nGesendet mit der App",
    ],
)
def test_what_only_looks_like_a_quote_or_a_signature_stays(text: str) -> None:
    for answers in (False, True):
        assert reply_text(text, answers=answers) == text.strip()


def test_prose_with_a_date_above_lines_with_angles_is_no_quote_unless_the_mail_answers() -> None:
    text = "Hello,\n\non 23.11.2026 your colleague wrote:\n> It is on its way."
    assert reply_text(text) == text
    assert reply_text(text, answers=True) == "Hello,"


FORWARDED = f"From: {SHOP}\nDate: Mon, 23 Nov 2026 10:00\nSubject: Invoice\nTo: Ines"


@pytest.mark.parametrize(
    "above",
    [
        "---------- Forwarded message ---------",
        "-------- Weitergeleitete Nachricht --------",
        "-------- Message transféré --------",
        "Begin forwarded message:\n",
        "Anfang der weitergeleiteten Nachricht:\n",
        "---------- 转发的邮件 ----------",
        "转发的邮件：",
    ],
)
def test_a_mail_that_is_passed_on_stays_whole(above: str) -> None:
    for note in ("", "Can you help him?\n\n"):
        text = f"{note}{above}\n{FORWARDED}\n\nIt is 80 euros.\n\nRegards,\nBill"
        assert reply_text(text, answers=True) == text
        quoted = f"{note}{above}\n> {FORWARDED}\n> \n> It is 80 euros."
        assert reply_text(quoted, answers=True) == quoted


@pytest.mark.parametrize("subject", ["Fwd: Invoice", "WG: Rechnung", "W.: Rechnung", "TR: Facture"])
def test_a_subject_tells_that_a_mail_is_passed_on(subject: str) -> None:
    raw = f"From: a@example.com\nIn-Reply-To: <a@b.example>\nSubject: {subject}\n\nSee.\n\n"
    mail = parse(f"{raw}{FORWARDED}\n\nIt is 80 euros.".encode())
    assert mail.reply_text.endswith("It is 80 euros.")


@pytest.mark.parametrize(
    "header",
    [
        "In-Reply-To: <a@b.example>",
        "References: <a@b.example>",
        "Subject: Re: Jug",
        "Subject: AW: K",
    ],
)
def test_headers_and_subject_tell_that_a_mail_is_an_answer(header: str) -> None:
    text = f"Two.\n\n{FORWARDED}\n\nOne or two?"
    assert parse(f"From: a@example.com\n{header}\n\n{text}".encode()).reply_text == "Two."
    assert parse(f"From: a@example.com\n\n{text}".encode()).reply_text == text
