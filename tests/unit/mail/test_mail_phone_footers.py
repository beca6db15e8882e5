"""The lines of phones and mail programs, in the languages in which they are written."""

from __future__ import annotations

import pytest

from cplus.mail.replies.phone_footers import is_phone_footer


@pytest.mark.parametrize(
    "line",
    [
        "Sent from my iPhone",
        "Sent from my Samsung Galaxy smartphone.",
        "Sent from my Galaxy S21 Ultra",
        "Sent from Mail for Windows 10",
        "Sent with Proton Mail secure email.",
        "Get Outlook for iOS<https://aka.ms/o0ukef>",
        "Von meinem Handy gesendet",
        "Gesendet mit der GMX Mail App",
        "Diese Nachricht wurde von meinem Telefon gesendet.",
        "Envoyé à partir de Outlook pour Android",
        "Enviado desde mi iPhone",
        "Inviato dal mio iPhone",
        "Outlook voor iOS downloaden",
        "Lähetetty iPhonesta",
        "Wysłane z iPhone'a",
        "Odesláno z mého iPhonu",
        "iPhone'umdan gönderildi",
        "Отправлено с iPhone",
        "Στάλθηκε από το iPhone μου",
        "נשלח מה-iPhone שלי",
        "发自我的iPhone",
        "내 iPhone에서 보냄",
        "iPhoneから送信",
    ],
)
def test_a_footer_is_known(line: str) -> None:
    assert is_phone_footer(line)
    assert is_phone_footer(f"  *{line}*  ")
    assert not is_phone_footer(f"{line}: error")
    assert not is_phone_footer(f"{line} yesterday")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Sent with",
        "Sent with DHL, call my mobile",
        "Get Outlook to open it",
        "Gesendet mit der App",
        "Sent from my iPhone order 4711",
        "Sent from my iPhone, is that why?",
    ],
)
def test_a_line_with_words_of_a_person_is_no_footer(line: str) -> None:
    assert not is_phone_footer(line)
