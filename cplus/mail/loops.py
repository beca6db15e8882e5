"""Detects our own mail. A mail loop sends thousands of mails in an hour."""

from __future__ import annotations

from cplus.mail.model import InboundMail


def is_own_address(address: str | None, domain: str) -> bool:
    """Whether the address is at the domain whose mail the app receives, or below it."""
    host = (address or "").rpartition("@")[2].lower()
    ours = domain.lower()
    return bool(ours) and (host == ours or host.endswith("." + ours))


def is_own_mail(mail: InboundMail, domain: str) -> bool:
    """Whether we sent it: one of our addresses is its author, sender or envelope sender; or, of
    mail that left from a merchant's own domain, takes its answers, and it refers to an id of ours.

    Our address among the recipients proves nothing: people reply to all.
    """
    if any(
        is_own_address(one, domain) for one in (mail.from_address, mail.sender, mail.return_path)
    ):
        return True
    named = (one.strip("<>") for one in mail.references)
    return is_own_address(mail.reply_to, domain) and any(is_own_address(i, domain) for i in named)


def answer_address(mail: InboundMail, domain: str) -> str | None:
    """The address for a reply: Reply-To, else From, else Sender, else the envelope's sender, each
    unless it is ours; None if none of them works."""
    for address in (mail.reply_to, mail.from_address, mail.sender, mail.return_path):
        if address and not is_own_address(address, domain):
            return address
    return None
