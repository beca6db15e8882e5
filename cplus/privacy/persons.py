"""The directory of persons: finds the person for a Shopify customer id or an email address.

It is in the keyring's database, separate from the log. The log knows only its random ids.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from cplus.clock import Clock, to_milliseconds, utc_now
from cplus.combiner import Combiner
from cplus.errors import CplusError
from cplus.ids import random_id
from cplus.keys import derived_key
from cplus.mongo import BulkWriteError, Database, IndexModel, UpdateOne, duplicates
from cplus.privacy.burying import bury, rows_of, watched
from cplus.privacy.identities import Identities, Question, Resolved, Row
from cplus.privacy.mentions import Mentions, Named
from cplus.privacy.tombstones import is_tombstone
from cplus.retries import Retries

PERSONS = "persons"
RETRIES = Retries(tries=10, pause=0.01, longest=0.1)

_AT_ONCE: Final = 500  # questions that one query answers


class IdentityTaken(CplusError):
    """An identity of a person was given to another id in this moment: look again."""


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
        self._mentioned = Combiner(self._rows_of, room=_AT_ONCE, size=len)

    async def resolve(
        self,
        shop: str,
        *,
        shopify_id: int | None = None,
        address: str | None = None,
        phone: str | None = None,
        at: datetime | None = None,
        told_at: datetime | None = None,
        happened_at: datetime | None = None,
        ordered: bool = False,
    ) -> Resolved | None:
        """The person with these identities, new or known; None without identities.

        The customer `shopify_id` has this address, and did `at` that time (now, where it is not
        given): it is theirs until another account has it. With `at` and no address, they have none.
        Of two facts of the same time, the one that was told later counts (`told_at`).
        An address alone is a question: who has it now? A phone number counts only without both.

        What is told happened at `happened_at` (`at`, or now, where it is not given), and if
        `ordered`, the customer placed an order then. If the person was erased since, it is theirs:
        see `Resolved.erased`.

        If a customer's address is that of somebody who only wrote, they are one person, and the
        smaller id stays. Only `join` makes them one in the directory, after the log has the event:
        until then each call returns the same. Raises IdentityTaken if other processes are faster in
        every attempt.
        """
        account = None if shopify_id is None else f"{shop}/shopify/{shopify_id}"
        named = self._address(shop, address) if address else None
        if account is None and named is None:
            named = self._phone(shop, phone)
        if account is None and named is None:
            return None
        happened_at = happened_at or at
        if account and named and at is None:
            at = self._clock()
        at = None if account is None or at is None else to_milliseconds(at)
        told_at = None if at is None or told_at is None else to_milliseconds(told_at)
        question = Question(shop, account, named, at, told_at, happened_at, ordered)
        ask = partial(self._questions.ask, question)
        return await self._retries.of(ask, IdentityTaken, shop=shop)

    async def find(self, shop: str, address: str) -> list[str]:
        """Every id of the person who has this address, or had it last; empty if it is not known.
        Unlike `resolve`, it makes nobody known."""
        name = self._address(shop, address)
        row = (await self._find([name])).get(name)
        if row is None or is_tombstone(row):
            return []
        return [row["person"], *sorted(row.get("former", ()))]

    async def named(self, shop: str, told: Mentions) -> Named:
        """Whom a body names that a cause holds, also those who were erased. It makes nobody
        known, and says nothing of who has an address now."""
        names = {self._address(shop, one) for one in told.addresses}
        names.update(f"{shop}/shopify/{one}" for one in told.shopify_ids)
        found: list[Row] = await self._mentioned.ask(names) if names else []
        persons = sorted({row["person"] for row in found})
        return Named(tuple(persons), strangers=len(found) < len(names))

    async def forget(self, shop: str, persons: Collection[str], at: datetime) -> None:
        """Forgets persons who were erased `at` that time: these are all ids of one. In place of
        their rows are tombstones.

        Repeatable, even if it is cut off between rows. Raises IdentityTaken if the person was
        joined into an id that is not among these: then that has to be erased too.
        """
        at = to_milliseconds(at)
        rows = await rows_of(self._persons, shop, persons)
        while living := {row["person"] for row in rows if not is_tombstone(row)}:
            if not living <= {*persons}:
                raise IdentityTaken
            await bury(self._persons, rows, at)
            rows = await rows_of(self._persons, shop, persons)

    async def note_shop(self, shop: str, erasure: str) -> None:
        """Notes who is known before the erasure of the shop is recorded. Repeatable."""
        await self._persons.update_many({"shop": shop}, {"$addToSet": {"noted_by": erasure}})

    async def forget_shop(self, shop: str, erasure: str, until: datetime) -> None:
        """Forgets whom it noted, who was known by then, and who was erased there. Repeatable."""
        old = [{"since": {"$not": {"$gt": until}}}, {"noted_by": erasure}]
        await self._persons.delete_many({"shop": shop, "$or": old})

    async def lapse(self) -> int:
        """Forgets who was erased long ago, where somebody else has their address now; returns how
        many. The other tombstones go by themselves."""
        over = {"lapses_at": {"$lte": self._clock()}}
        gone = {"$unset": {"erased": "", "lapses_at": ""}}
        return int((await self._persons.update_many(over, gone)).modified_count)

    async def _answer(self, questions: Sequence[Question]) -> list[Resolved | IdentityTaken]:
        rows = await self._find({name for one in questions for name in one.names})
        left = {
            held
            for one in questions
            if one.at and (held := rows.get(one.account or "", {}).get("address"))
        }
        if left - rows.keys():
            rows |= await self._find(left - rows.keys())
        rows = await self._of_persons(questions, rows) | rows
        found = Identities(rows, self._clock(), self._new_id)
        answers = [found.answer(one) for one in questions]
        if not await self._update(found.updates()):
            return [IdentityTaken() for _ in questions]
        lost = await self._insert(found.inserts)
        return [
            answer if lost.isdisjoint(one.names) else IdentityTaken()
            for one, answer in zip(questions, answers, strict=True)
        ]

    async def _of_persons(
        self, questions: Sequence[Question], rows: Mapping[str, Row]
    ) -> dict[str, Row]:
        """All rows of the persons of whom more must be known: whether they have an account, if an
        account has an address of theirs; and what an older release noted as theirs, if it is the
        first time that their account's address is told."""
        doubtful = {
            address["person"]
            for one in questions
            if one.account
            and (address := rows.get(one.address or ""))
            and address.get("holder") is None
            and not address.get("ended")
            and rows.get(one.account, {}).get("person") != address["person"]
        }
        first = {
            account["person"]
            for one in questions
            if one.at and (account := rows.get(one.account or "")) and account.get("at") is None
        }
        if not doubtful | first:
            return {}
        shops = sorted({one.shop for one in questions})
        wanted = {"shop": {"$in": shops}, "person": {"$in": sorted(doubtful | first)}}
        return {row["_id"]: row for row in await self._persons.find(wanted).to_list(None)}

    async def _update(self, changed: Sequence[tuple[Row, Row]]) -> bool:
        """Writes the changed rows; False if another process was faster with one of them."""
        if not changed:
            return True
        writes = []
        for before, after in changed:
            was = watched(before)
            gone = dict.fromkeys(before.keys() - after.keys(), "")
            change = {"$set": {name: value for name, value in after.items() if name != "_id"}}
            change |= {"$unset": gone} if gone else {}
            writes.append(UpdateOne({"_id": before["_id"], **was}, change))
        result = await self._persons.bulk_write(writes)
        return int(result.matched_count) == len(writes)

    async def join(self, shop: str, person: str, absorbed: str) -> None:
        """Makes two persons one: every identity of both is of `person` from now on.

        Repeatable, and in any order: if one of them was joined into another before, all of them
        become one, and of those the smallest id stays. Who was erased is joined with nobody.
        """
        ids = {person, absorbed}
        while len(ids) > 1:
            asked = len(ids)
            rows = await rows_of(self._persons, shop, ids)
            ids.update(*({row["person"], *row.get("former", ())} for row in rows))
            if any("erased" in row and row["erased"]["person"] in ids for row in rows):
                return
            if len(ids) > asked:
                continue
            live = {row["person"] for row in rows}
            kept = person if live <= {person, absorbed} else min(live)
            # A lookup by another identity must return the former ids too.
            former = ids - {kept}
            if all(row["person"] == kept and former <= {*row.get("former", ())} for row in rows):
                return
            await self._persons.update_many(
                # But for those of whom the rows were buried meanwhile.
                {
                    "shop": shop,
                    "person": {"$in": sorted(live)},
                    "erased.person": {"$nin": sorted(ids)},
                },
                {"$set": {"person": kept}, "$addToSet": {"former": {"$each": sorted(former)}}},
            )

    async def _rows_of(self, asked: Sequence[Collection[str]]) -> list[list[Row]]:
        rows = await self._find({name for names in asked for name in names})
        return [[rows[name] for name in names if name in rows] for names in asked]

    async def _find(self, names: Iterable[str]) -> dict[str, Row]:
        wanted = sorted(names)
        cursor = self._persons.find({"_id": {"$in": wanted}})
        # A batch as large as the question: one request, one reply.
        rows = await cursor.batch_size(len(wanted) + 1).to_list(None)
        return {row["_id"]: row for row in rows}

    async def _insert(self, rows: Sequence[Row]) -> set[str]:
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

    async def _first_taken(self, rows: Sequence[Row]) -> int | None:
        """Inserts up to the first row that is there already, and returns its place."""
        try:
            await self._persons.insert_many(rows)
        except BulkWriteError as error:
            return duplicates(error)[0]
        return None

    def _address(self, shop: str, address: str) -> str:
        return self._hashed(shop, "address", address.strip().lower())

    def _phone(self, shop: str, phone: str | None) -> str | None:
        digits = "".join(filter(str.isdecimal, phone or ""))
        return self._hashed(shop, "phone", digits) if digits else None

    def _hashed(self, shop: str, kind: str, text: str) -> str:
        hashed = self._keyed.copy()
        hashed.update(f"{shop}\n{text}".encode())
        return f"{shop}/{kind}/{hashed.hexdigest()}"


async def ensure_indexes(keyring: Database) -> None:
    """Creates the directory's indexes: on persons, on those who were joined into them, and those by
    which the erased are forgotten."""
    there = {"$exists": True}
    await keyring[PERSONS].create_indexes(
        [
            IndexModel([("shop", 1), ("person", 1)], name="persons"),
            IndexModel(
                [("shop", 1), ("former", 1)],
                name="former",
                partialFilterExpression={"former": there},
            ),
            # Older code leaves the time where it gives the row to somebody: they are not `ended`.
            IndexModel(
                [("expires_at", 1)],
                name="expiry",
                expireAfterSeconds=0,
                partialFilterExpression={"ended": True},
            ),
            IndexModel(
                [("lapses_at", 1)], name="lapses", partialFilterExpression={"lapses_at": there}
            ),
        ]
    )
