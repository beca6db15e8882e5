"""Saved replies in the forms for a reply and a new message: found by words, and filled in for whom
it goes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from cplus.actors import ADMIN, LOCAL, MERCHANT
from cplus.commands.conversations.answering import Conversations
from cplus.commands.saved_replies import found, saved_replies_of
from cplus.errors import InvalidInput
from cplus.events.aggregates.saved_replies import SavedReply
from cplus.events.placeholders import fill, unfilled
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


class Addressee(NamedTuple):
    """Whom a text goes to."""

    person: str = ""
    """`person/…`; empty if that is not known."""
    name: str = ""
    """What they call themselves in the conversation."""

    @classmethod
    def of(cls, row: Conversation | None) -> Addressee:
        """Of a conversation; nobody for None."""
        return cls(row.person, row.from_name or "") if row else cls()


@dataclass(frozen=True, slots=True)
class Inserted:
    """What stands in the form after a saved reply was to be put into it."""

    text: str
    choose: Sequence[SavedReply] = ()
    """Saved replies to choose from."""
    no_saved: bool = False
    """Whether there is none."""
    missing: Sequence[str] = ()
    """Placeholders that are left of the one that was put into it."""


NOT_INSERTED: Final = Inserted("")


async def offers(
    queries: Queries, use: Conversations, me: Merchant, to: Addressee, q: str
) -> list[Offer]:
    """The first of those that have the words."""
    saved = found(await saved_replies_of(use.recorder, me.shop), q)[:FOUND]
    values = values_of(me, await _person(queries, me, to), to.name) if saved else {}
    filled = ((one, fill(one.text, values)) for one in saved)
    return [Offer(one.id, one.name, told.text, told.missing) for one, told in filled]


async def insert(
    queries: Queries, use: Conversations, me: Merchant, to: Addressee, chosen: str, text: str
) -> Inserted:
    """The text with the chosen saved reply below it; or all of them to choose from."""
    saved = found(await saved_replies_of(use.recorder, me.shop), "")
    one = next((one for one in saved if one.id == chosen), None)
    if one is None:
        return Inserted(text, choose=saved, no_saved=not saved)
    told = fill(one.text, values_of(me, await _person(queries, me, to), to.name))
    whole = f"{text.rstrip()}\n\n{told.text}" if text.strip() else told.text
    return Inserted(whole, missing=told.missing)


async def _person(queries: Queries, me: Merchant, to: Addressee) -> CustomerDetail | None:
    found = await queries.customer(me.shop, to.person) if to.person else None
    return None if found is None or found.customer.erased_at else found


def values_of(me: Merchant, person: CustomerDetail | None, name: str = "") -> dict[str, str]:
    """What the placeholders stand for; what is not known is empty. `name` is what whom it goes to
    calls themselves."""
    customer = person.customer if person else None
    orders = [one for one in person.orders if not one.test] if person else []
    # An agent who came without a name is not called by what stands for one.
    nameless = {one.author for one in (ADMIN, LOCAL, MERCHANT)}
    agent = "" if me.actor.author in nameless else me.actor.called
    return {
        "customer.first_name": (customer and customer.first_name) or "",
        "customer.name": (customer and customer.name) or name,
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
