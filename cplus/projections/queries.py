"""What the dashboard and the API may ask of the read models, each question on an index."""

from __future__ import annotations

from cplus.mongo import Mongo
from cplus.projections.views import (
    Conversation,
    ConversationState,
    Counts,
    Customer,
    CustomerDetail,
    CustomerKind,
    Message,
    Page,
    Shop,
    Subscription,
)

PAGE = 50


class Queries:
    """Questions to the read models of one shop at a time. Raises InvalidInput for a bad cursor."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def list_conversations(
        self,
        shop: str,
        state: ConversationState = "all",
        cursor: str | None = None,
        limit: int = PAGE,
    ) -> Page[Conversation]:
        """The inbox: the conversation with the newest message first."""
        raise NotImplementedError

    async def conversation(self, shop: str, conversation_id: str) -> Conversation | None:
        """One conversation by its id."""
        raise NotImplementedError

    async def messages_of(
        self, shop: str, conversation_id: str, cursor: str | None = None, limit: int = 200
    ) -> Page[Message]:
        """The messages of a conversation in the order of the thread, the oldest first."""
        raise NotImplementedError

    async def customers(
        self, shop: str, kind: CustomerKind = "all", cursor: str | None = None, limit: int = PAGE
    ) -> Page[Customer]:
        """Persons, those with the latest news first. A page may hold fewer than `limit`."""
        raise NotImplementedError

    async def customer(self, shop: str, person: str) -> CustomerDetail | None:
        """A person by any of their ids, with orders and conversations."""
        raise NotImplementedError

    async def billing(self, shop: str) -> list[Subscription]:
        """The shop's subscriptions to the app, the one that changed last first; at most 100."""
        raise NotImplementedError

    async def shop(self, shop: str) -> Shop | None:
        """The shop; None where nothing was ever told of it."""
        raise NotImplementedError

    async def counts(self, shop: str) -> Counts:
        """How many conversations, messages and customers the shop has."""
        raise NotImplementedError

    async def position_of(self, shop: str, projection: str) -> int:
        """How far the projection of that name has read the shop's log; 0 before it began."""
        raise NotImplementedError

    async def positions_of(self, shop: str) -> dict[str, int]:
        """`position_of` for every projection at once, by name."""
        raise NotImplementedError
