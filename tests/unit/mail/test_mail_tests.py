"""By what a mail is known as a merchant's test."""

from __future__ import annotations

import pytest

from cplus.mail import code_in, written_code
from cplus.mail.model import InboundMail

CODE = "k3m9abcdef"


@pytest.mark.parametrize(
    "mail",
    [
        InboundMail(text=f"Hello\n{written_code(CODE)}\n"),
        InboundMail(text="Cplus-test-K3M9ABCDEF"),
        InboundMail(text="cplus\u2013test\u2013k3m9abcdef."),
        InboundMail(text="cplustestk3m9abcdef"),
        InboundMail(subject=f"Fwd: {written_code(CODE)}", text="see below"),
        InboundMail(text=f"On Monday Ada wrote:\n> {written_code(CODE)}", reply_text="see below"),
    ],
)
def test_a_code_is_found_however_it_was_typed_or_forwarded(mail: InboundMail) -> None:
    assert code_in(mail) == CODE


@pytest.mark.parametrize(
    "text", ["", "cplus-test-", f"{written_code(CODE)}x", f"x{written_code(CODE)}", "cplus test it"]
)
def test_other_mail_has_no_code(text: str) -> None:
    assert code_in(InboundMail(text=text)) is None


def test_a_long_mail_is_not_searched_to_its_end() -> None:
    assert code_in(InboundMail(text="a " * 20_000 + written_code(CODE))) is None
