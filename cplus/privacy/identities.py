"""Who somebody is, by the rows of the directory: decided in memory, for many questions at once.

A customer's id in Shopify is one person for ever. An address belongs to who holds it now: the
customer whose account has it, else whoever has written from it. So it says who somebody is only
where nothing stronger does. Two persons become one if a customer's account has the address of
somebody who only wrote; two customers never become one by an address.

Of somebody who was erased, tombstones are left (tombstones.py). What happened before the erasure is
theirs for ever. A later mail, or an order without an account, is of somebody new. An account begins
anew with an order that is placed later, and with nothing else: other news of it may be of what was
erased, and its customer did nothing for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cplus.events.names import person as named
from cplus.privacy.tombstones import is_account, is_late, is_tombstone, lapse, tombstone

Row = dict[str, Any]
"""A row of the directory. Of an account, by its customer's id: `address`, the row of the address
that it holds, `at`, since when, and `told_at`, when Shopify told of it. Of an address: `holder`,
the row of the account, `at` and `told_at` of the last one that had it, and `ended` once the account
has another. Older rows have none of these, or no `told_at`. `erased`: who had it and was erased.
Of both, `since`: when somebody was first known by it, or their account was; `noted_by`: the
erasures of the shop that forget it, if they are recorded."""

_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Resolved:
    """A person, as found in the directory."""

    person: str
    """The id that the log uses, `person/<random>`."""
    absorbed: Sequence[str] = ()
    """Other persons that turned out to be the same; record a PersonsJoined for each, then
    `join`."""
    former: Sequence[str] = ()
    """Ids that were joined into this one earlier; the log still uses them."""

    erased: bool = False
    """Whether the person was erased: nothing about them can be sealed, and they are joined with
    nobody."""

    @property
    def ids(self) -> list[str]:
        """Every id that the log may use for this person."""
        return list(dict.fromkeys([self.person, *self.absorbed, *self.former]))


@dataclass(frozen=True, slots=True)
class Question:
    """Who is this, in one shop?"""

    shop: str
    account: str | None
    """The id of the row of a customer in Shopify."""
    address: str | None
    """The id of the row of an address."""
    at: datetime | None
    """When the account had this address, or none; None if nothing is said about that."""
    told_at: datetime | None = None
    """When Shopify told of it: `at` is in whole seconds, and two facts may be of the same one."""
    happened_at: datetime | None = None
    """When what is told happened; None is now."""
    ordered: bool = False
    """Whether the customer placed an order then."""

    @property
    def names(self) -> list[str]:
        """The ids of its rows."""
        return [name for name in (self.account, self.address) if name is not None]


class Identities:
    """Rows of the directory, as they are after each answer."""

    def __init__(
        self,
        rows: dict[str, Row],
        now: datetime,
        new_id: Callable[[], str],
    ) -> None:
        """`rows` are those that the questions name, and whatever else may have to change."""
        self.inserts: list[Row] = []
        """Rows that are new, in the order in which they are to be inserted."""
        self._rows = rows
        self._customers = {row["person"] for row in rows.values() if is_account(row)}
        self._now = now
        self._new_id = new_id
        self._before: dict[str, Row] = {}
        self._new: set[str] = set()

    def answer(self, one: Question) -> Resolved:
        """The person, new or known. Asked again, it is the same."""
        if one.account is None:
            return self._writer(one)
        account = self._rows.get(one.account) or self._new_account(one)
        if "erased" in account:
            if is_late(one.happened_at, account) or (is_tombstone(account) and not one.ordered):
                self._bury(account, one)
                return _erased(account)
            if is_tombstone(account):
                self._begin_anew(account)
        if one.at is not None and _is_news(one, account):
            self._hold(account, one)
        found = [account]
        address = self._rows.get(one.address or "")
        if address is not None and address.get("holder") == one.account:
            found.append(address)
        persons = sorted({row["person"] for row in found})
        former = sorted({former for row in found for former in row.get("former", ())})
        return Resolved(persons[0], persons[1:], tuple(former))

    def updates(self) -> list[tuple[Row, Row]]:
        """The rows that are to change, as they were and as they are. Addresses come first: as long
        as the account's row is as it was, the same question does all of it again."""
        changed = [(before, self._rows[name]) for name, before in self._before.items()]
        return sorted(changed, key=lambda both: is_account(both[1]))

    def _writer(self, one: Question) -> Resolved:
        """Who writes from an address, or orders with it and has no account."""
        assert one.address is not None  # noqa: S101  a question has one of the two
        row = self._rows.get(one.address)
        if row is None:
            row = self._insert(one.address, one.shop, named(self._new_id()))
        elif is_late(one.happened_at, row):
            return _erased(row)
        elif row.get("ended"):
            # Nobody holds it any more. Whose it was may be told of them, not who has it now.
            # Its times stay: what is older than the last who had it does not bring it back.
            someone = named(self._new_id())
            changes = {"person": someone, "since": self._now, "former": None, "holder": None}
            self._change(row, **changes, **_living(row))
        return Resolved(row["person"], [], tuple(sorted(row.get("former") or ())))

    def _new_account(self, one: Question) -> Row:
        assert one.account is not None  # noqa: S101  asked by the caller
        address = self._rows.get(one.address or "")
        if address is not None and (
            address.get("holder") == one.account
            or (_is_later(one, address) and self._only_wrote(address))
        ):
            row = self._insert(one.account, one.shop, address["person"], address.get("former"))
        elif address is not None and is_late(one.happened_at, address) and _was_lead(address):
            # It is the account of somebody who only wrote, and is erased with them.
            erased = address["erased"]
            row = self._insert(one.account, one.shop, erased["person"])
            row |= tombstone(row["_id"], row, erased["at"])
        else:
            row = self._insert(one.account, one.shop, named(self._new_id()))
        self._customers.add(row["person"])
        return row

    def _begin_anew(self, account: Row) -> None:
        """The customer was erased, and placed an order afterwards."""
        someone, erased_at = named(self._new_id()), account["erased"]["at"]
        self._customers.add(someone)
        changes = {"person": someone, "since": self._now, "former": None, "at": erased_at}
        self._change(account, **changes, gone=None, **_living(account))

    def _bury(self, account: Row, one: Question) -> None:
        """Erases an address that another process gave to the account just when that was erased,
        and noticed, or stopped: in either case it asks the same again."""
        row = self._rows.get(one.address or "")
        if row is None or is_tombstone(row) or not is_tombstone(account):
            return
        if row["person"] == account["person"]:
            dead = tombstone(row["_id"], account, account["erased"]["at"])
            self._change(row, **dict.fromkeys(row.keys() - dead.keys()), **dead)

    def _only_wrote(self, address: Row) -> bool:
        """Whether the address is of somebody without an account."""
        free = address.get("holder") is None and not address.get("ended")
        return free and address["person"] not in self._customers

    def _hold(self, account: Row, one: Question) -> None:
        """The account has this address and no other."""
        before, address = account.get("address"), one.address
        if before != address and before is not None:
            left = self._rows.get(before)
            if left is not None and left.get("holder") == account["_id"]:
                self._change(left, ended=True)
        if account.get("at") is None and account["_id"] not in self._new:
            self._end_older(account, address)
        held = address if address is not None and self._take(account, address, one) else None
        if account.get("at") is None or before != held:
            self._change(account, address=held, at=one.at, told_at=one.told_at)

    def _end_older(self, account: Row, address: str | None) -> None:
        """Ends what else an older release noted as an address of the account's person: that says
        not whether they still have it. If the person has another account, it may be that one's."""
        same = [row for row in self._rows.values() if row["person"] == account["person"]]
        if sum(map(is_account, same)) > 1:
            return
        for row in same:
            if not is_account(row) and row.get("holder") is None and row["_id"] != address:
                self._change(row, ended=True)

    def _take(self, account: Row, address: str, one: Question) -> bool:
        """Gives the address to the account, unless another one has had it since."""
        row = self._rows.get(address)
        mine = {"holder": account["_id"], "at": one.at, "told_at": one.told_at}
        if row is None:
            row = self._insert(address, account["shop"], account["person"], account.get("former"))
            self._change(row, since=account.get("since"), **mine)
            return True
        mine |= _living(row)
        if row.get("holder") == account["_id"]:
            if row.get("ended"):
                self._change(row, **mine)
        elif not _is_later(one, row):
            return False
        elif row["person"] == account["person"] or self._only_wrote(row):
            # The row goes over to the account's person once the log knows that they are one.
            self._change(row, **mine)
        else:
            theirs = {name: account.get(name) for name in ("person", "former", "since")}
            self._change(row, **theirs, **mine)
        return True

    def _insert(self, name: str, shop: str, person: str, former: object = None) -> Row:
        row = {"_id": name, "shop": shop, "person": person, "since": self._now}
        if former:
            row["former"] = former
        self._rows[name] = row
        self.inserts.append(row)
        self._new.add(name)
        return row

    def _change(self, row: Row, **changes: Any) -> None:
        if row["_id"] not in self._new:
            self._before.setdefault(row["_id"], dict(row))
        for name, value in changes.items():
            if value is None:
                row.pop(name, None)
            else:
                row[name] = value


def _erased(row: Row) -> Resolved:
    return Resolved(row["erased"]["person"], erased=True)


def _was_lead(row: Row) -> bool:
    """Whether the one who was erased had no account."""
    return bool(row["erased"].get("lead"))


def _living(row: Row) -> Row:
    """What changes if somebody has the row now, whose it was before."""
    return {"ended": None, "expires_at": None, "noted_by": None, "lapses_at": lapse(row)}


def _is_news(one: Question, account: Row) -> bool:
    """Whether the account's address has to be changed. Facts come in any order and more than once:
    what is not later than what is known changes nothing. What is known is done again: the process
    may have stopped between the account's row and the one of its address."""
    again = account.get("address") == one.address and _mark(one.at, one.told_at) == _last(account)
    return again or _is_later(one, account)


def _is_later(one: Question, row: Row) -> bool:
    """Whether this is after what made the row as it is."""
    return row.get("at") is None or _mark(one.at, one.told_at) > _last(row)


def _last(row: Row) -> tuple[datetime, datetime]:
    return _mark(row.get("at"), row.get("told_at"))


def _mark(at: datetime | None, told_at: datetime | None) -> tuple[datetime, datetime]:
    """What says which of two facts is newer."""
    return at or _NEVER, told_at or _NEVER
