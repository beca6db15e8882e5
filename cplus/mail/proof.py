"""Whether the author of a mail is proved: anybody can write any address into `From:`."""

from __future__ import annotations

from cplus.mail.model import InboundMail
from cplus.mail.notifications import Receipt


def author_is_proved(receipt: Receipt, mail: InboundMail) -> bool:
    """Whether the mail comes from the domain of `from_address`.

    DMARC's verdict decides. Where a domain has no DMARC (GRAY, or no verdict), DKIM's counts if
    every signature is of that domain or of one above it: the verdict does not tell which of several
    signatures is right, and alone it only shows that somebody signed.
    """
    if not mail.from_is_plain or mail.from_address is None:
        return False
    if receipt.dmarc == "PASS":
        return True
    if receipt.dmarc not in (None, "GRAY") or receipt.dkim != "PASS" or not mail.signers:
        return False
    author = "." + mail.from_address.rpartition("@")[2]
    return all("." in signer and author.endswith(f".{signer}") for signer in mail.signers)
