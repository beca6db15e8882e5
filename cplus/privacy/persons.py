"""The directory of persons: finds the person for a Shopify customer id or an email address.

It is in the keyring's database, separate from the log. The log knows only its random ids.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from cplus.clock import Clock, utc_now
from cplus.errors import CplusError
from cplus.events.names import person as named
from cplus.ids import random_id
from cplus.keys import derived_key
from cplus.mongo import Database, DuplicateKeyError
from cplus.retries import Retries

PERSONS = "persons"
RETRIES = Retries(tries=10, pause=0.01, longest=0.1)


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


class PersonDirectory:
    """Identities of persons, per shop. The first insert of an identity decides the person's id."""

    def __init__(
        self,
        keyring: Database,
        secret: str,
        clock: Clock = utc_now,
        *,
        retries: Retries = RETRIES,
    ) -> None:
        self._persons = keyring[PERSONS]
        self._key = derived_key(secret, "persons")
        self._clock = clock
        self._retries = retries

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
        resolve = partial(self._resolve, shop, names)
        return await self._retries.of(resolve, IdentityTaken, shop=shop)

    async def _resolve(self, shop: str, names: list[str]) -> Resolved:
        found = await self._find(names)
        persons = sorted({row["person"] for row in found.values()})
        former = tuple(sorted({i for row in found.values() for i in row.get("former", ())}))
        person = persons[0] if persons else named(random_id())
        missing = [name for name in names if name not in found]
        await self._insert(shop, missing, person, former)
        return Resolved(person, persons[1:], former)

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

    async def _find(self, names: list[str]) -> dict[str, dict[str, Any]]:
        cursor = self._persons.find({"_id": {"$in": names}}, {"person": 1, "former": 1})
        return {row["_id"]: row for row in await cursor.to_list(None)}

    async def _insert(
        self, shop: str, names: list[str], person: str, former: Sequence[str]
    ) -> None:
        for name in names:
            row: dict[str, Any] = {
                "_id": name,
                "shop": shop,
                "person": person,
                "since": self._clock(),
            }
            if former:
                row["former"] = list(former)
            try:
                await self._persons.insert_one(row)
            except DuplicateKeyError:  # another process created the person
                raise IdentityTaken from None

    def _names(self, shop: str, shopify_id: int | None, address: str | None) -> list[str]:
        names = []
        if shopify_id is not None:
            names.append(f"{shop}/shopify/{shopify_id}")
        if address:
            hashed = hmac.new(
                self._key, f"{shop}\n{address.strip().lower()}".encode(), hashlib.sha256
            )
            names.append(f"{shop}/address/{hashed.hexdigest()}")
        return names


async def ensure_indexes(keyring: Database) -> None:
    """Creates the directory's index on persons."""
    await keyring[PERSONS].create_index([("shop", 1), ("person", 1)], name="persons")
