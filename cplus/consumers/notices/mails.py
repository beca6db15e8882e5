"""The mail to a merchant about a customer's request for their data. Who asked is not in it: that is
on the page to which it leads, behind the sign-in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from cplus.clock import Clock, zone
from cplus.consumers.notices.requests import find_request, objection, refusing_addresses
from cplus.consumers.sending.outgoing import Later, Mail, Never, name_of, timezone_of
from cplus.errors import ShopifyRefused, ShopifyUnavailable, Throttled
from cplus.events.catalogue.privacy import NoticeKind, NoticeRequested
from cplus.events.recording import Recorder
from cplus.mail import compose_notice, is_own_address, no_reply_address, normal_address
from cplus.settings import Settings
from cplus.shopify.hosts import admin_page

log = structlog.get_logger()

APP: Final = "Conversations Plus"
UNTOLD: Final = "Shopify gave no address of the store owner that mail can go to"
REFUSED: Final = "at each address of the merchant such a mail bounced or was marked as spam"
_SUBJECTS: Final[dict[NoticeKind, str]] = {
    "first": "A customer asked for their data: answer by {due}",
    "reminder": "Reminder: a customer is waiting for their data until {due}",
    "last": "Last reminder: a customer’s request for their data is due on {due}",
}


@dataclass(frozen=True, slots=True)
class NoticeMails:
    """What making these mails needs."""

    settings: Settings
    recorder: Recorder
    addresses: Callable[[str], Awaitable[Sequence[str]]]
    """The merchant's addresses, the owner's first. Raises ShopifyUnavailable, ShopifyRefused and
    Throttled if Shopify has to be asked."""
    clock: Clock

    async def ready(self, shop: str, wish: NoticeRequested) -> Mail | Never | Later:
        """The mail as it goes now, if it still helps and there is somewhere to send it."""
        request = await find_request(self.recorder, shop, wish.request_id)
        if request is None:
            return Never("there is no such request")
        reason = await objection(self.recorder, shop, request, self.clock())
        if reason:
            return Never(reason)
        try:
            told = await self.addresses(shop)
        except ShopifyRefused as refusal:
            log.warning("notice_address_refused", shop=shop, code=str(refusal.values["code"]))
            told = []
        except (ShopifyUnavailable, Throttled) as error:
            return Later(type(error).__name__)
        usable = list(filter(None, map(self._usable, told)))
        if not usable:
            return Never(UNTOLD)
        refusing = await refusing_addresses(self.recorder, shop, wish.request_id)
        address = next((one for one in usable if one not in refusing), None)
        return await self._composed(shop, wish, address) if address else Never(REFUSED)

    def _usable(self, address: str) -> str | None:
        """None for what is no address, and for one of ours: many merchants tell customers to write
        to the app, which is not where they look for this."""
        normal = normal_address(address)
        own = normal is not None and is_own_address(normal, self.settings.mail_domain)
        return None if own else normal

    async def _composed(self, shop: str, wish: NoticeRequested, address: str) -> Mail:
        store, reader = self.recorder.store, self.recorder.reader
        name = await name_of(store, reader, shop)
        due = _date(wish.due_at, await timezone_of(store, reader, shop))
        domain = self.settings.mail_domain
        sender = no_reply_address(domain)
        raw = compose_notice(
            sender_name=APP,
            from_address=sender,
            to=address,
            subject=_SUBJECTS[wish.kind].format(due=due),
            text=(
                f"A customer asked {name} through Shopify for the data that you keep about "
                f"them. You have until {due} to send it to them.\n\n"
                f"Request no. {wish.request_id}\nDue {due}\n\n"
                "Download the export in Conversations Plus, and pass it on to the customer:"
            ),
            link=self._page(shop, f"/privacy/requests/{wish.request_id}"),
            label="Open the request",
            closing=(
                "To protect your customer, this mail does not say who asked; the page does, once "
                "you are signed in.\n\n"
                f"This mail was sent automatically to the address of the store owner of {shop} in "
                "Shopify. Nobody reads replies to it."
            ),
            own_message_id=f"{wish.message_id}@{domain}",
        )
        return Mail(sender, address, raw)

    def _page(self, shop: str, path: str) -> str:
        """The address of a page of the app: inside the shop's Admin, if the app stands there."""
        use = self.settings
        if use.shopify_admin_origin:
            client_id = use.needed("shopify_client_id")
            return admin_page(use.shopify_admin_origin, shop, client_id, path)
        return f"{use.needed('app_url')}{path}?shop={shop}"


def _date(moment: datetime, timezone: str | None) -> str:
    """The day on which it is due where the shop is, for example `30 December 2026`."""
    local = moment.astimezone(zone(timezone))
    return f"{local.day} {local:%B %Y}"
