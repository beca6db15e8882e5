"""The mail to a merchant about a customer's request for their data. Who asked is not in it: that is
on the page to which it leads, behind the sign-in."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import structlog

from cplus.clock import zone
from cplus.consumers.notices.requests import find_request, objection, refusing_addresses
from cplus.consumers.sending.outgoing import name_of, timezone_of
from cplus.consumers.sending.pages import page_link
from cplus.consumers.sending.purpose import Later, Mail, MailParts, Never, Purpose
from cplus.errors import ShopifyRefused, ShopifyUnavailable, Throttled
from cplus.events.catalogue.mail import MailRequested
from cplus.events.catalogue.privacy import NOTICE_PURPOSES, REQUEST
from cplus.mail import compose_notice, is_own_address, no_reply_address, normal_address

log = structlog.get_logger()

APP: Final = "Conversations Plus"
UNTOLD: Final = "Shopify gave no address of the store owner that mail can go to"
REFUSED: Final = "at each address of the merchant such a mail bounced or was marked as spam"
_SUBJECTS: Final = {
    NOTICE_PURPOSES["first"]: "A customer asked for their data: answer by {due}",
    NOTICE_PURPOSES["reminder"]: "Reminder: a customer is waiting for their data until {due}",
    NOTICE_PURPOSES["last"]: "Last reminder: a customer’s request for their data is due on {due}",
}


async def _ready(shop: str, wish: MailRequested, use: MailParts) -> Mail | Never | Later:
    """The mail as it goes now, if it still helps and there is somewhere to send it."""
    number = int(wish.about[REQUEST])
    request = await find_request(use.recorder, shop, number)
    if request is None:
        return Never("there is no such request")
    reason = await objection(use.recorder, shop, request, use.clock())
    if reason:
        return Never(reason)
    try:
        told = await use.addresses(shop)
    except ShopifyRefused as refusal:
        log.warning("notice_address_refused", shop=shop, code=str(refusal.values["code"]))
        told = []
    except (ShopifyUnavailable, Throttled) as error:
        return Later(type(error).__name__)
    usable = [one for found in told if (one := usable_address(found, use.settings.mail_domain))]
    if not usable:
        return Never(UNTOLD)
    refusing = await refusing_addresses(use.recorder, shop, number)
    address = next((one for one in usable if one not in refusing), None)
    if address is None:
        return Never(REFUSED)
    return await _composed(shop, wish, address, request.due_at, use)


def usable_address(address: str, domain: str) -> str | None:
    """None for what is no address, and for one of ours: many merchants tell customers to write to
    the app, which is not where they look for this."""
    normal = normal_address(address)
    return None if normal is None or is_own_address(normal, domain) else normal


async def _composed(
    shop: str, wish: MailRequested, address: str, due_at: datetime, use: MailParts
) -> Mail:
    store, reader = use.recorder.store, use.recorder.reader
    name, number = await name_of(store, reader, shop), wish.about[REQUEST]
    due = _date(due_at, await timezone_of(store, reader, shop))
    domain = use.settings.mail_domain
    sender = no_reply_address(domain)
    raw = compose_notice(
        sender_name=APP,
        from_address=sender,
        to=address,
        subject=_SUBJECTS[wish.purpose].format(due=due),
        text=(
            f"A customer asked {name} through Shopify for the data that you keep about "
            f"them. You have until {due} to send it to them.\n\n"
            f"Request no. {number}\nDue {due}\n\n"
            "Download the export in Conversations Plus, and pass it on to the customer:"
        ),
        link=page_link(shop, f"/privacy/requests/{number}", use.settings),
        label="Open the request",
        closing=(
            "To protect your customer, this mail does not say who asked; the page does, once "
            "you are signed in.\n\n"
            f"This mail was sent automatically to the address of the store owner of {shop} in "
            "Shopify. Nobody reads replies to it."
        ),
        own_message_id=f"{wish.message_id}@{domain}",
    )
    return Mail(sender, [address], raw)


def _date(moment: datetime, timezone: str | None) -> str:
    """The day on which it is due where the shop is, for example `30 December 2026`."""
    local = moment.astimezone(zone(timezone))
    return f"{local.day} {local:%B %Y}"


PURPOSES = tuple(Purpose(name, _ready) for name in NOTICE_PURPOSES.values())
