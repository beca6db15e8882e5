"""A mail that is to go out, an answer or a notice: what the log knows of the wish to send it, and
what is recorded of its fate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from cplus.errors import InvalidInput
from cplus.events import names
from cplus.events.base import Event
from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.catalogue.mail import (
    MailBounced,
    MailComplained,
    MailDelivered,
    MailRejected,
    MailSent,
)
from cplus.events.catalogue.privacy import (
    NoticeBounced,
    NoticeComplained,
    NoticeDelivered,
    NoticeRejected,
    NoticeRequested,
    NoticeSent,
)
from cplus.events.catalogue.shops import AppInstalled, ShopChanged
from cplus.events.log.commit import Commit
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.shopify import shop_name

_COMMITS: Final = 1_000  # a mail has its wish and SES's events: a handful
_NEWEST: Final = 20  # commits about a shop read at once: nearly always its name is in the last one


class Fates(NamedTuple):
    """The events that say what became of a mail."""

    sent: type[MailSent | NoticeSent]
    delivered: type[MailDelivered | NoticeDelivered]
    bounced: type[MailBounced | NoticeBounced]
    complained: type[MailComplained | NoticeComplained]
    rejected: type[MailRejected | NoticeRejected]

    @property
    def settling(self) -> set[str]:
        """The types of those after which nobody sends it again."""
        return {self.sent.TYPE, self.rejected.TYPE}


_OF_REPLIES: Final = Fates(MailSent, MailDelivered, MailBounced, MailComplained, MailRejected)
_OF_NOTICES: Final = Fates(
    NoticeSent, NoticeDelivered, NoticeBounced, NoticeComplained, NoticeRejected
)
_SETTLING: Final = _OF_REPLIES.settling | _OF_NOTICES.settling


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A mail that somebody wished to send."""

    commit: Commit
    """The commit that holds the wish; what becomes of the mail follows from it."""
    stream: str
    """That of the wish: the conversation's, or the request's for data."""
    wish: ReplyWritten | NoticeRequested
    settled: bool
    """Whether SES took it, or it was refused for good: then nobody sends it again."""

    @property
    def message_id(self) -> str:
        """Our id of the mail."""
        return self.wish.message_id

    @property
    def conversation_id(self) -> str | None:
        """The id of the conversation in which it is an answer; None of a notice: an
        answer to that belongs to no conversation."""
        return names.conversation_id(self.stream) if isinstance(self.wish, ReplyWritten) else None

    @property
    def about(self) -> list[str]:
        """The person whose address is told with its fate; nobody of a notice."""
        return [self.wish.person] if isinstance(self.wish, ReplyWritten) else []

    def sent(self, ses_message_id: str) -> Event:
        """SES took it."""
        return self._fates.sent(**self._ids, ses_message_id=ses_message_id)

    def delivered(self) -> Event:
        """The mailbox accepted it."""
        return self._fates.delivered(**self._ids)

    def bounced(self, reason: str, *, permanent: bool) -> Event:
        """The mailbox rejected it."""
        return self._fates.bounced(**self._ids, permanent=permanent, reason=reason)

    def complained(self) -> Event:
        """Its recipient marked it as spam."""
        return self._fates.complained(**self._ids)

    def rejected(self, reason: str) -> Event:
        """It is not sent."""
        return self._fates.rejected(**self._ids, reason=reason)

    @property
    def _fates(self) -> Fates:
        return _OF_REPLIES if isinstance(self.wish, ReplyWritten) else _OF_NOTICES

    @property
    def _ids(self) -> Mapping[str, Any]:
        if isinstance(self.wish, NoticeRequested):
            return self.wish.model_dump(include={"message_id", "request_id", "kind"})
        return {"message_id": self.message_id, "conversation_id": self.conversation_id}


class Mail(NamedTuple):
    """A mail that is ready to be sent."""

    sender: str
    recipient: str
    raw: bytes


class Never(NamedTuple):
    """It is not to be sent, now or later."""

    reason: str


class Later(NamedTuple):
    """It can't be sent now."""

    code: str
    """Why, for the log."""


async def find_outgoing(
    store: EventStore, reader: EventReader, shop: str, message_id: str
) -> Outgoing:
    """The mail with this id; raises InvalidInput when nobody wished to send one, by the shop's
    log."""
    commits = await store.by_ref(shop, names.message_ref(message_id), limit=_COMMITS)
    settled = any(not _SETTLING.isdisjoint(commit.types) for commit in commits)
    wishes = await reader.read(commits, [ReplyWritten, NoticeRequested])
    for commit, wished in reversed(list(zip(commits, wishes, strict=True))):
        for recorded in wished:
            event = recorded.event
            assert isinstance(event, ReplyWritten | NoticeRequested)  # noqa: S101  all that was read
            if event.message_id == message_id:
                return Outgoing(commit, recorded.stream, event, settled)
    raise InvalidInput(reason="the log of this shop has no such mail to send")


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
