"""The directory of persons: finds the person for a Shopify customer id or an email address.

It is in the keyring's database, separate from the log. The log knows only its random ids.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from cplus.clock import Clock, utc_now
from cplus.combiner import Combiner
from cplus.errors import CplusError
from cplus.events.names import person as named
from cplus.ids import random_id
from cplus.keys import derived_key
from cplus.mongo import BulkWriteError, Database
from cplus.retries import Retries

PERSONS = "persons"
RETRIES = Retries(tries=10, pause=0.01, longest=0.1)

_AT_ONCE: Final = 500  # questions that one query answers
_DUPLICATE: Final = 11000

_Row = dict[str, Any]


class IdentityTaken(CplusError):
    """An identity of a person was given to another id in this moment: look again."""


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

    @property
    def ids(self) -> list[str]:
        """Every id that the log may use for this person."""
        return list(dict.fromkeys([self.person, *self.absorbed, *self.former]))


@dataclass(frozen=True, slots=True)
class _Question:
    """Who has these identities of one shop?"""

    shop: str
    names: Sequence[str]


class PersonDirectory:
    """Identities of persons, per shop. The first insert of an identity decides the person's id.

    Whoever asks while another question is under way is answered together with all others that
    wait, by one query and one insert, as if they had been asked one after the other.
    """

    def __init__(
        self,
        keyring: Database,
        secret: str,
        clock: Clock = utc_now,
        *,
        retries: Retries = RETRIES,
        new_id: Callable[[], str] = random_id,
    ) -> None:
        """`new_id` makes the ids of persons, which must be unique and tell nothing."""
        self._persons = keyring[PERSONS]
        # Keyed once: for a short text, the key would take most of the time of its hash.
        self._keyed = hmac.new(derived_key(secret, "persons"), digestmod=hashlib.sha256)
        self._clock = clock
        self._retries = retries
        self._new_id = new_id
        # One at a time: two at once from one process would only take identities from each other.
        self._questions = Combiner(self._answer, groups=1, room=_AT_ONCE)

    async def resolve(
        self, shop: str, *, shopify_id: int | None = None, address: str | None = None
    ) -> Resolved | None:
        """The person with these identities, new or known; None without identities.

        If the identities belong to two persons, the one with the smaller id stays. Only `join`
        changes the directory, after the log has the event: until then each call returns the same.
        Raises IdentityTaken if other processes are faster in every attempt.
        """
        names = self._names(shop, shopify_id, address)
        if not names:
            return None
        ask = partial(self._questions.ask, _Question(shop, names))
        return await self._retries.of(ask, IdentityTaken, shop=shop)

    async def _answer(self, questions: Sequence[_Question]) -> list[Resolved | IdentityTaken]:
        known = await self._find({name for one in questions for name in one.names})
        answers, missing = [], list[_Row]()
        for one in questions:
            found = [known[name] for name in one.names if name in known]
            persons = sorted({row["person"] for row in found})
            former = tuple(sorted({i for row in found for i in row.get("former", ())}))
            person = persons[0] if persons else named(self._new_id())
            answers.append(Resolved(person, persons[1:], former))
            for name in one.names:
                if name not in known:
                    known[name] = self._row(name, one.shop, answers[-1])
                    missing.append(known[name])
        lost = await self._insert(missing)
        return [
            answer if lost.isdisjoint(one.names) else IdentityTaken()
            for one, answer in zip(questions, answers, strict=True)
        ]

    async def join(self, shop: str, person: str, absorbed: str) -> None:
        """Moves every identity of `absorbed` to `person`. Repeatable."""
        if person == absorbed:
            return
        rows = {"shop": shop, "person": absorbed}
        former = await self._persons.distinct("former", rows)
        await self._persons.update_many(
            rows, {"$set": {"person": person}, "$addToSet": {"former": absorbed}}
        )
        # A lookup by another identity must return the former ids too.
        await self._persons.update_many(
            {"shop": shop, "person": person},
            {"$addToSet": {"former": {"$each": [absorbed, *former]}}},
        )

    async def _find(self, names: Iterable[str]) -> dict[str, _Row]:
        wanted = sorted(names)
        cursor = self._persons.find({"_id": {"$in": wanted}}, {"person": 1, "former": 1})
        # A batch as large as the question: one request, one reply.
        rows = await cursor.batch_size(len(wanted) + 1).to_list(None)
        return {row["_id"]: row for row in rows}

    def _row(self, name: str, shop: str, who: Resolved) -> _Row:
        row = {"_id": name, "shop": shop, "person": who.person, "since": self._clock()}
        return {**row, "former": list(who.former)} if who.former else row

    async def _insert(self, rows: Sequence[_Row]) -> set[str]:
        """Inserts in this order; returns the names that were not inserted, because another process
        has just inserted them, or one of the same person before them."""
        lost: set[str] = set()
        while rows and (taken := await self._first_taken(rows)) is not None:
            # In order, and not one more of that person: two processes that insert the identities
            # of one person side by side must not each get half of them.
            person = rows[taken]["person"]
            lost.update(row["_id"] for row in rows[taken:] if row["person"] == person)
            rows = [row for row in rows[taken:] if row["person"] != person]
        return lost

    async def _first_taken(self, rows: Sequence[_Row]) -> int | None:
        """Inserts up to the first row that is there already, and returns its place."""
        try:
            await self._persons.insert_many(rows)
        except BulkWriteError as error:
            [refused] = error.details["writeErrors"] or [{}]
            if error.details["writeConcernErrors"] or refused.get("code") != _DUPLICATE:
                raise
            return int(refused["index"])
        return None

    def _names(self, shop: str, shopify_id: int | None, address: str | None) -> list[str]:
        names = []
        if shopify_id is not None:
            names.append(f"{shop}/shopify/{shopify_id}")
        if address:
            hashed = self._keyed.copy()
            hashed.update(f"{shop}\n{address.strip().lower()}".encode())
            names.append(f"{shop}/address/{hashed.hexdigest()}")
        return names


async def ensure_indexes(keyring: Database) -> None:
    """Creates the directory's index on persons."""
    await keyring[PERSONS].create_index([("shop", 1), ("person", 1)], name="persons")
