"""What the log knows of an answer: the wish to send it, and whether its fate is settled."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass

from cplus.errors import InvalidInput
from cplus.events import names
from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.catalogue.mail import MailRejected, MailSent
from cplus.events.catalogue.shops import AppInstalled, ShopChanged
from cplus.events.log.commit import Commit
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.keys import derived_key
from cplus.mail import message_id_key
from cplus.settings import Settings
from cplus.shopify import shop_name

_COMMITS = 1_000  # a mail has its reply and SES's events: a handful
_NEWEST = 20  # commits about a shop read at once: nearly always its name is in the last one
_SETTLING = {MailSent.TYPE, MailRejected.TYPE}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that a merchant wrote."""

    commit: Commit
    """The commit that holds it; what becomes of the mail follows from it."""
    stream: str
    """The conversation's."""
    wish: ReplyWritten
    settled: bool
    """Whether SES took it, or refused it for good: then nobody sends it again."""

    @property
    def conversation_id(self) -> str:
        """The conversation's id."""
        return names.conversation_id(self.stream)


async def find_reply(store: EventStore, reader: EventReader, shop: str, message_id: str) -> Reply:
    """The answer behind a message id; raises InvalidInput when the shop's log has none."""
    commits = await store.by_ref(shop, names.message_ref(message_id), limit=_COMMITS)
    settled = any(not _SETTLING.isdisjoint(commit.types) for commit in commits)
    wish: tuple[Commit, str, ReplyWritten] | None = None
    for commit, written in zip(commits, await reader.read(commits, [ReplyWritten]), strict=True):
        for recorded in written:
            event = recorded.event
            if isinstance(event, ReplyWritten) and event.message_id == message_id:
                wish = (commit, recorded.stream, event)
    if wish is None:
        raise InvalidInput(reason="the log of this shop has no such reply")
    return Reply(*wish, settled)


async def name_of(store: EventStore, reader: EventReader, shop: str) -> str:
    """What the shop calls itself, as its log last said; its host's name where the log is silent."""
    ref = names.shop_stream(shop)
    async for commit in store.iterate_ref(shop, ref, newest_first=True, batch=_NEWEST):
        for recorded in reversed(await reader.of(commit, AppInstalled, ShopChanged)):
            event = recorded.event
            if isinstance(event, AppInstalled | ShopChanged) and event.shop_name:
                return event.shop_name
    return shop_name(shop)


def rfc_ref(settings: Settings, message_id: str) -> str:
    """The ref by which the log finds a Message-ID, which itself never enters the log's refs."""
    return names.rfc_ref(message_id_key(message_id, settings.secret("application_secret")))


def received_sequence(settings: Settings, message_id: str, *said: str | bool | None) -> str:
    """The sequence that holds one mail, by its Message-ID and what it says: another mail with the
    same Message-ID, which anybody can write, is another one.

    Keyed: who reads the log can't find out by guessing what a mail said, or who wrote it.
    """
    secret = settings.secret("application_secret")
    # As JSON: a line break in one field must not pass for the border to the next.
    words = json.dumps([message_id_key(message_id, secret), *said]).encode()
    keyed = hmac.new(derived_key(secret, "received-mails"), words, hashlib.sha256)
    return names.received_sequence(keyed.hexdigest()[:32])


def rfc_refs(settings: Settings, ses_message_id: str) -> list[str]:
    """The refs by which the log finds answers to a mail that SES took.

    SES replaces the Message-ID header by its own id, in a domain named for the region, and in
    the oldest region also seen in a domain of its own.
    """
    domains = [f"{settings.region}.amazonses.com", "email.amazonses.com"]
    return [rfc_ref(settings, f"{ses_message_id}@{domain}") for domain in domains]
