"""Tells the browsers of a shop's staff of a new message, and those of members whom a note mentions
of the note: each once, as far as that can be known.

What became of each browser is noted at the lease of the message. A worker that crashes between a
push and its note leaves one push that may go a second time; the browser shows it in place of the
first, without a sound.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import structlog

from cplus.aws import LONGEST_DELAY
from cplus.clock import Clock
from cplus.commands.conversations.moving import place_of
from cplus.commands.team import may, team_of
from cplus.consumers.erased_shops import is_removed
from cplus.consumers.mailboxes.waiting import waiting_messages
from cplus.consumers.pushing.news import PUSH, PushNews, is_old
from cplus.consumers.sending.outgoing import name_of
from cplus.consumers.sending.pages import page_link
from cplus.deadline import Deadline
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.base import kept
from cplus.events.catalogue.conversations import NoteWritten
from cplus.events.catalogue.handling import MembersMentioned
from cplus.events.names import conversation_stream
from cplus.events.recording import Recorder
from cplus.events.standing import find_message
from cplus.leases import Lease, Leases
from cplus.mail.text import cut, one_line
from cplus.settings import Settings
from cplus.shopify import shop_host
from cplus.webpush import Gone, PushClient, Refused, Subscription, TryLater
from cplus.workspace.push_subscriptions import PushRow, PushSubscriptions

log = structlog.get_logger()

KEPT: Final = 6 * 3600
"""Seconds that a push service keeps it for a browser that is off."""
_TRIES: Final = 5
_FIRST_DELAY: Final = 30  # seconds
_AT_ONCE: Final = 6
_NAME: Final = 60  # characters
_WORDS: Final = 240  # bytes of the message; a lock screen shows less


class News(NamedTuple):
    """Of what browsers are told."""

    message_id: str
    at: datetime
    text: str
    who: str = ""
    """Who wrote it: a customer."""
    members: frozenset[str] | None = None
    """Who is told, by the ids of the members; None for everybody."""

    @property
    def shown(self) -> str:
        """What the page is asked for besides: to show the note whole."""
        return "" if self.members is None else f"?message={self.message_id}"

    @property
    def place(self) -> str:
        """Where on the page the note stands; a customer's message stands at its end."""
        return "" if self.members is None else f"#m-{self.message_id}"


@dataclass(frozen=True, slots=True)
class Pushing:
    """What telling browsers needs."""

    settings: Settings
    recorder: Recorder
    rows: PushSubscriptions
    leases: Leases
    client: PushClient
    news: PushNews
    clock: Clock
    key: str
    """The app's public key, for which browsers subscribe."""

    async def handle(self, message: Mapping[str, Any], limit: Deadline) -> None:
        """Tells the browsers of {"shop", "conversation", "push"}; those whose push service cannot
        take it now are tried again later. `limit` is when Lambda ends the function.

        Raises InvalidInput for a message that names no shop, and whatever the database raises.
        """
        shop = shop_host(str(message.get("shop")))
        talk, message_id = str(message.get("conversation")), str(message[PUSH])
        lease = await self.leases.take(f"push/{shop}/{message_id}", limit.remaining() + 1.0)
        if lease is None:
            return  # another worker is at it: it queues what it leaves, and its message comes back
        try:
            again = await self._tell(lease, shop, talk, message_id)
        finally:
            await self.leases.release(lease)
        if again is not None:
            await self.news.queue(shop, talk, message_id, delay=again)

    async def _tell(self, lease: Lease, shop: str, talk: str, message_id: str) -> int | None:
        """Tells whom it was not told; after how many seconds to try those again that are left."""
        talk, news = await self._news(shop, talk, message_id)
        if news is None:
            return None
        rows = [
            one
            for one in await self.rows.all_of(shop, self.key)
            if one[0].id not in lease.notes
            if news.members is None or one[0].member in news.members
        ]
        if not rows:
            return None
        if "counted" not in lease.notes:
            if not await self.rows.take(shop):
                log.warning("pushes_held", shop=shop)
                return None
            await self.leases.note(lease, counted=True)
        name = await name_of(self.recorder.store, self.recorder.reader, shop)
        link = page_link(shop, f"/conversations/{talk}{news.shown}", self.settings) + news.place
        places = asyncio.Semaphore(_AT_ONCE)

        async def one(row: PushRow, to: Subscription) -> TryLater | None:
            text = _text(news, talk, name, link, row)
            async with places:
                return await self._push(lease, shop, row, to, text, _topic(shop, talk))

        # All of them, also if a note fails: who takes the lease next finds none at work.
        told = await asyncio.gather(*(one(*row) for row in rows), return_exceptions=True)
        for failed in told:
            if isinstance(failed, BaseException):
                raise failed
        left = [found for found in told if isinstance(found, TryLater)]
        tries = int(lease.notes.get("tries", 0)) + 1
        if not left or tries >= _TRIES:
            return None
        await self.leases.note(lease, tries=tries)
        wait = max(_FIRST_DELAY * 2 ** (tries - 1), *(found.seconds for found in left))
        return min(LONGEST_DELAY, int(wait))

    async def _push(
        self, lease: Lease, shop: str, row: PushRow, to: Subscription, text: bytes, topic: str
    ) -> TryLater | None:
        answer = await self.client.push(text, to, topic=topic, lasts=KEPT)
        match answer:
            case TryLater():
                log.info("push_waits", shop=shop, code=answer.code)
                return answer
            case Gone():
                await self.rows.forget(row.id)
            case Refused():
                log.warning("push_refused", shop=shop, code=answer.code)
        await self.leases.note(lease, **{row.id: True})
        return None

    async def _news(self, shop: str, talk: str, message_id: str) -> tuple[str, News | None]:
        """The conversation in which the message stands by now, and the message, if it is fresh and
        still waits for a reply, or mentions members."""
        stream = conversation_stream(talk)
        named: Conversation = await self.recorder.load(Conversation, shop, stream)
        conversation = await place_of(self.recorder, shop, named, message_id)
        talk = conversation.conversation_id
        if conversation.erased or await is_removed(shop, self.recorder):
            return talk, None
        news = await self._mention(shop, message_id) or await self._waiting(
            shop, conversation, message_id
        )
        return talk, None if news is None or is_old(news.at, self.clock()) else news

    async def _mention(self, shop: str, message_id: str) -> News | None:
        """The note with this id, for those whom it mentions and who are of the team."""
        store, reader = self.recorder.store, self.recorder.reader
        found = await find_message(store, reader, shop, message_id, [NoteWritten])
        if found is None:
            return None
        note = found.recorded.event
        mentions = await reader.of(found.commit, MembersMentioned)
        if not isinstance(note, NoteWritten) or kept(note.text) is None or not mentions:
            return None
        team = await team_of(self.recorder, shop)
        named = (one for told in mentions for one in getattr(told.event, "members", ()))
        members = frozenset(one for one in named if may(team.role_of(one), "look"))
        return News(message_id, found.recorded.occurred_at, note.text, members=members)

    async def _waiting(self, shop: str, conversation: Conversation, message_id: str) -> News | None:
        if conversation.spam or not conversation.open:
            return None
        for one in await waiting_messages(self.recorder, shop, conversation.id):
            mail = one.message
            if mail.message_id == message_id and kept(mail.text) is not None:
                return News(
                    message_id, one.at, mail.text, mail.from_name or mail.from_address or ""
                )
        return None


def _text(news: News, talk: str, name: str, link: str, row: PushRow) -> bytes:
    """What the browser is told, for `push_worker.js`: who wrote and the first words only if the
    member of staff wants that, as a lock screen shows them to everybody."""
    title, body = name, row.says if news.members is None else row.says_mentioned
    if row.words:
        title = news.who or title
        said, was_cut = cut(one_line(news.text), _WORDS)
        body = f"{said}…" if was_cut else said or "(no text)"
    told = {
        "title": one_line(title)[:_NAME],
        "body": body,
        "link": link,
        "conversation": talk,
        "message": news.message_id,
        "at": int(news.at.timestamp() * 1000),
    }
    return json.dumps(told, ensure_ascii=False).encode("utf-8", "replace")


def _topic(shop: str, talk: str) -> str:
    """Of two pushes about a conversation that wait for a browser, it gets the newer one alone. The
    push service learns no id from it."""
    return hashlib.sha256(f"push\n{shop}\n{talk}".encode()).hexdigest()[:32]
