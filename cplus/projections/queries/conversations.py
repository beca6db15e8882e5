"""Questions about conversations, their messages, the mails of the merchant, and mail set aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, NamedTuple, get_args

from cplus.events.catalogue.mail import QUARANTINE, AsideReason
from cplus.projections.models.conversations import CONVERSATIONS
from cplus.projections.models.data_requests import DATA_REQUESTS
from cplus.projections.models.deliveries import DELIVERIES
from cplus.projections.models.messages import MESSAGES
from cplus.projections.models.set_aside import SET_ASIDE
from cplus.projections.queries.filters import STATES, Filter
from cplus.projections.queries.paging import (
    beside,
    bounded,
    cursor_at,
    cursor_of,
    newest_first,
    place_of,
    walk,
)
from cplus.projections.queries.read_models import PAGE, ReadModels
from cplus.projections.queries.row_views import (
    conversation_view,
    delivery_view,
    message_view,
    set_aside_view,
)
from cplus.projections.queries.views import (
    Conversation,
    ConversationCounts,
    ConversationState,
    Delivery,
    DeliveryState,
    Message,
    Page,
    SetAside,
    SetAsideKind,
)
from cplus.projections.rows import key_of

_KINDS: Mapping[str, Mapping[str, Any]] = {
    "all": {},
    "quarantine": {"reason": {"$in": list(QUARANTINE)}},
    "automatic": {
        "reason": {"$in": [one for one in get_args(AsideReason) if one not in QUARANTINE]}
    },
}


class Standing(NamedTuple):
    """Where the inbox of a shop stands."""

    position: int
    """Up to which conversations and their messages are shown."""
    counts: ConversationCounts
    """How many conversations there are then."""
    has_requests: bool
    """Whether a customer's request for their data may be open."""


_THREAD = {order: [(key, order) for key in ("at", "number", "_id")] for order in (1, -1)}
_ARRIVALS = ["arrived", "failed", "under_way"]


class ConversationQueries(ReadModels):
    """Questions about conversations, their messages, the merchant's mails, and mail set aside."""

    async def list_conversations(
        self,
        shop: str,
        state: ConversationState | Filter = "all",
        cursor: str | None = None,
        limit: int = PAGE,
    ) -> Page[Conversation]:
        """The inbox: the conversation with the newest message first, of those that await a reply
        the one that has waited longest."""
        chosen = state if isinstance(state, Filter) else Filter(state)
        limit = bounded(limit)
        field, rising = chosen.order
        way = walk(field, shop, cursor, rising=rising)
        wanted = {"shop": shop, **chosen.wanted(), **way.wanted}
        rows = await self._rows(CONVERSATIONS)
        found = await rows.find(wanted, sort=way.sort).limit(limit + 1).to_list(limit + 1)
        shown, more = found[:limit], len(found) > limit
        if way.backwards:
            shown.reverse()
        on = place_of(field, shown[-1]) if shown and (more or way.backwards) else None
        back = cursor is not None and (more or not way.backwards)
        before = place_of(field, shown[0], backwards=True) if shown and back else None
        return Page([conversation_view(row) for row in shown], on, before)

    async def unanswered(self, shop: str, limit: int = PAGE) -> Page[Conversation]:
        """The conversations that await a reply, the one that has waited longest first."""
        return await self.list_conversations(shop, "unanswered", None, limit)

    async def count_mine(self, shop: str, member: str, most: int = 1000) -> int:
        """How many open conversations this member of staff looks after, up to `most`."""
        rows = await self._rows(CONVERSATIONS)
        wanted = {"shop": shop, **Filter("mine", member).wanted()}
        return int(await rows.count_documents(wanted, limit=most))

    async def mentions_of(
        self, shop: str, member: str, since: datetime, most: int = 100
    ) -> dict[str, datetime]:
        """The conversations in which this member was mentioned since then, each with the last time;
        of those with the newest messages, up to `most`."""
        rows = await self._rows(CONVERSATIONS)
        wanted = {"shop": shop, **Filter("mentions", member).wanted()}
        cursor = rows.find(wanted, {"shop": 1, "mentions": 1}, sort=[("last_message_at", -1)])
        found = await cursor.limit(most).to_list(most)
        told = {key_of(row): row["mentions"][member] for row in found}
        return {one: at for one, at in told.items() if at >= since}

    async def conversation(self, shop: str, conversation_id: str) -> Conversation | None:
        """One conversation by its id."""
        row = await self._row(CONVERSATIONS, shop, conversation_id)
        return conversation_view(row) if row else None

    async def conversation_counts(self, shop: str) -> ConversationCounts:
        """How many conversations the shop has."""
        return await self._counted(shop, await self._counts(CONVERSATIONS, shop))

    async def inbox_standing(self, shop: str) -> Standing:
        """How far the inbox is, and what it is worth to ask for, by one question."""
        at = await self._checkpoints(shop, (CONVERSATIONS, MESSAGES, DATA_REQUESTS))
        counts = await self._counted(shop, at[CONVERSATIONS.name].counts)
        requests = at.pop(DATA_REQUESTS.name).counts
        position = min(one.position for one in at.values())
        return Standing(position, counts, requests is None or requests.get("open", 0) > 0)

    async def _counted(self, shop: str, counts: Mapping[str, int] | None) -> ConversationCounts:
        if counts is not None:
            names = [field.name for field in fields(ConversationCounts)]
            return ConversationCounts(**{name: counts.get(name, 0) for name in names})
        rows = await self._rows(CONVERSATIONS)

        async def number(**wanted: Any) -> int:
            return int(await rows.count_documents({"shop": shop, **wanted}))

        return ConversationCounts(
            conversations=await number(**STATES["all"]),
            open=await number(open=True, spam={"$ne": True}),
            unanswered=await number(**STATES["unanswered"]),
            spam=await number(**STATES["spam"]),
            snoozed=await number(**STATES["snoozed"]),
            assigned=await number(**STATES["open"], assignee={"$ne": None}),
        )

    async def messages_of(
        self,
        shop: str,
        conversation_id: str,
        cursor: str | None = None,
        limit: int = 200,
        *,
        also: Sequence[str] = (),
    ) -> Page[Message]:
        """The messages of a conversation in the order of the thread, the oldest first; with those
        of the conversations `also` among them."""
        beyond = beside(shop, cursor, 1)
        found, more = await self._messages(
            shop, [conversation_id, *also], beyond, 1, bounded(limit)
        )
        return Page(found, cursor_of(found[-1]) if more else None)

    async def newest_messages_of(
        self,
        shop: str,
        conversation_id: str,
        before: str | None = None,
        limit: int = 200,
        *,
        also: Sequence[str] = (),
    ) -> Page[Message]:
        """The newest messages of a conversation (and of those `also`), or the newest of those
        before the cursor, in the order of the thread; give `next` as `before` to get what comes
        before them."""
        beyond = beside(shop, before, -1)
        found, more = await self._messages(
            shop, [conversation_id, *also], beyond, -1, bounded(limit)
        )
        found.reverse()
        return Page(found, cursor_of(found[0]) if more else None)

    async def _messages(
        self, shop: str, of: Sequence[str], beyond: Mapping[str, Any], order: int, limit: int
    ) -> tuple[list[Message], bool]:
        """Up to `limit` messages beyond a place, and whether there are more."""
        # Of several conversations, the index is walked for each at once, in the order of all.
        ids: Any = {"$in": list(of)} if len(of) > 1 else of[0]
        # What has no number has no place in the thread yet.
        wanted = {"shop": shop, "conversation_id": ids, "number": {"$gt": 0}, **beyond}
        rows = await self._rows(MESSAGES)
        # In one batch: the driver's first one would hold 101.
        cursor = rows.find(wanted, sort=_THREAD[order], limit=limit + 1, batch_size=limit + 1)
        found = await cursor.to_list(limit + 1)
        return [message_view(row) for row in found[:limit]], len(found) > limit

    async def deliveries(
        self,
        shop: str,
        state: DeliveryState = "all",
        cursor: str | None = None,
        limit: int = PAGE,
    ) -> Page[Delivery]:
        """The merchant's mails with their delivery status, the newest first."""
        limit = bounded(limit)
        wanted = {"shop": shop, "state": {"$in": _ARRIVALS} if state == "all" else state}
        wanted |= newest_first("written_at", shop, cursor)
        found = await self._newest(DELIVERIES, wanted, "written_at", limit + 1)
        shown = found[:limit]
        more = cursor_at("written_at", shown[-1]) if len(found) > limit else None
        return Page([delivery_view(row) for row in shown], more)

    async def set_aside(
        self,
        shop: str,
        cursor: str | None = None,
        limit: int = PAGE,
        *,
        kind: SetAsideKind = "all",
    ) -> Page[SetAside]:
        """Mail that started no conversation by itself, the newest first."""
        limit = bounded(limit)
        wanted = {"shop": shop, **_KINDS[kind], **newest_first("at", shop, cursor)}
        found = await self._newest(SET_ASIDE, wanted, "at", limit + 1)
        shown = found[:limit]
        more = cursor_at("at", shown[-1]) if len(found) > limit else None
        return Page([set_aside_view(row) for row in shown], more)
