"""Persons: what the row of one says, and what several rows say that are one person. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from cplus.events.base import ERASED
from cplus.projections.base import Counts, Row
from cplus.projections.models.facts import newer, order

MAX_ACCOUNTS = 20
"""Customers in Shopify that one row holds. Those with the largest ids stay, which are the newest;
which they are depends on no order."""

LASTING: Mapping[str, tuple[str, ...]] = {
    # Webhooks leave out the one or the other, and Shopify never takes them away.
    "profile": ("locale", "state", "currency", "created_at"),
}
"""Fields that stay as they were known if a fact leaves them out, by group."""
EMPTY: Row = {
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
"""The row of a person of whom nothing is known."""
LINKS = ("merged_into", "joined", "for_good", "by_hand")
"""The fields that say with whom a row is one person, of those that it has. `merged_into` are the
smaller ids that it is linked to, `joined` says whether it is linked at all. The last two are there
once a merchant merged the person with another: `for_good`, the first two without that, and
`by_hand`, each whom they were ever merged with and whether they still are."""
TAG_CHANGES = "tag_changes"
"""Where an account has the tags that were added and removed, each as it was told last."""
_MAX_TAG_CHANGES = 500
"""Shopify keeps at most 250 tags of a customer."""
TAGGED = "tagged"
"""Where the row of somebody whom the shop ever tagged has its tags, by their ids: by the event of
which `version` each was changed last, and whether the person `has` it since."""
_MAX_TAGGED = 200
"""A person has up to 20 at a time, of up to 100 that a shop has."""
Account = Mapping[str, Any]
"""What is known of one customer in Shopify: groups of fields. Of one that is deleted, as it stays
for ever, only {"deleted": True}, what they had spent, and into which customer they were merged."""


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

    Pure, and the order of `rows` makes no difference. `LINKS` and `lists` say nothing any more, and
    of the shop's own tags only those that one of the rows has.
    """
    result: dict[str, Any] = dict(EMPTY)
    accounts: dict[str, Account] = {}
    has: set[str] = set()
    for row in rows:
        has.update(own_tags(row))
        for shopify_id, account in row["accounts"].items():
            accounts[shopify_id] = _one_account(accounts.get(shopify_id), account)
        result["contact"] = better_contact(result["contact"], row["contact"])
        for name, pick in (
            ("first_contact_at", earliest),
            ("last_contact_at", latest),
            ("ordered_at", earliest),
            ("changed_at", latest),
        ):
            # Rows from before the end of November 2026 lack `ordered_at`.
            if row.get(name) is not None:
                result[name] = pick(result[name], row[name])
    result["accounts"] = kept(accounts)
    if has:
        result[TAGGED] = {tag: {"has": True} for tag in sorted(has)}
    return result


def _one_account(one: Account | None, other: Account) -> Account:
    if one is None:
        return other
    both = (one.keys() & other.keys()) - {"deleted", TAG_CHANGES}
    same: dict[str, Any] = {
        name: newer(one[name], other[name], LASTING.get(name, ())) for name in both
    }
    if TAG_CHANGES in one or TAG_CHANGES in other:
        told = (*one.get(TAG_CHANGES, ()), *other.get(TAG_CHANGES, ()))
        same[TAG_CHANGES] = newest_changes(told)
    return left_of({**one, **other, **same})


def newest_changes(changes: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of each tag the change that was told last, the oldest first. Shopify tells two tags apart by
    more than upper and lower case."""
    by_tag: dict[str, Mapping[str, Any]] = {}
    for one in changes:
        name = one["tag"].casefold()
        by_tag[name] = newer(by_tag[name], one) if name in by_tag else one
    oldest_first = sorted(by_tag.items(), key=lambda named: (order(named[1]), named[0]))
    return [one for _, one in oldest_first[-_MAX_TAG_CHANGES:]]


def tags_of(account: Account) -> list[str]:
    """The tags of a customer: those that the import read, and what was added and removed since."""
    read = account.get("tags")
    tags = {tag.casefold(): tag for tag in (read["tags"] if read else ())}
    for one in account.get(TAG_CHANGES, ()):
        if read is not None and one["at"] < read["at"]:
            continue
        if one["has"]:
            tags.setdefault(one["tag"].casefold(), one["tag"])
        else:
            tags.pop(one["tag"].casefold(), None)
    return sorted(tags.values())


def tagged(row: Row, version: int, added: Iterable[str], removed: Iterable[str]) -> Row:
    """The tags of the row after the event of that version of the stream of its tags."""
    known = dict(row.get(TAGGED, {}))
    for tags, has in ((added, True), (removed, False)):
        for tag in tags:
            if tag not in known or known[tag]["version"] < version:
                known[tag] = {"version": version, "has": has}
    newest = sorted(known, key=lambda tag: (known[tag]["version"], tag))[-_MAX_TAGGED:]
    return {TAGGED: {tag: known[tag] for tag in sorted(newest)}}


def own_tags(row: Row) -> list[str]:
    """The ids of the tags that the shop put on the person."""
    return [tag for tag, told in row.get(TAGGED, {}).items() if told["has"]]


def texts_of(row: Row) -> list[str]:
    """What a person is called, and where they are reached: all that is known, the newest account
    first."""
    told: list[str | None] = []
    newest_first = sorted(row["accounts"].items(), key=lambda one: -int(one[0]))
    for profile in (account.get("profile", {}) for _, account in newest_first):
        told += [" ".join(filter(None, (profile.get("first_name"), profile.get("last_name"))))]
        told += [profile.get("email"), profile.get("phone")]
    contact = row["contact"] or {}
    told += [contact.get("name"), contact.get("address")]
    return [one for one in told if one and one != ERASED]


def link_for_good(row: Row, key: str, one: str, other: str) -> Row:
    """The links of the row after it was said that two persons are one. The larger id points at the
    smaller: links never form a circle, whichever id the event keeps. One person may point at
    several smaller ones, if joins crossed."""
    small, large = sorted((one, other))
    into = set(_for_good(row)["into"])
    if key == large and small != large:
        into.add(small)
    return _links(key, {"into": sorted(into), "joined": True}, row.get("by_hand", ()))


def link_by_hand(row: Row, key: str, change: Mapping[str, Any]) -> Row:
    """The links of the row after a merchant merged the person with another, or took that back.
    `change` says whether they are `merged` `with` whom, since when (`at`), and `by` whom. Of each
    pair the change with the larger `version` counts."""
    known = {one["with"]: one for one in row.get("by_hand", ())}
    before = known.get(change["with"])
    if before is None or before["version"] < change["version"]:
        known[change["with"]] = change
    return _links(key, _for_good(row), [known[other] for other in sorted(known)])


def _for_good(row: Row) -> Mapping[str, Any]:
    told: Mapping[str, Any] | None = row.get("for_good")
    return told or {"into": row["merged_into"], "joined": row["joined"]}


def _links(key: str, good: Mapping[str, Any], by_hand: Sequence[Mapping[str, Any]]) -> Row:
    merged = {one["with"] for one in by_hand if one["merged"]}
    links = {
        "merged_into": sorted({*good["into"], *(one for one in merged if one < key)}),
        "joined": good["joined"] or bool(merged),
    }
    return {**links, "for_good": good, "by_hand": list(by_hand)} if by_hand else links


def same_for_good(rows: Mapping[str, Row]) -> list[list[str]]:
    """As `same_persons`, but for what merchants merged."""
    return same_persons({key: {"merged_into": _for_good(row)["into"]} for key, row in rows.items()})


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


def left_of(account: Account) -> Account:
    """What is left of an account: Shopify never uses an id again, so what comes late brings nothing
    of a deleted customer back."""
    if not account.get("deleted"):
        return account
    return {name: account[name] for name in ("deleted", "merged", "spend") if name in account}


def kept(accounts: Mapping[str, Account]) -> dict[str, Account]:
    """At most `MAX_ACCOUNTS`, in the order of their ids: equal rows are equal documents."""
    ids = sorted(accounts, key=int)[-MAX_ACCOUNTS:]
    return {shopify_id: accounts[shopify_id] for shopify_id in ids}


def better_contact(one: Row | None, other: Row | None) -> Row | None:
    """The one that names the person: one that a person wrote, then the newest."""
    if one is None or other is None:
        return one or other
    if one["person_wrote"] != other["person_wrote"]:
        return one if one["person_wrote"] else other
    return newer(one, other)


def earliest(one: Any, other: Any) -> Any:
    """The earlier moment; `one` may be None."""
    return other if one is None else min(one, other)


def latest(one: Any, other: Any) -> Any:
    """The later moment; `one` may be None."""
    return other if one is None else max(one, other)
