"""A mail that is to go out: what the log knows of the wish to send it, and what is recorded of its
fate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from cplus.errors import InvalidInput
from cplus.events import names
from cplus.events.base import ERASED, Event
from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.catalogue.mail import (
    REPLY,
    MailBounced,
    MailComplained,
    MailDelivered,
    MailRejected,
    MailRequested,
    MailSent,
)
from cplus.events.catalogue.privacy import (
    NOTICE_PURPOSES,
    REQUEST,
    NoticeRequested,
)
from cplus.events.catalogue.shops import AppInstalled, ShopChanged
from cplus.events.log.commit import Commit
from cplus.events.log.store import EventStore
from cplus.events.mail_fates import settles
from cplus.events.reader import EventReader
from cplus.shopify import shop_name

_COMMITS: Final = 1_000  # a mail has its wish and SES's events: a handful
_NEWEST: Final = 20  # commits about a shop read at once: nearly always its name is in the last one

_FAILING: Final = {kind.TYPE for kind in (MailBounced, MailComplained, MailRejected)}
_WISHES: Final = (ReplyWritten, MailRequested, NoticeRequested)

Wish: TypeAlias = ReplyWritten | MailRequested


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A mail that somebody wished to send."""

    commit: Commit
    """The commit that holds the wish; what becomes of the mail follows from it."""
    wish: Wish
    settled: bool
    """Whether SES took it, or it was refused for good or taken back: then nobody sends it again."""
    failed: bool = False
    """Whether it bounced for good, was rejected or called spam."""
    delivered_at: datetime | None = None
    """When a mailbox took it last, if one did."""

    @property
    def message_id(self) -> str:
        """Our id of the mail."""
        return self.wish.message_id

    @property
    def purpose(self) -> str:
        """The name of what it is for."""
        return REPLY if isinstance(self.wish, ReplyWritten) else self.wish.purpose

    @property
    def answers(self) -> bool:
        """Whether it answers what a customer wrote: such a reply goes before all else."""
        return isinstance(self.wish, ReplyWritten) and self.wish.in_reply_to is not None

    @property
    def size(self) -> int:
        """Bytes of the files that the merchant sends with it."""
        files = self.wish.files if isinstance(self.wish, ReplyWritten) else None
        return sum(file.size for file in files or ())

    @property
    def conversation_id(self) -> str | None:
        """The id of the conversation that it is about, if it is about one."""
        if isinstance(self.wish, ReplyWritten):
            return names.conversation_id(self.wish.originator_id)
        return self.wish.about.get("conversation")

    @property
    def persons(self) -> list[str]:
        """Those whose data what SES tells of it may hold."""
        if isinstance(self.wish, ReplyWritten):
            return [self.wish.person]
        named = [self.wish.person, *self.wish.concerns]
        return [person for person in named if person is not None]

    def waits(self, now: datetime) -> float:
        """Seconds until its moment; 0 once that has come."""
        moment = self.wish.send_at
        return 0.0 if moment is None else max(0.0, (moment - now).total_seconds())

    @property
    def is_erased(self) -> bool:
        """Whether the person was erased whom it goes to."""
        if isinstance(self.wish, ReplyWritten):
            return False  # the reply itself says so: its address reads as erased
        return self.wish.person is not None and self.wish.to_address is None

    @property
    def is_single(self) -> bool:
        """Whether it goes to one address: then what arrived, arrived there."""
        return len(self.recipients()) <= 1

    def recipients(self) -> list[str]:
        """Whom it goes to, as far as the wish names them; nobody who was erased."""
        wish = self.wish
        copies = [*(wish.cc or ()), *(wish.bcc or ())] if isinstance(wish, ReplyWritten) else []
        return [one for one in (wish.to_address, *copies) if one and one != ERASED]

    def refs(self) -> list[str]:
        """By what each commit about its fate is found."""
        if isinstance(self.wish, ReplyWritten):
            about = [self.wish.originator_id]
        else:
            about = names.about_refs(self.wish.about)
        return [names.mail_stream(self.message_id), *about, names.message_ref(self.message_id)]

    def sent(self, ses_message_id: str, fallback: str | None = None) -> Event:
        """SES took it; from our domain in place of that which failed, if there is one."""
        return MailSent(**self._ids, ses_message_id=ses_message_id, fallback=fallback)

    def delivered(self) -> Event:
        """The mailbox accepted it."""
        return MailDelivered(**self._ids)

    def bounced(self, reason: str, *, permanent: bool) -> Event:
        """The mailbox rejected it."""
        return MailBounced(**self._ids, permanent=permanent, reason=reason)

    def complained(self) -> Event:
        """Its recipient marked it as spam."""
        return MailComplained(**self._ids)

    def rejected(self, reason: str) -> Event:
        """It is not sent."""
        return MailRejected(**self._ids, reason=reason)

    @property
    def _ids(self) -> Mapping[str, Any]:
        return {
            "message_id": self.message_id,
            "conversation_id": self.conversation_id,
            "purpose": self.purpose,
            "about": {} if isinstance(self.wish, ReplyWritten) else dict(self.wish.about),
        }


async def find_outgoing(
    store: EventStore, reader: EventReader, shop: str, message_id: str
) -> Outgoing:
    """The mail with this id; raises InvalidInput when nobody wished to send one, by the shop's
    log."""
    commits = await store.by_ref(shop, names.message_ref(message_id), limit=_COMMITS)
    settled = any(map(settles, commits))
    wishes = await reader.read(commits, [*_WISHES, MailDelivered])
    delivered = [
        one.occurred_at
        for read in wishes
        for one in read
        if isinstance(one.event, MailDelivered) and one.event.message_id == message_id
    ]
    for commit, wished in reversed(list(zip(commits, wishes, strict=True))):
        for recorded in wished:
            if isinstance(recorded.event, MailDelivered):
                continue
            wish = _wish(recorded.event)
            if wish.message_id == message_id:
                failed = any(not _FAILING.isdisjoint(one.types) for one in commits)
                return Outgoing(commit, wish, settled, failed, max(delivered, default=None))
    raise InvalidInput(reason="the log of this shop has no such mail to send")


def _wish(event: Event) -> Wish:
    """The wish; one for a notice from before as every other mail is requested."""
    if isinstance(event, NoticeRequested):
        return MailRequested(
            message_id=event.message_id,
            purpose=NOTICE_PURPOSES[event.kind],
            about={REQUEST: str(event.request_id)},
        )
    assert isinstance(event, ReplyWritten | MailRequested)  # noqa: S101  all that was read
    return event


async def name_of(store: EventStore, reader: EventReader, shop: str) -> str:
    """What the shop calls itself, as its log last said; its host's name where the log is silent."""
    return await _last_told(store, reader, shop, "shop_name") or shop_name(shop)


async def timezone_of(store: EventStore, reader: EventReader, shop: str) -> str | None:
    """The IANA name of the shop's time zone, as its log last said."""
    return await _last_told(store, reader, shop, "timezone")


async def _last_told(store: EventStore, reader: EventReader, shop: str, field: str) -> str | None:
    ref = names.shop_stream(shop)
    async for commit in store.iterate_ref(shop, ref, newest_first=True, batch=_NEWEST):
        for recorded in reversed(await reader.of(commit, AppInstalled, ShopChanged)):
            if told := getattr(recorded.event, field):
                return str(told)
    return None
