"""A letter to which tests add parts."""

from __future__ import annotations

from email.message import EmailMessage


def letter(html: str = "") -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Ada <ada@example.com>"
    mail["Subject"] = "Files"
    mail.set_content("Here they are")
    if html:
        mail.add_alternative(html, subtype="html")
    return mail
