"""Saved replies in the form for a reply: found by words, and filled in for its conversation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cplus.actors import ADMIN, LOCAL, MERCHANT
from cplus.commands.conversations.answering import Conversations
from cplus.commands.saved_replies import found, saved_replies_of
from cplus.errors import InvalidInput
from cplus.events.aggregates.saved_replies import SavedReply
from cplus.events.placeholders import Filled, fill, unfilled
from cplus.projections.queries import Conversation, CustomerDetail, Order, Queries
from cplus.web.kit.i18n import gettext as _
from cplus.web.kit.signed_in import Merchant
from cplus.web.kit.states import words
from cplus.wording import worded

FOUND: Final = 8
"""Saved replies that are offered at once while somebody types."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A saved reply as it would stand in a conversation."""

    id: str
    name: str
    text: str
    missing: Sequence[str]
    """Placeholders that are left in it."""


async def offers(
    queries: Queries, use: Conversations, me: Merchant, row: Conversation, q: str
) -> list[Offer]:
    """The first of those that have the words."""
    saved = found(await saved_replies_of(use.recorder, me.shop), q)[:FOUND]
    values = values_of(me, row, await queries.customer(me.shop, row.person)) if saved else {}
    filled = ((one, fill(one.text, values)) for one in saved)
    return [Offer(one.id, one.name, told.text, told.missing) for one, told in filled]


async def all_saved(use: Conversations, me: Merchant) -> list[SavedReply]:
    """All saved replies, by their names."""
    return found(await saved_replies_of(use.recorder, me.shop), "")


async def filled_for(
    queries: Queries, me: Merchant, conversation_id: str, saved: SavedReply
) -> Filled:
    """The saved reply for this conversation."""
    row = await queries.conversation(me.shop, conversation_id)
    person = await queries.customer(me.shop, row.person) if row else None
    return fill(saved.text, values_of(me, row, person) if row else {})


def values_of(me: Merchant, row: Conversation, person: CustomerDetail | None) -> dict[str, str]:
    """What the placeholders stand for in a conversation; what is not known is empty."""
    customer = person.customer if person else None
    orders = [one for one in person.orders if not one.test] if person else []
    # An agent who came without a name is not called by what stands for one.
    nameless = {one.author for one in (ADMIN, LOCAL, MERCHANT)}
    agent = "" if me.actor.author in nameless else me.actor.called
    return {
        "customer.first_name": (customer and customer.first_name) or "",
        "customer.name": (customer and customer.name) or row.from_name or "",
        **(_of_order(orders[0]) if orders else {}),
        "shop.name": me.row.name if me.row and me.row.name else "",
        "agent.name": agent or me.names.get(me.actor.author, ""),
    }


def _of_order(order: Order) -> dict[str, str]:
    links = [link.url for parcel in reversed(order.parcels) for link in parcel.links if link.url]
    return {
        "order.name": order.name,
        "order.status": _status(order),
        "order.tracking_url": links[0] if links else "",
    }


def _status(order: Order) -> str:
    if order.cancelled:
        return _("Cancelled")
    if order.fulfillment_status == "partial":
        return _("Partially fulfilled")
    return words(order.fulfillment_status) if order.fulfillment_status else _("Unfulfilled")


def refuse_unfilled(text: str) -> None:
    """Raises InvalidInput for a text that still has a placeholder of ours."""
    if left := unfilled(text):
        what = ", ".join(left[:5])
        raise InvalidInput(reason=worded("fill in or take out %(what)s", what=what))
