"""What the dashboard and the API may ask of the read models, each question on an index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from cplus.mongo import Collection, Mongo
from cplus.projections.base import Projection, Row
from cplus.projections.generations.lineage import Pointers
from cplus.projections.groups import ALL
from cplus.projections.models.billing import ACCOUNT, BILLING
from cplus.projections.models.conversations import CONVERSATIONS
from cplus.projections.models.customers import CUSTOMERS, kind_of
from cplus.projections.models.deliveries import DELIVERIES
from cplus.projections.models.messages import MESSAGES
from cplus.projections.models.metrics import METRICS, TOTAL, day_key, day_of
from cplus.projections.models.orders import ORDERS
from cplus.projections.models.shops import SHOP, SHOPS
from cplus.projections.queries.figures import Day, Figures, figures_of
from cplus.projections.queries.paging import (
    MOST,
    after_number,
    before_day,
    bounded,
    cursor_after,
    cursor_at,
    cursor_before,
    newest_first,
)
from cplus.projections.queries.persons import (
    Family,
    bought_by,
    conversations_of,
    customer_view,
    load_families,
)
from cplus.projections.queries.row_views import (
    account_view,
    conversation_view,
    delivery_view,
    import_view,
    message_view,
    order_view,
    shop_view,
    subscription_view,
)
from cplus.projections.queries.views import (
    BillingAccount,
    Conversation,
    ConversationCounts,
    ConversationState,
    Customer,
    CustomerDetail,
    CustomerKind,
    Delivery,
    DeliveryState,
    Message,
    Page,
    PersonCounts,
    Shop,
    Subscription,
)
from cplus.projections.rows import key_of, row_id
from cplus.subscriptions.checkpoints import CHECKPOINTS, checkpoint_id

PAGE = 50
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_STATES: Mapping[str, Mapping[str, bool]] = {
    "all": {},
    "open": {"open": True},
    "closed": {"open": False},
    "unanswered": {"unanswered": True},
}
_ARRIVALS = ["arrived", "failed", "under_way"]
_KINDS = {"customers": {"customer"}, "leads": {"lead"}, "all": {"customer", "lead"}}


class Queries:
    """Questions to the read models of one shop at a time. Raises InvalidInput for a bad cursor."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._pointers = Pointers(mongo.database)

    async def _rows(self, projection: Projection) -> Collection:
        return await self._pointers.rows(projection)

    async def list_conversations(
        self,
        shop: str,
        state: ConversationState = "all",
        cursor: str | None = None,
        limit: int = PAGE,
    ) -> Page[Conversation]:
        """The inbox: the conversation with the newest message first."""
        limit = bounded(limit)
        wanted = {"shop": shop, **_STATES[state]}
        wanted |= newest_first("last_message_at", shop, cursor)
        found = await self._newest(CONVERSATIONS, wanted, "last_message_at", limit + 1)
        shown = found[:limit]
        more = cursor_at("last_message_at", shown[-1]) if len(found) > limit else None
        return Page([conversation_view(row) for row in shown], more)

    async def _newest(
        self, projection: Projection, wanted: Mapping[str, Any], field: str, limit: int
    ) -> list[Row]:
        rows = await self._rows(projection)
        cursor = rows.find(wanted, sort=[(field, -1), ("_id", -1)]).limit(limit)
        return list(await cursor.to_list(limit))

    async def conversation(self, shop: str, conversation_id: str) -> Conversation | None:
        """One conversation by its id."""
        rows = await self._rows(CONVERSATIONS)
        row = await rows.find_one({"_id": row_id(shop, conversation_id)})
        return conversation_view(row) if row else None

    async def messages_of(
        self, shop: str, conversation_id: str, cursor: str | None = None, limit: int = 200
    ) -> Page[Message]:
        """The messages of a conversation in the order of the thread, the oldest first."""
        limit = bounded(limit)
        wanted = {
            "shop": shop,
            "conversation_id": conversation_id,
            "number": {"$gt": after_number(cursor)},
        }
        rows = await self._rows(MESSAGES)
        numbered = rows.find(wanted, sort=[("number", 1)]).limit(limit + 1)
        found = await numbered.to_list(limit + 1)
        shown = found[:limit]
        more = cursor_after(shown[-1]["number"]) if len(found) > limit else None
        return Page([message_view(row) for row in shown], more)

    async def deliveries(
        self,
        shop: str,
        state: DeliveryState = "all",
        cursor: str | None = None,
        limit: int = PAGE,
    ) -> Page[Delivery]:
        """The merchant's mails and what became of them, the one written last first."""
        limit = bounded(limit)
        wanted = {"shop": shop, "state": {"$in": _ARRIVALS} if state == "all" else state}
        wanted |= newest_first("written_at", shop, cursor)
        found = await self._newest(DELIVERIES, wanted, "written_at", limit + 1)
        shown = found[:limit]
        more = cursor_at("written_at", shown[-1]) if len(found) > limit else None
        return Page([delivery_view(row) for row in shown], more)

    async def metrics(
        self, shop: str, first: date, last: date, cursor: str | None = None, limit: int = MOST
    ) -> Page[Day]:
        """The days from the first to the last, both in it and in UTC, on which something
        happened; the newest first."""
        limit, before = bounded(limit), before_day(cursor)
        days_of = {"$gte": row_id(shop, day_key(first)), "$lte": row_id(shop, day_key(last))}
        if before is not None:
            days_of["$lt"] = row_id(shop, day_key(before))
        wanted = {"shop": shop, "_id": days_of}
        rows = await self._rows(METRICS)
        found = await rows.find(wanted, sort=[("_id", -1)]).limit(limit + 1).to_list(limit + 1)
        days = [Day(day_of(key_of(row)), figures_of(row)) for row in found[:limit]]
        return Page(days, cursor_before(days[-1].day) if len(found) > limit else None)

    async def metrics_total(self, shop: str) -> Figures:
        """The sums over all days."""
        rows = await self._rows(METRICS)
        return figures_of(await rows.find_one({"_id": row_id(shop, TOTAL)}))

    async def customers(
        self, shop: str, kind: CustomerKind = "all", cursor: str | None = None, limit: int = PAGE
    ) -> Page[Customer]:
        """Persons, those with the latest news first. A page may hold fewer than `limit`."""
        limit = bounded(limit)
        wanted = {"shop": shop, "lists": kind, **newest_first("changed_at", shop, cursor)}
        found = await self._newest(CUSTOMERS, wanted, "changed_at", limit + 1)
        rows = {key_of(row): row for row in found[:limit]}
        by_person = await load_families(await self._rows(CUSTOMERS), shop, rows)
        # What several rows are together is known only now, and one of them stands for them.
        shown = [
            by_person[person]
            for person in rows
            if by_person[person].person == person and kind_of(by_person[person].row) in _KINDS[kind]
        ]
        more = cursor_at("changed_at", found[limit - 1]) if len(found) > limit else None
        return Page(await self._views(shop, shown), more)

    async def _views(self, shop: str, shown: list[Family]) -> list[Customer]:
        persons = [person for family in shown for person in family.persons]
        if not persons:
            return []
        talks, orders = await self._rows(CONVERSATIONS), await self._rows(ORDERS)
        conversations = await conversations_of(self._mongo, talks, shop, persons)
        bought = await bought_by(self._mongo, orders, shop, persons)
        return [customer_view(family, conversations, bought) for family in shown]

    async def customer(self, shop: str, person: str) -> CustomerDetail | None:
        """A person by any of their ids, with orders and conversations."""
        rows = await self._rows(CUSTOMERS)
        row = await rows.find_one({"_id": row_id(shop, person)})
        if row is None:
            return None
        family = (await load_families(rows, shop, {person: row}))[person]
        [customer] = await self._views(shop, [family])
        own = {"shop": shop, "person": {"$in": list(family.persons)}}
        talks, bought = await self._rows(CONVERSATIONS), await self._rows(ORDERS)
        conversations = talks.find(own, sort=[("last_message_at", -1)])
        orders = bought.find(own, sort=[("created_at", -1)])
        return CustomerDetail(
            customer,
            [order_view(row) for row in await orders.limit(PAGE).to_list(PAGE)],
            [conversation_view(row) for row in await conversations.limit(PAGE).to_list(PAGE)],
        )

    async def billing(self, shop: str) -> list[Subscription]:
        """The shop's subscriptions to the app, the one that changed last first; at most 100."""
        wanted = {"shop": shop, "at": {"$gt": _BEGINNING}}
        return [subscription_view(row) for row in await self._newest(BILLING, wanted, "at", 100)]

    async def billing_account(self, shop: str) -> BillingAccount | None:
        """The shop's account at the app; None where it was not opened yet."""
        rows = await self._rows(BILLING)
        row = await rows.find_one({"_id": row_id(shop, ACCOUNT)})
        return account_view(row) if row else None

    async def shop(self, shop: str) -> Shop | None:
        """The shop; None where nothing was ever told of it."""
        rows = await self._rows(SHOPS)
        row = await rows.find_one({"_id": row_id(shop, SHOP)})
        found = await rows.find_one(
            {"shop": shop, "started_at": {"$gt": _BEGINNING}}, sort=[("started_at", -1)]
        )
        if row is None and found is None:
            return None
        return shop_view(shop, row or {}, import_view(found) if found else None)

    async def conversation_counts(self, shop: str) -> ConversationCounts:
        """How many conversations the shop has."""
        rows = await self._rows(CONVERSATIONS)
        return ConversationCounts(
            conversations=await rows.count_documents({"shop": shop}),
            open=await rows.count_documents({"shop": shop, "open": True}),
            unanswered=await rows.count_documents({"shop": shop, "unanswered": True}),
        )

    async def person_counts(self, shop: str) -> PersonCounts:
        """How many customers and how many leads the shop has."""
        collection = await self._rows(CUSTOMERS)
        customers: int = await collection.count_documents({"shop": shop, "lists": "customers"})
        leads: int = await collection.count_documents({"shop": shop, "lists": "leads"})
        found = await collection.find({"shop": shop, "lists": "joined"}).to_list(None)
        rows = {key_of(row): row for row in found}
        by_person = await load_families(await self._rows(CUSTOMERS), shop, rows)
        kinds = [
            kind_of(by_person[person].row) if by_person[person].person == person else "gone"
            for person in rows
        ]
        # They were counted as both, and each is one of the two or neither.
        return PersonCounts(
            customers=customers - sum(kind != "customer" for kind in kinds),
            leads=leads - sum(kind != "lead" for kind in kinds),
        )

    async def position_of(self, shop: str, projection: str) -> int:
        """How far the projection of that name has read the shop's log; 0 before it began."""
        return (await self.positions_of(shop)).get(projection, 0)

    async def positions_of(self, shop: str) -> dict[str, int]:
        """`position_of` for every projection at once, by name."""
        ids = [checkpoint_id(await self._pointers.collection(one), shop) for one in ALL]
        found = self._mongo.database[CHECKPOINTS].find({"_id": {"$in": ids}})
        at = {row["projection"]: row["position"] for row in await found.to_list(None)}
        return {projection.name: at.get(projection.name, 0) for projection in ALL}

    async def parked(self, shop: str, reactions: Sequence[str] = ()) -> set[str]:
        """The names of the projections that are read, and of these reactions, that stand still
        in the shop: of what lies behind, nothing is shown or handed out until that is mended."""
        names = [*[await self._pointers.collection(one) for one in ALL], *reactions]
        found = self._mongo.database[CHECKPOINTS].find(
            {
                "_id": {"$in": [checkpoint_id(name, shop) for name in names]},
                "parked": {"$ne": None},
            },
            {"projection": 1},
        )
        return {row["projection"] for row in await found.to_list(None)}
