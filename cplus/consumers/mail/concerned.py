"""Whom a mail is about that joins no conversation: so that it is sealed under their key, and erased
with them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cplus.consumers.mail.conversation_finder import ConversationFinder
from cplus.consumers.mail.reading import Found
from cplus.mail import InboundMail, Route, answer_address, contact_form, is_own_mail
from cplus.privacy.persons import PersonDirectory


@dataclass(frozen=True, slots=True)
class Concerned:
    """Finds people who are known; makes nobody known."""

    persons: PersonDirectory
    finder: ConversationFinder

    async def by_unread(self, way: Route, mail: InboundMail, now: datetime) -> list[str]:
        """Of a mail that is not read: its author, or of our own that came back, whom it went
        to."""
        domain = self.finder.settings.mail_domain
        if is_own_mail(mail, domain):
            return await self._by_thread(way, mail, now)
        form = contact_form(mail)
        address = form.email if form else answer_address(mail, domain)
        return await self._known(way.shop, [address] if address else [])

    async def by_report(self, way: Route, found: Found, now: datetime) -> str | None:
        """Of a report of the mail system: whom the mail went to that it reports."""
        known = await self._known(way.shop, found.reported)
        return next(iter(known or await self._by_thread(way, found.mail, now)), None)

    async def _by_thread(self, way: Route, mail: InboundMail, now: datetime) -> list[str]:
        conversation = await self.finder.by_thread(way, mail, now)
        return [conversation.answers_to] if conversation else []

    async def _known(self, shop: str, addresses: Iterable[str]) -> list[str]:
        found = [await self.persons.find(shop, one) for one in addresses]
        return list(dict.fromkeys(ids[0] for ids in found if ids))
