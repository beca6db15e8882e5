"""Tells a merchant that mail of their shop leaves from our domain again, because theirs failed."""

from __future__ import annotations

from typing import Final

from cplus.commands.mail_settings import settings_of
from cplus.consumers.sending.domains.checking import FAILED
from cplus.consumers.sending.outgoing import name_of
from cplus.consumers.sending.pages import page_link
from cplus.consumers.sending.purpose import Later, Mail, MailParts, Never, Purpose
from cplus.consumers.sending.purposes.data_requests import APP, UNTOLD, usable_address
from cplus.errors import ShopifyRefused, ShopifyUnavailable, Throttled
from cplus.events.catalogue.mail import MailRequested
from cplus.mail import compose_notice, no_reply_address
from cplus.mail.writing.sender_domains import shown_domain

_PAGE: Final = "/settings/mail#sender-domain"
_WHY: Final = {
    "another": "Another shop proved that the domain is its own.",
    "nobody": "The record that proves whose the domain is was not found.",
}
_KEYS: Final = (
    "Amazon SES, which delivers your email, does not find the domain\u2019s DKIM records any more."
)


async def _ready(shop: str, wish: MailRequested, use: MailParts) -> Mail | Never | Later:
    settings = await settings_of(use.recorder, shop)
    domain = settings.domain
    if domain is None or domain.name != wish.about["domain"] or domain.failed_at is None:
        return Never("the domain works again or was removed")
    try:
        told = await use.addresses(shop)
    except ShopifyRefused:
        told = []
    except (ShopifyUnavailable, Throttled) as error:
        return Later(type(error).__name__)
    ours = use.settings.mail_domain
    address = next((one for found in told if (one := usable_address(found, ours))), None)
    if address is None:
        return Never(UNTOLD)
    shown, sender = shown_domain(domain.name), no_reply_address(ours)
    holder = domain.found.holder if domain.found else "nobody"
    raw = compose_notice(
        sender_name=APP,
        from_address=sender,
        to=address,
        subject=f"Email from {shown} is not possible any more",
        text=(
            f"Email of {await name_of(use.recorder.store, use.recorder.reader, shop)} to customers "
            f"leaves from our domain again, not from {shown}. Nothing is lost, and answers still "
            f"come to you.\n\n{_WHY.get(holder, _KEYS)}\n\n"
            "The settings say which DNS record is missing. Once it is back, your email leaves from "
            "your domain again by itself:"
        ),
        link=page_link(shop, _PAGE, use.settings),
        label="Open the email settings",
        closing=(
            f"This mail was sent automatically to the address of the store owner of {shop} in "
            "Shopify. Nobody reads replies to it."
        ),
        own_message_id=f"{wish.message_id}@{ours}",
    )
    return Mail(sender, [address], raw)


PURPOSES = (Purpose(FAILED, _ready),)
