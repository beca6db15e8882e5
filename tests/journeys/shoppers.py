"""Shoppers of a running stack: what they write to a shop, by its contact form or as mail with
files, and what is in their mailboxes."""

from __future__ import annotations

import email
import io
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage

import httpx
from PIL import Image

from cplus.local.aws.email.inbound import Receipt, deliver
from cplus.local.stack import MAIL_DOMAIN, Stack

PICTURE_ELSEWHERE = "https://pictures.example/seen.png"
"""What the HTML of a mail with files wants to load from another server."""


@dataclass(frozen=True)
class File:
    """A file of a mail."""

    name: str
    content_type: str
    data: bytes


def photo(name: str, *, size: tuple[int, int] = (1200, 900)) -> File:
    """A JPEG of many bytes, as those of a camera."""
    width, height = size
    red = Image.linear_gradient("L").resize(size)
    green = Image.radial_gradient("L").resize(size)
    picture = Image.merge("RGB", (red, green, Image.effect_noise((width, height), 60)))
    made = io.BytesIO()
    picture.save(made, "JPEG", quality=60)
    return File(name, "image/jpeg", made.getvalue())


def document(name: str, words: str) -> File:
    """A PDF of one page, whose bytes are not all of ASCII."""
    shown = f"BT /F 24 Tf 72 720 Td ({words}) Tj ET".encode("ascii")
    parts = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources 6 0 R>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(shown), shown),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Font<</F 5 0 R>>>>",
    ]
    made, places = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\r\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(made))
        made += b"%d 0 obj%s endobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    ends = b"trailer<</Size 7/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(made)
    made += b"xref\n0 7\n0000000000 65535 f \n" + table + ends
    return File(name, "application/pdf", made)


def address_of(name: str) -> str:
    """The shopper's own address."""
    first = name.split(" ", maxsplit=1)[0].lower().replace("á", "a")
    return f"{first}@shopper.example"


def contact_form(shop: str, name: str, text: str, number: int) -> bytes:
    """The mail that Shopify sends for a contact form of the shop with that handle."""
    mail = EmailMessage()
    mail["From"] = f"{shop} (Shopify) <mailer@shopify.com>"
    mail["To"] = f"{shop}@{MAIL_DOMAIN}"
    mail["Reply-To"] = address_of(name)
    mail["Subject"] = f"New customer message on November 23, 2026 at 10:0{number} am"
    mail["Message-ID"] = f"<form-{shop}-{number}@shopify.com>"
    mail.set_content(
        "You received a new message from your online store's contact form.\n\n"
        f"Country Code:\nUS\n\nName:\n{name}\n\nEmail:\n{address_of(name)}\n\nBody:\n{text}\n"
    )
    return mail.as_bytes()


def mail_with_files(shop: str, sender: str, subject: str, text: str, files: list[File]) -> bytes:
    """A mail of text, the same as HTML with a picture in it, one elsewhere and a script, and the
    files; the picture in it is the first of them."""
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = f"{shop}@{MAIL_DOMAIN}"
    mail["Subject"] = subject
    mail["Message-ID"] = f"<with-files-{shop}@shopper.example>"
    mail.set_content(text)
    mail.add_alternative(
        f'<p style="color:#8a3324"><b>{text}</b></p><p><img src="cid:in-it" width="240" alt="Jar">'
        f'</p><img src="{PICTURE_ELSEWHERE}" width="1" height="1">'
        '<script>document.body.append("ran")</script>',
        subtype="html",
    )
    shown, *attached = files
    formatted = mail.get_payload()[1]  # type: ignore[index]
    assert isinstance(formatted, EmailMessage)
    formatted.add_related(
        shown.data, *shown.content_type.split("/"), cid="<in-it>", filename=shown.name
    )
    for file in attached:
        mail.add_attachment(file.data, *file.content_type.split("/"), filename=file.name)
    return mail.as_bytes()


def write_as_a_shopper(stack: Stack, shop: str, name: str, text: str, number: int = 0) -> None:
    """Sends the contact form of the shop with that handle."""
    send_to_the_shop(stack, shop, contact_form(shop, name, text, number), "mailer@shopify.com")


def send_to_the_shop(stack: Stack, shop: str, raw: bytes, source: str) -> None:
    """Sends a mail to the shop with that handle, as SES takes it in."""
    exports = stack.application.exports
    receipt = Receipt(
        endpoint=stack.aws.endpoint,
        bucket=str(exports["cplus-local-mail-bucket"]),
        topic=str(exports["cplus-local-mail-topic"]),
    )
    deliver(receipt, raw, [f"{shop}@{MAIL_DOMAIN}"], source)


async def mails_to(stack: Stack, address: str) -> list[EmailMessage]:
    """The mails that the app sent there, as they went out."""
    async with httpx.AsyncClient(base_url=f"{stack.aws.endpoint}/_mailbox", timeout=30) as http:
        known = await http.get("/messages.json", params={"to": address})
        raw = [await http.get(f"/{one['message_id']}.eml") for one in known.json()["messages"]]
    return [email.message_from_bytes(one.content, policy=policy.default) for one in raw]


def files_of(mail: EmailMessage) -> list[File]:
    """The files that are attached to it."""
    return [
        File(one.get_filename() or "", one.get_content_type(), one.get_content())
        for one in mail.iter_attachments()
    ]
