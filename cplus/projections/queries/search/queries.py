"""The question of search: which messages have these words."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from cplus.mongo import OperationFailure
from cplus.projections.base import Row as StoredRow
from cplus.projections.models.conversations import CONVERSATIONS
from cplus.projections.models.message_words import MESSAGE_WORDS, first_order, moment_of
from cplus.projections.models.messages import MESSAGES
from cplus.projections.queries.filters import Filter
from cplus.projections.queries.paging import cursor_at_number, number_of
from cplus.projections.queries.read_models import ReadModels
from cplus.projections.queries.row_views import conversation_view, message_view
from cplus.projections.queries.search.marks import say_all
from cplus.projections.queries.search.scan import Row, Window, below, plan, step
from cplus.projections.queries.views import Conversation, Hit, Hits, Message
from cplus.projections.rows import key_of, row_ids
from cplus.projections.words import Phrase

FOUND: Final = 25
"""Conversations of an answer at most."""
PATIENCE: Final = 0.15
"""Seconds after which an answer goes no further back."""
_STEP: Final = 50  # messages that are looked at together
_LOOK: Final = 60  # milliseconds that it may take to name them
_TIME_OVER: Final = 50  # MongoDB's code for that
_NEARLY_ALL: Final = ("all", "open", "closed")
_ANY: Final = Filter()
_NAMED: Final = 1_000  # conversations in which is searched one by one


@dataclass
class _Found:
    """What was found by now: conversations in the order of their newest message that matches."""

    hits: dict[str, Hit] = field(default_factory=dict)

    def add(self, conversation: Conversation, message: Message) -> None:
        known = self.hits.get(conversation.id)
        if known is None:
            self.hits[conversation.id] = Hit(conversation, message, 0)
        else:
            self.hits[conversation.id] = Hit(conversation, known.message, known.more + 1)


class SearchQueries(ReadModels):
    """Questions about the words of messages."""

    async def search(
        self,
        shop: str,
        phrases: Sequence[Phrase],
        wanted: Filter | None = None,
        cursor: str | None = None,
        limit: int = FOUND,
        seconds: float = PATIENCE,
    ) -> Hits:
        """The conversations with messages that have all the phrases, the newest such message first.
        After `seconds` an answer goes no further back: it may hold fewer than `limit`, or none, and
        says up to when messages were searched."""
        wanted = wanted or Filter()
        until = time.monotonic() + seconds
        window = _window(wanted, number_of(cursor))
        rows = await self._rows(MESSAGE_WORDS)
        talks = replace(wanted, since=None, until=None, has_files=False).wanted()
        among = await self._few_conversations(shop, wanted, talks)
        if among is not None and not among:
            return Hits([], None, None)
        way = await plan(rows, shop, phrases, window, among or ())
        if way is None:
            return Hits([], None, None)
        found = _Found()
        while True:
            taken = await step(self._mongo, rows, way, window, wanted.has_files, _STEP)
            last = await self._take(shop, taken.rows, phrases, talks, found, (limit, until))
            over = time.monotonic() > until
            if last is not None:  # not all of them were looked at
                full = len(found.hits) > limit
                hits = list(found.hits.values())[:limit]
                return Hits(hits, cursor_at_number(last), None if full else moment_of(last))
            if taken.below is None:
                return Hits(list(found.hits.values()), None, None)
            if over:
                hits, at = list(found.hits.values()), taken.below
                return Hits(hits, cursor_at_number(at), moment_of(at))
            window = below(window, taken.below)

    async def _few_conversations(
        self, shop: str, wanted: Filter, talks: Mapping[str, Any]
    ) -> Sequence[str] | None:
        """The conversations that are searched if they are few; None if they are not, or if nearly
        all of a shop's are."""
        if wanted == replace(_ANY, state=wanted.state) and wanted.state in _NEARLY_ALL:
            return None
        rows = await self._rows(CONVERSATIONS)
        cursor = rows.find({"shop": shop, **talks}, {"shop": 1}, max_time_ms=_LOOK)
        try:
            found = await cursor.limit(_NAMED + 1).to_list(_NAMED + 1)
        except OperationFailure as error:
            if error.code != _TIME_OVER:
                raise
            return None  # no index has what is wanted, and it is rare
        return None if len(found) > _NAMED else [key_of(row) for row in found]

    async def _take(
        self,
        shop: str,
        some: Sequence[Row],
        phrases: Sequence[Phrase],
        talks: Mapping[str, Any],
        found: _Found,
        bounds: tuple[int, float],
    ) -> int | None:
        """Adds those that are to be shown. The order before which it goes on, if there are more
        conversations than may be, or the time is over; None if all were looked at."""
        limit, until = bounds
        conversations = await self._conversations(shop, some, talks)
        messages = await self._messages_by_id(
            shop, [one.key for one in some if one.conversation_id in conversations]
        )
        before: int | None = None
        for number, one in enumerate(some):
            if number and time.monotonic() > until and before is not None:
                return before
            conversation = conversations.get(one.conversation_id)
            message = messages.get(one.key)
            if conversation and message and _has_all(message, phrases):
                if conversation.id not in found.hits and len(found.hits) == limit:
                    found.add(conversation, message)
                    return before if before is not None else one.order + 1
                found.add(conversation, message)
            before = one.order
        return None

    async def _conversations(
        self, shop: str, some: Sequence[Row], talks: Mapping[str, Any]
    ) -> Mapping[str, Conversation]:
        rows = await self._rows(CONVERSATIONS)
        ids = row_ids(shop, {one.conversation_id for one in some})
        found = await rows.find({"_id": {"$in": ids}, **talks}).to_list(None)
        return {one.id: one for one in map(conversation_view, found)}

    async def _messages_by_id(self, shop: str, keys: Sequence[str]) -> Mapping[str, Message]:
        rows = await self._rows(MESSAGES)
        cursor = rows.find({"_id": {"$in": row_ids(shop, keys)}})
        found: list[StoredRow] = await cursor.to_list(None)
        # Without a text: a reply that was withdrawn, or a fact that came before its message.
        return {key_of(row): message_view(row) for row in found if "text" in row}


def _window(wanted: Filter, before: int | None) -> Window:
    low = first_order(wanted.since) if wanted.since else None
    ends = [first_order(wanted.until)] if wanted.until else []
    ends += [before] if before is not None else []
    return Window(low, min(ends) if ends else None)


def _has_all(message: Message, phrases: Sequence[Phrase]) -> bool:
    """Whether the message says all of it. The index has told that of single words."""
    if message.text is None:
        return False
    checked = [one for one in phrases if len(one.units) > 1]
    return say_all((*headings_of(message), message.text), checked)


def headings_of(message: Message) -> list[str | None]:
    """The texts of a message that are searched beside what was written."""
    names = [one.name for one in message.files or ()]
    people: list[Any] = [message.from_name, message.from_address, message.sent_from]
    others = [message.to_address, *message.cc, *message.bcc]
    return [*people, *others, message.subject, *names]
