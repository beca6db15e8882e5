"""Persons on reading: which rows are one person, and what they say together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from cplus.mongo import Collection, Mongo
from cplus.projections.base import Row
from cplus.projections.counting import load_linked
from cplus.projections.models.facts import order
from cplus.projections.models.persons import (
    PERSON_COUNTS,
    Account,
    combine,
    kind_of,
    own_tags,
    same_for_good,
    same_persons,
    tags_of,
)
from cplus.projections.queries.spending import Bought, in_all
from cplus.projections.queries.views import Customer, Merge
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
    parts: tuple[Family, ...] = ()
    """Those whom a merchant merged, each as they were without that; empty for nearly everybody."""

    by_hand: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """What a merchant said of each of the persons: rows' field of that name, by their ids."""

    @property
    def whole(self) -> Sequence[Family]:
        """Those that are one for good: the parts, or itself."""
        return self.parts or (self,)


class Profile(NamedTuple):
    """What segments ask of who somebody is; `Customer` has the same by the same names."""

    tags: list[str]
    own_tags: list[str]
    email_consent: str | None
    customer_since: datetime | None
    first_contact_at: datetime | None


def families(rows: Mapping[str, Row]) -> dict[str, Family]:
    """The family of each person, by any id: links are followed to the end, in both directions.
    Pure."""
    found: dict[str, Family] = {}
    for persons in same_persons(rows):
        own = {person: rows[person] for person in persons}
        parts: tuple[Family, ...] = ()
        if any("by_hand" in row for row in own.values()) and len(own) > 1:
            parts = tuple(_family(ids, own) for ids in same_for_good(own))
        family = _family(persons, own, parts if len(parts) > 1 else ())
        found.update(dict.fromkeys(persons, family))
    return found


def _family(
    persons: Sequence[str], rows: Mapping[str, Row], parts: tuple[Family, ...] = ()
) -> Family:
    own = [rows[person] for person in persons]
    # Nearly every person has one row, which is what it says combined.
    row = own[0] if len(own) == 1 else combine(own)
    erased = all(one.get("erased", False) for one in own)
    said = {person: rows[person].get("by_hand", ()) for person in persons} if parts else {}
    return Family(persons[0], tuple(persons), row, erased, parts, said)


def accounts_of(families: Iterable[Family]) -> dict[str, Mapping[str, Account]]:
    """The customers in Shopify of each person, by every id. Of those whom a merchant merged each
    has their own: the sums of the one hold nothing that the other bought."""
    return {
        person: part.row["accounts"]
        for family in families
        for part in family.whole
        for person in part.persons
    }


def merges_of(family: Family) -> list[Merge]:
    """What a merchant said that makes the parts of the family one, the newest first. Pure."""
    found = {}
    of_part = {person: part.person for part in family.parts for person in part.persons}
    for person, links in family.by_hand.items():
        for link in links:
            other = link["with"]
            if link["merged"] and of_part.get(other, of_part.get(person)) != of_part.get(person):
                one, two = sorted((person, other))
                found[one, two] = Merge(one, two, link["at"], link["by"])
    return sorted(found.values(), key=lambda one: (one.at, one.one, one.other), reverse=True)


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
    bought = sums_of(family, orders)
    names = [visible(profile.get("first_name")), visible(profile.get("last_name"))]
    return Customer(
        person=family.person,
        persons=family.persons,
        erased_at=row["changed_at"] if family.erased else None,
        kind=kind_of(row),
        first_name=names[0],
        last_name=names[1],
        name=" ".join(name for name in names if name) or visible(contact.get("name")),
        email=_email(row),
        other_emails=_other_emails(family),
        phone=visible(profile.get("phone")),
        note=profile.get("note"),
        locale=profile.get("locale"),
        state=profile.get("state"),
        tags=_tags(family),
        own_tags=own_tags(row),
        email_consent=consent_of(family),
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


def profile_of(family: Family) -> Profile:
    """The same part of what `customer_view` shows, which takes a third of its time. Pure."""
    accounts = _accounts(family.row)
    shown = (accounts[0][1].get("profile") if accounts else None) or {}
    contact = family.row["first_contact_at"]
    return Profile(
        _tags(family),
        own_tags(family.row),
        consent_of(family),
        shown.get("created_at"),
        contact,
    )


def sums_of(family: Family, orders: Mapping[str, Sequence[Bought]]) -> Bought:
    """What the person bought in all; `orders` are those that no sum of Shopify's holds. Pure."""
    later = [bought for person in family.persons for bought in orders.get(person, ())]
    return in_all(family.row["accounts"], later)


def _accounts(row: Row) -> list[tuple[int, Mapping[str, Any]]]:
    """The customers in Shopify that are not deleted, the one with the newest profile first."""
    found = [
        (int(shopify_id), account)
        for shopify_id, account in row["accounts"].items()
        if not account.get("deleted")
    ]
    # Nearly everybody has one.
    return sorted(found, key=_newest_profile, reverse=True) if len(found) > 1 else found


def _email(row: Row) -> str | None:
    accounts = _accounts(row)
    profile = (accounts[0][1].get("profile") if accounts else None) or {}
    return visible(profile.get("email")) or visible((row["contact"] or {}).get("address"))


def _other_emails(family: Family) -> list[str]:
    """The addresses of those whom a merchant merged, but for the one that is shown."""
    if not family.parts:
        return []
    shown = (_email(family.row) or "").lower()
    told = [email for part in family.parts if (email := _email(part.row))]
    return list(dict.fromkeys(email for email in told if email.lower() != shown))


def _tags(family: Family) -> list[str]:
    """Those of the customer that is shown; of whom a merchant merged, those of each."""
    found: dict[str, str] = {}
    for part in family.whole:
        accounts = _accounts(part.row)
        for tag in tags_of(accounts[0][1]) if accounts else ():
            found.setdefault(tag.casefold(), tag)
    return sorted(found.values())


def consent_of(family: Family) -> str | None:
    """What was last said about mail to the address that is shown. Of those whom a merchant merged,
    whoever has that address said it, and what another said counts if it is stricter: nobody gets
    mail because they were taken for somebody else. Pure."""
    if not family.parts:
        return _said_last(family.row)
    shown = (_email(family.row) or "").lower()
    has = [one for one in family.parts if (_email(one.row) or "").lower() == shown]
    own = [_said_last(one.row) for one in has]
    others = [_said_last(one.row) for one in family.parts if one not in has]
    told: list[str | None] = [*filter(None, own)] or [None]
    return min([*told, *filter(None, others)], key=_strictness)


_LOOSER: Final = ("unsubscribed", "not_subscribed", "invalid", "", "pending", "subscribed")
"""The strictest first; the empty one is what nobody said anything of."""


def _strictness(consent: str | None) -> int:
    return _LOOSER.index(consent or "") if (consent or "") in _LOOSER else -1


def _said_last(row: Row) -> str | None:
    """What was last said about mail, to any of the accounts."""
    told = [account["consent"] for _, account in _accounts(row) if "consent" in account]
    newest = max(told, key=order, default=None)
    return newest["email"] if newest else None


def _newest_profile(numbered: tuple[int, Mapping[str, Any]]) -> tuple[bool, Any, int]:
    shopify_id, account = numbered
    profile = account.get("profile")
    return (profile is not None, profile["at"] if profile else None, shopify_id)
