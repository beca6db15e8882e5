"""Whether a mail came before: senders and mail systems send copies, each under an id of its own."""

from __future__ import annotations

from dataclasses import dataclass

from cplus.consumers.mail.message_ids import received_sequence
from cplus.consumers.mail.reading import Found
from cplus.events.base import Event
from cplus.events.catalogue.conversations import MessageReceived
from cplus.events.catalogue.mail import MailSetAside
from cplus.events.log.commit import Commit
from cplus.events.log.store import EventStore
from cplus.events.names import taken_up_claim
from cplus.events.reader import EventReader
from cplus.settings import Settings

Place = tuple[str, int]
"""A sequence, and the number in it that a commit claims."""


@dataclass(frozen=True, slots=True)
class Copies:
    """Finds earlier copies of a mail in the log."""

    settings: Settings
    store: EventStore
    reader: EventReader

    async def of(
        self, shop: str, found: Found, *, aside: bool
    ) -> tuple[list[Place], list[str] | None]:
        """The place that the copy claims, so that the next one finds it; and, if it is a repeat,
        which says nothing new, whose mail it repeats.

        A copy that goes into a conversation (not `aside`) is no repeat of one that was set aside:
        SES may take one copy for spam and the next one not, and only one may name its thread.
        """
        once = self._sequence(found)
        if once is None:
            return [], None
        number, before = await self.store.latest(shop, once)
        if before is None:
            return [(once, 1)], None
        if aside or not await self._waits(shop, before):
            return [], await self._persons(before)
        return [(once, number + 1)], None

    async def _persons(self, before: Commit) -> list[str]:
        kinds: list[type[Event]] = [MessageReceived, MailSetAside]
        [events] = await self.reader.read([before], kinds, opened=False)
        return [person for one in events for person in one.event.persons()]

    async def _waits(self, shop: str, before: Commit) -> bool:
        """Whether that copy was set aside, and no conversation was made of it since."""
        events = [recorded.event for recorded in await self.reader.of(before, MailSetAside)]
        ids = [event.message_id for event in events if isinstance(event, MailSetAside)]
        taken_up = await self.store.by_claims(shop, [taken_up_claim(id_) for id_ in ids])
        return bool(ids) and not taken_up

    def _sequence(self, found: Found) -> str | None:
        """The sequence of the mail's copies. A mail that is not the same to the last letter, or
        less well proved, is another one; and so is one without an id."""
        if not found.mail.message_id:
            return None
        author, proved = (found.address, found.name, found.sent_from), found.proved
        said = (*author, proved, found.mail.subject, found.body)
        return received_sequence(self.settings, found.mail.message_id, *said)
