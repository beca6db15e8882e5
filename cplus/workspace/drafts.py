"""What members of staff have begun to write and have not sent: replies, notes and new messages.

A row is one draft of one member. Its words are sealed under the key of whom they are about; those
of a new message to an address that nobody is known by, under the key of the day on which they were
saved, which is destroyed 31 days later. A row whose key is gone counts as none.

The row names the key of its form. Once the log has what was sent with that key, there is no draft,
also if its row is still there: sending and removing are two steps.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Literal, NamedTuple, Protocol, get_args

from cplus.clock import Clock
from cplus.errors import InvalidInput, NotFound, RowBroken
from cplus.events.log.row_sealing import RowField, open_in_row, seal_in_row
from cplus.events.log.sealing import OpeningKeys, SealingKeys, unnamed
from cplus.events.log.store import EventStore
from cplus.events.names import command_claim, reply_claim
from cplus.mail import addresses_in
from cplus.mongo import Database, DuplicateKeyError, ReturnDocument, ids_of
from cplus.wording import worded

KEPT: Final = timedelta(days=30)
"""How long a draft is kept after it was saved last; no longer than the key of a day."""
UNDO: Final = timedelta(days=1)
"""How long one that was discarded can be brought back."""
MOST: Final = 100
"""Drafts of one member."""
MAX_BYTES: Final = 500_000
"""Of all fields of one: a reply of as many characters as there may be, and tokens of its files."""

Kind = Literal["reply", "note", "new"]
Find = Callable[[str, str], Awaitable[Sequence[str]]]
"""Every id of the person with that address in that shop."""

_WORDS: Final = "words"
_ADDRESSED: Final = ("to", "cc", "bcc")


class Keys(SealingKeys, OpeningKeys, Protocol):
    """Seals and opens."""


class Place(NamedTuple):
    """Which draft of a member it is."""

    kind: Kind
    of: str
    """The conversation; the key of the form of a new message."""

    @property
    def name(self) -> str:
        """As forms and rows say it."""
        return f"{self.kind}/{self.of}"

    @property
    def conversation(self) -> str | None:
        """The conversation; None for a new message."""
        return None if self.kind == "new" else self.of

    def claim(self, key: str) -> str:
        """What the log holds once a form with this key was sent from there."""
        return command_claim(key) if self.kind == "note" else reply_claim(key)

    @classmethod
    def read(cls, name: str) -> Place | None:
        """The place of that name; None for what is none."""
        kind, _, of = name.partition("/")
        found = next((one for one in get_args(Kind) if one == kind), None)
        fits = of.isascii() and of.isalnum() and len(of) <= 64
        return cls(found, of) if found and fits else None


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft as it is kept."""

    place: Place
    key: str
    """That of its form."""
    version: int
    """Counts how often it was saved."""
    saved_at: datetime
    fields: Mapping[str, str]
    """What stands in the form, by the names of its fields."""


class Saved(NamedTuple):
    """It is kept, in this version."""

    version: int
    at: datetime


class Conflict(NamedTuple):
    """It was saved elsewhere since, with other words: nothing was kept."""

    draft: Draft


class Over(NamedTuple):
    """There is no such draft any more: it was sent, discarded, or removed. Nothing was kept."""

    sent: bool


class Drafts:
    """The drafts of all members."""

    NAME: ClassVar[str] = "drafts"

    def __init__(
        self, database: Database, store: EventStore, keys: Keys, find: Find, clock: Clock
    ) -> None:
        self._rows = database[self.NAME]
        self._store = store
        self._keys = keys
        self._find = find
        self._clock = clock

    async def save(
        self,
        shop: str,
        member: str,
        place: Place,
        *,
        key: str,
        version: int,
        person: str | None,
        fields: Mapping[str, str],
    ) -> Saved | Conflict | Over:
        """Keeps what stands in a form that showed this version of it, 0 for none. Saved twice with
        the same words, it is kept once.

        `person` is whom it is about; None where nobody is known. Raises NotFound if they were
        erased, and InvalidInput for too much and too many.
        """
        if sum(len(one.encode()) for pair in fields.items() for one in pair) > MAX_BYTES:
            raise InvalidInput(reason=worded("this draft is too long to be saved"))
        if await self._store.by_claim(shop, place.claim(key)):
            await self.sent(shop, member, place, key)
            return Over(sent=True)
        id_, now = _id(shop, member, place), self._clock()
        row = await self._sealed(shop, id_, person, fields, now)
        row |= {"key": key, "saved_at": now, "expires_at": now + KEPT}
        # One that was discarded gives way to what is begun anew, and not to what was open then.
        states: list[dict[str, Any]] = [{"version": version, "discarded": {"$exists": False}}]
        states += [] if version else [{"discarded": True}]
        found = await self._rows.find_one_and_update(
            {"_id": id_, "$or": states},
            {"$set": row, "$inc": {"version": 1}, "$unset": {"discarded": ""}},
            return_document=ReturnDocument.AFTER,
        )
        if found is not None:
            return Saved(found["version"], now)
        if not version and await self._begun(shop, member, place, {"_id": id_, **row}):
            return Saved(1, now)
        kept = await self.of(shop, member, place)
        # What stood there was sent, and its row was still there: this is another draft.
        if kept is None and not version:
            if await self._begun(shop, member, place, {"_id": id_, **row}):
                return Saved(1, now)
            kept = await self.of(shop, member, place)
        if kept is None:
            return Over(sent=False)
        if dict(kept.fields) != dict(fields):
            return Conflict(kept)
        # The same words, to which no answer came: perhaps by the form that this one replaces.
        mine = {"_id": id_, "version": kept.version}
        await self._rows.update_one(mine, {"$set": {"key": key}})
        return Saved(kept.version, kept.saved_at)

    async def of(self, shop: str, member: str, place: Place) -> Draft | None:
        """The member's draft there, if there is one."""
        return (await self.among(shop, member, [place])).get(place)

    async def among(
        self, shop: str, member: str, places: Collection[Place]
    ) -> Mapping[Place, Draft]:
        """The member's drafts in these places."""
        ids = [_id(shop, member, one) for one in places]
        rows = await self._rows.find({"_id": {"$in": ids}, **_THERE}).to_list(None)
        return {one.place: one for one in await self._opened(shop, rows)}

    async def all(self, shop: str, member: str) -> list[Draft]:
        """All drafts of a member, the last saved first."""
        mine = {"_id": ids_of(f"{shop}/{member}"), **_THERE}
        rows = await self._rows.find(mine).sort("saved_at", -1).to_list(MOST)
        return await self._opened(shop, rows)

    async def places(self, shop: str, member: str) -> list[Place]:
        """Where a member has drafts, without opening them."""
        mine = {"_id": ids_of(f"{shop}/{member}"), **_THERE}
        rows = await self._rows.find(mine, {"_id": 1}).to_list(MOST)
        return [_place(row) for row in rows]

    async def discard(
        self, shop: str, member: str, place: Place, version: int | None = None
    ) -> bool:
        """The member wants it no more, in this version if one is said; whether there was one.
        `restore` brings it back."""
        gone = {"discarded": True, "expires_at": self._clock() + UNDO}
        seen = {} if version is None else {"version": version}
        done = await self._rows.update_one(
            {"_id": _id(shop, member, place), **_THERE, **seen},
            {"$set": gone, "$inc": {"version": 1}},
        )
        return bool(done.modified_count)

    async def restore(self, shop: str, member: str, place: Place) -> bool:
        """Brings back what was discarded, unless something was begun in its place."""
        now = self._clock()
        done = await self._rows.update_one(
            {"_id": _id(shop, member, place), "discarded": True, "expires_at": {"$gt": now}},
            {
                "$set": {"saved_at": now, "expires_at": now + KEPT},
                "$inc": {"version": 1},
                "$unset": {"discarded": ""},
            },
        )
        return bool(done.modified_count)

    async def sent(self, shop: str, member: str, place: Place, key: str, version: int = 0) -> None:
        """What was written in the form with this key was sent, which showed this version.
        Repeatable."""
        shown = [{"key": key}, {"version": version}]
        await self._rows.delete_one({"_id": _id(shop, member, place), "$or": shown})

    async def forget_about(
        self, shop: str, persons: Collection[str], conversations: Collection[str]
    ) -> None:
        """Removes the drafts to these persons and in these conversations. Repeatable."""
        if conversations:
            await self._rows.delete_many(
                {"shop": shop, "conversation": {"$in": sorted(conversations)}}
            )
        if not persons:
            return
        await self._rows.delete_many({"shop": shop, "persons": {"$in": sorted(persons)}})
        # To whom nobody knew: few, as each member has few, and none is older than a month.
        for row in await self._rows.find({"shop": shop, "persons": []}).to_list(None):
            fields = await self._clear(row)
            if fields is None or await self._concerns(shop, fields, persons):
                await self._rows.delete_one({"_id": row["_id"]})

    async def _concerns(
        self, shop: str, fields: Mapping[str, str], persons: Collection[str]
    ) -> bool:
        """Whether one of the addresses there is of one of these persons."""
        for written in addresses_in(",".join(fields.get(one, "") for one in _ADDRESSED)):
            if not set(persons).isdisjoint(await self._find(shop, written)):
                return True
        return False

    async def _sealed(
        self, shop: str, id_: str, person: str | None, fields: Mapping[str, str], now: datetime
    ) -> dict[str, Any]:
        owner = person or unnamed(now)
        erasures = (await self._store.head(shop)).erasures
        key = (await self._keys.to_seal(shop, [owner], erasures))[owner]
        words = seal_in_row(key, _field(id_), {"fields": dict(fields)})
        if words is None:
            raise NotFound(what="conversation")
        return {"persons": [person] if person else [], "by": key.id, _WORDS: words}

    async def _begun(self, shop: str, member: str, place: Place, row: dict[str, Any]) -> bool:
        """Adds the row of a new draft; False if there is one."""
        mine = {"_id": ids_of(f"{shop}/{member}"), **_THERE}
        there = {**mine, "expires_at": {"$gt": self._clock()}}
        if await self._rows.count_documents(there, limit=MOST) >= MOST:
            if await self._rows.find_one({"_id": row["_id"]}, {"_id": 1}):
                return False
            raise InvalidInput(
                reason=worded(
                    "you have %(most)s drafts, which is as many as there can be; send or discard "
                    "one first",
                    most=MOST,
                )
            )
        told = {"shop": shop, "member": member, "place": place.name, "version": 1}
        try:
            await self._rows.insert_one({**row, **told, "conversation": place.conversation})
        except DuplicateKeyError:
            return False
        return True

    async def _opened(self, shop: str, rows: Sequence[Mapping[str, Any]]) -> list[Draft]:
        """The drafts of these rows that there are; removes those that were sent, or that nobody can
        open any more."""
        now = self._clock()
        rows = [row for row in rows if row["expires_at"] > now]
        claims = {row["_id"]: _place(row).claim(row["key"]) for row in rows}
        taken = await self._store.by_claims(shop, list(claims.values())) if claims else {}
        found = []
        for row in rows:
            fields = None if claims[row["_id"]] in taken else await self._clear(row)
            if fields is None:
                await self._rows.delete_one({"_id": row["_id"], "key": row["key"]})
                continue
            place = _place(row)
            found.append(Draft(place, row["key"], row["version"], row["saved_at"], fields))
        return found

    async def _clear(self, row: Mapping[str, Any]) -> Mapping[str, str] | None:
        key = (await self._keys.to_open([row["by"]])).get(row["by"])
        try:
            clear = open_in_row(key, _field(row["_id"]), row[_WORDS]) if key else None
        except RowBroken:
            return None  # nobody can read it, and a draft must not keep a page from showing
        return clear["fields"] if clear else None


_THERE: Final[Mapping[str, Any]] = {"discarded": {"$exists": False}}


def _id(shop: str, member: str, place: Place) -> str:
    return f"{shop}/{member}/{place.name}"


def _field(id_: str) -> RowField:
    return RowField(Drafts.NAME, id_, _WORDS)


def _place(row: Mapping[str, Any]) -> Place:
    kind, _, of = row["_id"].split("/", 2)[2].partition("/")
    return Place(kind, of)
