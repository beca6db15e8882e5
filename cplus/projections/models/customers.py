"""Customers: a row for each person, who may be a customer in Shopify, a lead, or both in turn.

A fact folds into the row of the person that it names, and nowhere else, also where that person
was joined with another: what a row holds then depends on no order. Rows that are one person are
linked by PersonsJoined, or by PersonsMerged until that is taken back, and `combine` (persons.py)
makes one of them on reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cplus.events.base import Recorded
from cplus.events.catalogue.conversations import ConversationStarted, MessageReceived
from cplus.events.catalogue.customers import (
    CustomerChanged,
    CustomerConsentChanged,
    CustomerDeleted,
    CustomerImported,
    CustomerSpendChanged,
    CustomerTagsChanged,
    PersonsJoined,
)
from cplus.events.catalogue.merges import PersonsMerged, PersonsUnmerged
from cplus.events.catalogue.orders import OrderChanged
from cplus.events.catalogue.persons import PersonTagged
from cplus.events.catalogue.privacy import PersonErased
from cplus.projections.base import Projection, Row
from cplus.projections.models.facts import newest, types
from cplus.projections.models.persons import (
    EMPTY,
    LASTING,
    LINKS,
    PERSON_COUNTS,
    TAG_CHANGES,
    Account,
    better_contact,
    earliest,
    kept,
    kind_of,
    latest,
    left_of,
    link_by_hand,
    link_for_good,
    newest_changes,
    tagged,
    texts_of,
)
from cplus.projections.words import index_words

_LINKING = (PersonsJoined, PersonsMerged, PersonsUnmerged)
_WORDS = 200  # by which a person is found: of names, addresses and phone numbers

_PROFILE = (
    *("first_name", "last_name", "email", "phone", "note", "locale", "state", "currency"),
    "created_at",
)
_STATES = ("", "disabled", "invited", "declined", "enabled")
_CONSENTS = ("", "invalid", "not_subscribed", "pending", "subscribed", "unsubscribed")
"""In the order in which one follows the other, if two come with the same time."""


def keys(event: Recorded) -> Iterable[str]:
    """The person; for two that turned out to be one, both."""
    if isinstance(event.event, _LINKING):
        return [event.event.person, event.event.absorbed]
    if isinstance(event.event, OrderChanged):
        order = event.event
        return [] if order.person is None or order.test or order.cancelled else [order.person]
    return [getattr(event.event, "person")]  # noqa: B009  every event handled here has it


def evolve(key: str, row: Row | None, event: Recorded) -> Row | None:
    """The row after the event: the same whatever the order, and however often it comes."""
    # A row that an earlier release stored lacks what was added since.
    after = {**EMPTY, **(row or {})}
    if after.get("erased") and not isinstance(event.event, _LINKING):
        return row  # what comes late shows nothing
    match event.event:
        case PersonErased():
            links = {name: after[name] for name in LINKS if name in after}
            after = {**EMPTY, **links, "erased": True, "changed_at": event.occurred_at}
        case (
            CustomerChanged()
            | CustomerImported()
            | CustomerSpendChanged()
            | CustomerConsentChanged()
            | CustomerTagsChanged()
            | CustomerDeleted() as fact
        ):
            accounts = dict(after["accounts"])
            account = accounts.get(str(fact.shopify_customer_id), {})
            accounts[str(fact.shopify_customer_id)] = _account(account, event)
            after["accounts"] = kept(accounts)
        case OrderChanged() as order:
            placed = order.created_at or event.occurred_at
            after["ordered_at"] = earliest(after["ordered_at"], placed)
        case ConversationStarted() as begun:
            if begun.by == "merchant":
                after.update(_written_to(after, begun, event))
            after["first_contact_at"] = earliest(after["first_contact_at"], event.occurred_at)
            after["last_contact_at"] = latest(after["last_contact_at"], event.occurred_at)
        case MessageReceived() as mail:
            after.update(_contact(after, mail, event))
        case PersonsJoined() as joined:
            after.update(link_for_good(after, key, joined.person, joined.absorbed))
        case PersonTagged() as told:
            # No news of the person: whoever tags many does not turn the list upside down.
            version = event.version or 0
            return {**after, **tagged(after, version, told.added, told.removed)}
        case PersonsMerged() | PersonsUnmerged() as said:
            after.update(link_by_hand(after, key, _said(said, key, event)))
    after["changed_at"] = latest(after["changed_at"], event.occurred_at)
    after["words"] = index_words(texts_of(after), _WORDS)
    after["lists"] = _lists(after)
    return after


def _account(account: Account, event: Recorded) -> Account:
    after = dict(account)
    told = event.event
    if isinstance(told, CustomerDeleted):
        after["deleted"] = True
    if isinstance(told, CustomerTagsChanged):
        changes = _tag_changes(told, event)
        after[TAG_CHANGES] = newest_changes((*account.get(TAG_CHANGES, ()), *changes))
    for name, (fields, fact, rank) in _groups(event).items():
        lasting = LASTING.get(name, ())
        after[name] = newest(account.get(name), fact, fields, rank=rank, lasting=lasting)
    return left_of(after)


def _tag_changes(told: CustomerTagsChanged, event: Recorded) -> list[Mapping[str, Any]]:
    return [
        newest(None, event, {"tag": tag, "has": has})
        for tags, has in ((told.added, True), (told.removed, False))
        for tag in tags or ()
    ]


def _groups(event: Recorded) -> dict[str, tuple[Mapping[str, Any], Recorded, int]]:
    """What the event tells of the customer, group by group: fields, the fact that orders them among
    others, and their rank."""
    groups: dict[str, tuple[Mapping[str, Any], Recorded, int]] = {}
    told = event.event
    if isinstance(told, CustomerChanged | CustomerImported):
        profile = {name: getattr(told, name) for name in _PROFILE}
        groups["profile"] = (profile, event, _rank(_STATES, told.state))
    if isinstance(told, CustomerImported):
        groups["tags"] = ({"tags": sorted(told.tags or ())}, event, 0)
    if isinstance(told, CustomerImported | CustomerSpendChanged):
        spend = {"orders": told.orders, "amount": told.amount_spent, "currency": told.currency}
        if isinstance(told, CustomerImported) and told.last_order is not None:
            spend["last_order"] = told.last_order
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
        changed["contact"] = better_contact(row["contact"], told)
    if not mail.automatic:
        changed["last_contact_at"] = latest(row["last_contact_at"], event.occurred_at)
    return changed


def _written_to(row: Row, begun: ConversationStarted, event: Recorded) -> dict[str, Any]:
    """Whom the merchant wrote to first: known by the address alone."""
    fields = {"person_wrote": False, "name": None, "address": begun.address}
    if begun.address is None:
        return {}
    return {"contact": better_contact(row["contact"], newest(None, event, fields))}


def _said(said: PersonsMerged | PersonsUnmerged, key: str, event: Recorded) -> Mapping[str, Any]:
    return {
        "with": said.absorbed if key == said.person else said.person,
        "version": said.originator_version,
        "merged": isinstance(said, PersonsMerged),
        "at": event.occurred_at,
        "by": event.actor,
    }


def _lists(row: Row) -> list[str]:
    """In which lists the row is looked for. Rows that are joined with others are in all of
    them: what the person is can be told only of all their rows together."""
    if row["merged_into"]:
        return []
    if row["joined"]:
        return ["all", "customers", "leads", "joined"]
    return {"customer": ["all", "customers"], "lead": ["all", "leads"], "gone": []}[kind_of(row)]


CUSTOMERS = Projection(
    name="customers",
    version=1,
    handles=types(
        CustomerChanged,
        CustomerImported,
        CustomerConsentChanged,
        CustomerSpendChanged,
        CustomerTagsChanged,
        CustomerDeleted,
        OrderChanged,
        ConversationStarted,
        MessageReceived,
        PersonsJoined,
        PersonsMerged,
        PersonsUnmerged,
        PersonTagged,
        PersonErased,
    ),
    opens=types(
        CustomerChanged,
        CustomerImported,
        CustomerTagsChanged,
        ConversationStarted,
        MessageReceived,
    ),
    keys=keys,
    evolve=evolve,
    counts=PERSON_COUNTS,
    indexes=(
        (("lists", 1), ("changed_at", -1), ("_id", -1)),
        (("merged_into", 1),),
        (("words", 1), ("changed_at", -1), ("_id", -1)),
    ),
)
