"""Persons on reading: which rows are one person, and what they say together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cplus.mongo import Collection, Mongo
from cplus.projections.base import Row
from cplus.projections.counting import load_linked
from cplus.projections.models.facts import order
from cplus.projections.models.persons import (
    PERSON_COUNTS,
    combine,
    kind_of,
    same_persons,
    tags_of,
)
from cplus.projections.queries.spending import Bought, in_all
from cplus.projections.queries.views import Customer
from cplus.projections.queries.visible import visible


@dataclass(frozen=True, slots=True)
class Family:
    """The rows that are one person."""

    person: str
    """The id that stays: the smallest."""
    persons: tuple[str, ...]
    row: Row
    """All of them combined."""
    erased: bool
    """Whether all of them are erased."""


def families(rows: Mapping[str, Row]) -> dict[str, Family]:
    """The family of each person, by any id: links are followed to the end, in both directions.
    Pure."""
    found: dict[str, Family] = {}
    for persons in same_persons(rows):
        own = [rows[person] for person in persons]
        # Nearly every person has one row, which is what it says combined.
        row = own[0] if len(own) == 1 else combine(own)
        erased = all(one.get("erased", False) for one in own)
        found.update(dict.fromkeys(persons, Family(persons[0], tuple(persons), row, erased)))
    return found


async def load_families(
    customers: Collection, shop: str, known: Mapping[str, Row]
) -> dict[str, Family]:
    """The families of the persons whose rows are known, with the rows that they are linked to."""
    return families(await load_linked(customers, shop, known, PERSON_COUNTS))


async def conversations_of(
    mongo: Mongo, conversations: Collection, shop: str, persons: Iterable[str]
) -> dict[str, int]:
    """How many conversations each of the persons has."""
    rows = await mongo.aggregate(
        conversations,
        [
            {"$match": {"shop": shop, "person": {"$in": sorted(persons)}}},
            {"$group": {"_id": "$person", "conversations": {"$sum": 1}}},
        ],
    )
    return {row["_id"]: row["conversations"] for row in rows}


def customer_view(
    family: Family,
    conversations: Mapping[str, int],
    orders: Mapping[str, Sequence[Bought]],
) -> Customer:
    """The person as pages show it; `orders` are those that no sum of Shopify's holds. Pure."""
    row = family.row
    accounts = _accounts(row)
    shown: Mapping[str, Any] = accounts[0][1] if accounts else {}
    profile = shown.get("profile") or {}
    contact = row["contact"] or {}
    later = [bought for person in family.persons for bought in orders.get(person, ())]
    bought = in_all(row["accounts"], later)
    names = [visible(profile.get("first_name")), visible(profile.get("last_name"))]
    return Customer(
        person=family.person,
        persons=family.persons,
        erased_at=row["changed_at"] if family.erased else None,
        kind=kind_of(row),
        first_name=names[0],
        last_name=names[1],
        name=" ".join(name for name in names if name) or visible(contact.get("name")),
        email=visible(profile.get("email")) or visible(contact.get("address")),
        phone=visible(profile.get("phone")),
        note=profile.get("note"),
        locale=profile.get("locale"),
        state=profile.get("state"),
        tags=tags_of(shown),
        email_consent=_email_consent(accounts),
        shopify_ids=[shopify_id for shopify_id, _ in accounts],
        customer_since=profile.get("created_at"),
        orders=bought.orders,
        amount_spent=bought.amount,
        currency=bought.currency or profile.get("currency"),
        conversations=sum(conversations.get(person, 0) for person in family.persons),
        first_contact_at=row["first_contact_at"],
        last_contact_at=row["last_contact_at"],
        changed_at=row["changed_at"],
    )


def _accounts(row: Row) -> list[tuple[int, Mapping[str, Any]]]:
    """The customers in Shopify that are not deleted, the one with the newest profile first."""
    found = [
        (int(shopify_id), account)
        for shopify_id, account in row["accounts"].items()
        if not account.get("deleted")
    ]
    return sorted(found, key=_newest_profile, reverse=True)


def _email_consent(accounts: Sequence[tuple[int, Mapping[str, Any]]]) -> str | None:
    """What was last said about mail, to any of the accounts."""
    told = [account["consent"] for _, account in accounts if "consent" in account]
    newest = max(told, key=order, default=None)
    return newest["email"] if newest else None


def _newest_profile(numbered: tuple[int, Mapping[str, Any]]) -> tuple[bool, Any, int]:
    shopify_id, account = numbered
    profile = account.get("profile")
    return (profile is not None, profile["at"] if profile else None, shopify_id)
