"""Codes by which a mail is known as a merchant's test of the way to the app, and no customer's."""

from __future__ import annotations

import re
from typing import Final

from cplus.mail.model import InboundMail

CODE_LENGTH: Final = 10

# As people type it on a phone: with a capital, another dash, or none.
_WRITTEN: Final = re.compile(
    rf"\bcplus[ \-\u2010-\u2015]?test[ \-\u2010-\u2015]?([a-z0-9]{{{CODE_LENGTH}}})\b",
    re.IGNORECASE,
)
_LOOKED_AT: Final = 20_000  # characters; who writes a code writes little else


def written_code(code: str) -> str:
    """The code as people are to write it."""
    return f"cplus-test-{code}"


def code_in(mail: InboundMail) -> str | None:
    """The code that the mail has in its subject or its text, quotes too; None for other mail."""
    found = _WRITTEN.search(f"{mail.subject}\n{mail.text[:_LOOKED_AT]}")
    return found[1].lower() if found else None
