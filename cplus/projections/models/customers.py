"""Customers: a row for each person, who may be a customer in Shopify, a lead, or both in turn.

A fact folds into the row of the person that it names, and nowhere else, also where that person
was joined with another: what a row holds then depends on no order. Rows that are one person are
linked by PersonsJoined, and `combine` makes one of them on reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from cplus.events.base import Recorded
from cplus.events.catalogue.conversations import ConversationStarted, MessageReceived
from cplus.events.catalogue.customers import (
    CustomerChanged,
    CustomerConsentChanged,
    CustomerDeleted,
    CustomerImported,
    CustomerSpendChanged,
    PersonsJoined,
)
from cplus.events.catalogue.orders import OrderChanged
from cplus.projections.base import Counts, Projection, Row
from cplus.projections.models.facts import newer, newest, types

MAX_ACCOUNTS = 20
"""Customers in Shopify that one row holds. Those with the largest ids stay, which are the newest;
which they are depends on no order."""

_PROFILE = (
    *("first_name", "last_name", "email", "phone", "note", "locale", "state", "currency"),
    "created_at",
)
_LASTING: Mapping[str, tuple[str, ...]] = {
    # Webhooks leave out the one or the other, and Shopify never takes them away.
    "profile": ("locale", "state", "currency", "created_at"),
}
_STATES = ("", "disabled", "invited", "declined", "enabled")
_CONSENTS = ("", "invalid", "not_subscribed", "pending", "subscribed", "unsubscribed")
"""In the order in which one follows the other, if two come with the same time."""

_EMPTY: Row = {
    "accounts": {},
    "contact": None,
    "first_contact_at": None,
    "last_contact_at": None,
    "ordered_at": None,
    "merged_into": [],
    "joined": False,
    "changed_at": None,
    "lists": [],
}
Account = Mapping[str, Any]
"""What is known of one customer in Shopify: groups of fields. Of one that is deleted, as it stays
for ever, only {"deleted": True}, what they had spent, and into which customer they were merged."""


def keys(event: Recorded) -> Iterable[str]:
    """The person; for two that turned out to be one, both."""
    if isinstance(event.event, PersonsJoined):
        return [event.event.person, event.event.absorbed]
    if isinstance(event.event, OrderChanged):
        order = event.event
        return [] if order.person is None or order.test or order.cancelled else [order.person]
    return [getattr(event.event, "person")]  # noqa: B009  every event handled here has it


def evolve(key: str, row: Row | None, event: Recorded) -> Row | None:
    """The row after the event: the same whatever the order, and however often it comes."""
    # A row that an earlier release stored lacks what was added since.
    after = {**_EMPTY, **(row or {})}
    match event.event:
        case (
            CustomerChanged()
            | CustomerImported()
            | CustomerSpendChanged()
            | CustomerConsentChanged()
            | CustomerDeleted() as fact
        ):
            accounts = dict(after["accounts"])
            account = accounts.get(str(fact.shopify_customer_id), {})
            accounts[str(fact.shopify_customer_id)] = _account(account, event)
            after["accounts"] = _kept(accounts)
        case OrderChanged() as order:
            placed = order.created_at or event.occurred_at
            after["ordered_at"] = _earliest(after["ordered_at"], placed)
        case ConversationStarted():
            after["first_contact_at"] = _earliest(after["first_contact_at"], event.occurred_at)
            after["last_contact_at"] = _latest(after["last_contact_at"], event.occurred_at)
        case MessageReceived() as mail:
            after.update(_contact(after, mail, event))
        case PersonsJoined() as joined:
            _link(after, key, joined)
    after["changed_at"] = _latest(after["changed_at"], event.occurred_at)
    after["lists"] = _lists(after)
    return after


def _account(account: Account, event: Recorded) -> Account:
    after = dict(account)
    told = event.event
    if isinstance(told, CustomerDeleted):
        after["deleted"] = True
    for name, (fields, fact, rank) in _groups(event).items():
        lasting = _LASTING.get(name, ())
        after[name] = newest(account.get(name), fact, fields, rank=rank, lasting=lasting)
    return _left(after)


def _groups(event: Recorded) -> dict[str, tuple[Mapping[str, Any], Recorded, int]]:
    """What the event tells of the customer, group by group: fields, the fact that orders them among
    others, and their rank."""
    groups: dict[str, tuple[Mapping[str, Any], Recorded, int]] = {}
    told = event.event
    if isinstance(told, CustomerChanged | CustomerImported):
        profile = {name: getattr(told, name) for name in _PROFILE}
        groups["profile"] = (profile, event, _rank(_STATES, told.state))
    if isinstance(told, CustomerImported):
        groups["tags"] = ({"tags": sorted(told.tags)}, event, 0)
    if isinstance(told, CustomerImported | CustomerSpendChanged):
        spend = {"orders": told.orders, "amount": told.amount_spent, "currency": told.currency}
        groups["spend"] = (spend, _as_read(event), 0)
    if isinstance(told, CustomerDeleted) and told.merged_into is not None:
        groups["merged"] = ({"into": told.merged_into}, event, 0)
    consent = getattr(told, "email_consent", None)
    if consent is not None:
        groups["consent"] = ({"email": consent}, event, _rank(_CONSENTS, consent))
    return groups


def _as_read(event: Recorded) -> Recorded:
    """What an import read was so when it was read, however long ago the customer changed."""
    if not isinstance(event.event, CustomerImported) or event.told_at is None:
        return event
    return event._replace(occurred_at=event.told_at)


def _rank(states: Sequence[str], state: str | None) -> int:
    return states.index(state) if state in states else 0


def _left(account: Account) -> Account:
    """What is left of an account: Shopify never uses an id again, so what comes late brings nothing
    of a deleted customer back."""
    if not account.get("deleted"):
        return account
    return {name: account[name] for name in ("deleted", "merged", "spend") if name in account}


def _kept(accounts: Mapping[str, Account]) -> dict[str, Account]:
    """At most `MAX_ACCOUNTS`, in the order of their ids: equal rows are equal documents."""
    ids = sorted(accounts, key=int)[-MAX_ACCOUNTS:]
    return {shopify_id: accounts[shopify_id] for shopify_id in ids}


def _contact(row: Row, mail: MessageReceived, event: Recorded) -> dict[str, Any]:
    """Who wrote last. What a machine sent is no contact. It names the person only as long as
    nothing else does, and so does a mail whose sender was not proved."""
    fields = {
        "person_wrote": not mail.automatic and mail.proved is not False,
        "name": mail.from_name,
        "address": mail.from_address,
    }
    told = newest(None, event, fields)
    changed: dict[str, Any] = {}
    if mail.from_address is not None:  # an unknown sender is known by no name
        changed["contact"] = _better_contact(row["contact"], told)
    if not mail.automatic:
        changed["last_contact_at"] = _latest(row["last_contact_at"], event.occurred_at)
    return changed


def _better_contact(one: Row | None, other: Row | None) -> Row | None:
    if one is None or other is None:
        return one or other
    if one["person_wrote"] != other["person_wrote"]:
        return one if one["person_wrote"] else other
    return newer(one, other)


def _link(after: dict[str, Any], key: str, joined: PersonsJoined) -> None:
    """The larger id points at the smaller: links never form a circle, whichever
    id the event keeps. One person may point at several smaller ones, if joins crossed."""
    small, large = sorted((joined.person, joined.absorbed))
    if key == large and small != large:
        after["merged_into"] = sorted({*after["merged_into"], small})
    after["joined"] = True


def _lists(row: Row) -> list[str]:
    """In which lists the row is looked for. Rows that are joined with others are in all of
    them: what the person is can be told only of all their rows together."""
    if row["merged_into"]:
        return []
    if row["joined"]:
        return ["all", "customers", "leads", "joined"]
    return {"customer": ["all", "customers"], "lead": ["all", "leads"], "gone": []}[kind_of(row)]


def kind_of(row: Row) -> Literal["customer", "lead", "gone"]:
    """`customer`, `lead`, or `gone`. Who wrote and ordered as a guest is a customer, although
    Shopify has no account of them."""
    if any(not account.get("deleted") for account in row["accounts"].values()):
        return "customer"
    if not (row["first_contact_at"] or row["contact"]):
        return "gone"
    return "customer" if row.get("ordered_at") and not row["accounts"] else "lead"


def combine(rows: Iterable[Row]) -> Row:
    """One row of all the rows of a person: as if every fact had named the same id.

    Pure, and the order of `rows` makes no difference. `merged_into`, `joined` and `lists` say
    nothing any more.
    """
    result: dict[str, Any] = dict(_EMPTY)
    accounts: dict[str, Account] = {}
    for row in rows:
        for shopify_id, account in row["accounts"].items():
            accounts[shopify_id] = _one_account(accounts.get(shopify_id), account)
        result["contact"] = _better_contact(result["contact"], row["contact"])
        for name, pick in (
            ("first_contact_at", _earliest),
            ("last_contact_at", _latest),
            ("ordered_at", _earliest),
            ("changed_at", _latest),
        ):
            # Rows from before the end of November 2026 lack `ordered_at`.
            if row.get(name) is not None:
                result[name] = pick(result[name], row[name])
    result["accounts"] = _kept(accounts)
    return result


def _one_account(one: Account | None, other: Account) -> Account:
    if one is None:
        return other
    both = (one.keys() & other.keys()) - {"deleted"}
    same = {name: newer(one[name], other[name], _LASTING.get(name, ())) for name in both}
    return _left({**one, **other, **same})


def same_persons(rows: Mapping[str, Row]) -> list[list[str]]:
    """The keys of the rows, those that are one person together, the smallest first: links are
    followed to the end, in both directions."""
    root = {person: person for person in rows}

    def find(person: str) -> str:
        while root[person] != person:
            person = root[person]
        return person

    for person, row in rows.items():
        for other in row["merged_into"]:
            if other in root:
                one, two = sorted((find(person), find(other)))
                root[two] = one
    members: dict[str, list[str]] = {}
    for person in sorted(rows):
        members.setdefault(find(person), []).append(person)
    return list(members.values())


def count(rows: Mapping[str, Row]) -> Mapping[str, int]:
    """How many customers and leads there are, each person once."""
    joined = {person: row for person, row in rows.items() if row["joined"]}
    kinds = [kind_of(row) for row in rows.values() if not row["joined"]]
    kinds += [kind_of(combine(joined[one] for one in persons)) for persons in same_persons(joined)]
    return {"customers": kinds.count("customer"), "leads": kinds.count("lead")}


PERSON_COUNTS = Counts(count, links="merged_into", linked="joined")


def _earliest(one: Any, other: Any) -> Any:
    return other if one is None else min(one, other)


def _latest(one: Any, other: Any) -> Any:
    return other if one is None else max(one, other)


CUSTOMERS = Projection(
    name="customers",
    version=1,
    handles=types(
        CustomerChanged,
        CustomerImported,
        CustomerConsentChanged,
        CustomerSpendChanged,
        CustomerDeleted,
        OrderChanged,
        ConversationStarted,
        MessageReceived,
        PersonsJoined,
    ),
    passes=frozenset(
        {"billing", "conversations", "customers", "imports", "mail", "orders", "shops"}
    ),
    keys=keys,
    evolve=evolve,
    counts=PERSON_COUNTS,
    indexes=(
        (("lists", 1), ("changed_at", -1), ("_id", -1)),
        (("merged_into", 1),),
    ),
)
