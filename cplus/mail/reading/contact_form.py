"""Reads the mail that Shopify sends for a shop's contact form."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict

from cplus.mail.model import InboundMail
from cplus.mail.reading.form_shapes import (
    Field,
    fields_of_html,
    fields_of_text,
    role_by_value,
    role_of,
)
from cplus.mail.reading.mailbox import normal_address

SENDER = "mailer@shopify.com"
_SUBJECT = re.compile(r"New customer message on ", re.IGNORECASE)


class ContactForm(BaseModel):
    """A customer's entries in a shop's contact form."""

    model_config = ConfigDict(frozen=True)

    name: str = ""
    email: str | None = None
    """The address for replies, lower case: Reply-To if valid and not Shopify's, else the field."""
    email_field: str | None = None
    """The address in the form itself, in lower case."""
    phone: str = ""
    country_code: str = ""
    body: str = ""
    """The message; the whole text of the mail if no form was found in it."""
    fields: dict[str, str] = {}
    """The merchant's own fields, by label."""
    structured: bool = True
    """False where the labels could not be read and `body` is the mail's text."""


def is_form_sender(mail: InboundMail) -> bool:
    """Whether the mail claims to come from Shopify's mailer. Anybody can claim that."""
    return mail.from_address == SENDER


def contact_form(mail: InboundMail) -> ContactForm | None:
    """The form in a mail, or None if it is not a mail of Shopify's contact form.

    Read by structure, because labels may be in any language: HTML first, then the text. The caller
    must check that the mail really comes from Shopify (`author_is_proved`).
    """
    if not is_form_sender(mail):
        return None
    answer_to = _not_shopify(mail.reply_to)
    for found in (fields_of_html(mail.html or ""), fields_of_text(mail.text)):
        form = _read(found)
        if form is not None and (form.email_field or answer_to):
            return form.model_copy(update={"email": answer_to or _not_shopify(form.email_field)})
    if answer_to or _SUBJECT.match(mail.subject):
        return ContactForm(name="", email=answer_to, body=mail.text.strip(), structured=False)
    return None


def _not_shopify(address: str | None) -> str | None:
    normal = normal_address(address or "")
    host = (normal or "").rpartition("@")[2]
    return None if host == "shopify.com" or host.endswith(".shopify.com") else normal


def _read(found: list[Field]) -> ContactForm | None:
    """The form made of the fields; None if they do not make one."""
    roles, others = _assign(found)
    email = roles.get("email")
    if "body" not in roles and email:
        _guess_body(roles, others)
    if "body" not in roles:
        # A line of prose can have a colon too.
        return None
    return ContactForm(
        name=roles.get("name", ""),
        email_field=normal_address(email) if email else None,
        phone=roles.get("phone", ""),
        country_code=roles.get("country_code", ""),
        body=roles["body"],
        fields={field.label: field.value for field in others},
    )


def _assign(found: list[Field]) -> tuple[dict[str, str], list[Field]]:
    """The kind of each field (the first of a kind wins), and the remaining fields.

    A second field of a kind after the message is part of the customer's text, so it stays there.
    """
    roles: dict[str, str] = {}
    others: list[Field] = []
    body: list[str] = []
    for field in found:
        role = role_of(field)
        if role is None:
            others.append(field)
        elif role not in roles:
            roles[role] = field.value
        elif "body" in roles:
            body.append(f"{field.label}: {field.value}")
        else:
            others.append(field)
    if body:
        roles["body"] = "\n".join([roles["body"], *body]).strip()
    for field in list(others):
        role = role_by_value(field)
        if (
            role is not None
            and role not in roles
            and role_of(field) is None
            and "body" not in roles
        ):
            roles[role] = field.value
            if role == "email" and "name" not in roles:
                _name_before(found, field, roles, others)
            others.remove(field)
    return roles, others


def _name_before(
    found: list[Field], email: Field, roles: dict[str, str], others: list[Field]
) -> None:
    """Shopify writes the name right before the address."""
    place = found.index(email)
    before = found[place - 1] if place else email
    if before is not email and before in others and "\n" not in before.value:
        roles["name"] = before.value
        others.remove(before)


def _guess_body(roles: dict[str, str], others: list[Field]) -> None:
    """The longest remaining value, the last among equals."""
    if others:
        body = max(reversed(others), key=lambda field: len(field.value))
        roles["body"] = body.value
        others.remove(body)
