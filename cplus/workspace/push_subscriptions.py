"""Browsers of staff that want to be told of new messages.

Where a browser is told, and its keys, are sealed. A row goes when nobody signs in with its browser
for a time: Shopify tells nobody when somebody leaves a shop's staff.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from cplus.clock import Clock, hour_of
from cplus.errors import CredentialsUnreadable, InvalidInput
from cplus.ids import spelled
from cplus.keys import derived_key
from cplus.mongo import Collection, Database, ReturnDocument
from cplus.shopify.sealed_values import SealedValues
from cplus.webpush import Subscription
from cplus.wording import worded

ROWS: Final = "push_subscriptions"
"""`{_id, shop, member, sealed, key, words, says, says_mentioned, since, expires_at}`: `key` is the
public key for which the browser subscribed."""
HOURS: Final = "push_hours"
"""`{_id: "<shop>/<hour>", told, expires_at}`: of how many messages a shop's staff was told."""
MOST_OF_A_MEMBER: Final = 10
MOST: Final = 50
"""Browsers of a shop that are told."""
LASTS: Final = timedelta(days=90)
"""After the last sign-in with a browser."""
IN_AN_HOUR: Final = 60
"""Messages of a shop of which its staff is told; more of them are found in the inbox."""


@dataclass(frozen=True, slots=True)
class PushRow:
    """A browser of a member of staff."""

    id: str
    member: str
    since: datetime
    expires_at: datetime
    words: bool
    """Whether it is told who wrote, and the first words."""
    says: str
    """What it is told else, in the language of who turned it on."""
    says_mentioned: str
    """The same where a note mentions them."""


class PushSubscriptions:
    """The rows, by the clock that is given."""

    def __init__(self, database: Database, application_secret: str, clock: Clock) -> None:
        self._rows: Collection = database[ROWS]
        self._hours: Collection = database[HOURS]
        self._sealed = SealedValues(application_secret, "push-subscriptions")
        self._key = derived_key(application_secret, "push-endpoints")
        self._clock = clock

    async def add(
        self,
        shop: str,
        member: str,
        given: Subscription,
        *,
        key: str,
        words: bool,
        says: str,
        says_mentioned: str = "",
        instead_of: str = "",
    ) -> str:
        """Keeps a browser; returns the id of its row, which is always the same for the same
        endpoint: a form that is sent twice adds one. `instead_of` is the row that the browser has
        by now, of any shop and member: a browser is told for one of them. Raises InvalidInput if
        there are too many."""
        now, id_ = self._clock(), self._id(given.endpoint)
        for gone in {id_, instead_of} - {""}:
            await self.forget(gone)
        own = await self._rows.count_documents({"shop": shop, "member": member})
        if own >= MOST_OF_A_MEMBER or await self._rows.count_documents({"shop": shop}) >= MOST:
            raise InvalidInput(reason=worded("there are too many browsers; turn one off first"))
        row = {
            "shop": shop,
            "member": member,
            "sealed": self._seal(shop, given),
            "key": key,
            "words": words,
            "says": says,
            "says_mentioned": says_mentioned,
            "since": now,
            "expires_at": now + LASTS,
        }
        await self._rows.replace_one({"_id": id_}, row, upsert=True)
        return id_

    async def renew(self, id_: str, given: Subscription) -> str | None:
        """Keeps the new subscription of a browser in place of the one that its maker's push
        service ended; returns the id of its row. All else stays, and so does the day on which the
        row goes. None if no such browser is told, so that nothing can begin here."""
        row = await self._rows.find_one({"_id": id_, "expires_at": {"$gt": self._clock()}})
        if row is None:
            return None
        new = self._id(given.endpoint)
        changed = {**row, "_id": new, "sealed": self._seal(row["shop"], given)}
        # First the new row: a crash between the two leaves one that nobody answers at any more.
        await self._rows.replace_one({"_id": new}, changed, upsert=True)
        if new != id_:
            await self.forget(id_)
        return new

    async def of_member(self, shop: str, member: str) -> list[PushRow]:
        """The browsers of a member of staff, the oldest first."""
        cursor = self._rows.find({"shop": shop, "member": member}).sort("since", 1)
        return [
            _row(one) for one in await cursor.to_list(MOST) if one["expires_at"] > self._clock()
        ]

    async def any_of(self, shop: str) -> bool:
        """Whether anybody of the shop wants to be told."""
        found = await self._rows.find_one({"shop": shop, "expires_at": {"$gt": self._clock()}})
        return found is not None

    async def all_of(self, shop: str, key: str) -> list[tuple[PushRow, Subscription]]:
        """Every browser of the shop and where it is told. One that subscribed for another key of
        the app, or whose row cannot be opened, will never be told, and is forgotten."""
        found: list[tuple[PushRow, Subscription]] = []
        cursor = self._rows.find({"shop": shop, "expires_at": {"$gt": self._clock()}})
        for one in await cursor.to_list(MOST):
            opened = self._opened(shop, one["sealed"]) if one["key"] == key else None
            if opened is None:
                await self.forget(one["_id"])
            else:
                found.append((_row(one), opened))
        return found

    async def choose(self, shop: str, member: str, id_: str, *, words: bool) -> None:
        """The member chooses what a browser of theirs is told; of others' nothing is changed."""
        own = {"_id": id_, "shop": shop, "member": member}
        await self._rows.update_one(own, {"$set": {"words": words}})

    async def turn_off(self, shop: str, member: str, id_: str) -> None:
        """The member turns a browser of theirs off; of others' none."""
        await self._rows.delete_one({"_id": id_, "shop": shop, "member": member})

    async def signed_in(self, id_: str, shop: str, member: str) -> None:
        """Somebody signed in with the browser: it is told for longer, and for another member of
        the same shop not any more."""
        own = {"_id": id_, "shop": shop, "member": member}
        await self._rows.update_one(own, {"$set": {"expires_at": self._clock() + LASTS}})
        await self._rows.delete_one({"_id": id_, "shop": shop, "member": {"$ne": member}})

    async def forget(self, id_: str) -> None:
        """The browser is told nothing any more."""
        await self._rows.delete_one({"_id": id_})

    async def forget_member(self, shop: str, member: str) -> None:
        """No browser of the member is told anything any more."""
        await self._rows.delete_many({"shop": shop, "member": member})

    async def forget_all(self, shop: str, until: datetime) -> None:
        """Forgets the browsers of the shop that were added up to that moment."""
        await self._rows.delete_many({"shop": shop, "since": {"$lte": until}})

    async def take(self, shop: str) -> bool:
        """Whether the staff may be told of one more message in this hour, and counts it."""
        now = self._clock()
        row: dict[str, Any] = await self._hours.find_one_and_update(
            {"_id": f"{shop}/{hour_of(now)}"},
            {"$inc": {"told": 1}, "$set": {"expires_at": now + timedelta(hours=2)}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return int(row["told"]) <= IN_AN_HOUR

    def _id(self, endpoint: str) -> str:
        return spelled(hmac.new(self._key, endpoint.encode(), hashlib.sha256).digest()[:26])

    def _seal(self, shop: str, given: Subscription) -> bytes:
        text = json.dumps([given.endpoint, given.key.hex(), given.auth.hex()])
        return self._sealed.seal(shop, text.encode())

    def _opened(self, shop: str, sealed: bytes) -> Subscription | None:
        try:
            endpoint, public, auth = json.loads(self._sealed.open(shop, sealed))
        except CredentialsUnreadable:
            return None
        return Subscription(endpoint, bytes.fromhex(public), bytes.fromhex(auth))


def _row(one: dict[str, Any]) -> PushRow:
    told = (one["words"], one["says"], one.get("says_mentioned") or one["says"])
    return PushRow(one["_id"], one["member"], one["since"], one["expires_at"], *told)


async def ensure_indexes(database: Database) -> None:
    """Makes the index by which a shop's browsers are found, and those by which rows go."""
    await database[ROWS].create_index([("shop", 1), ("member", 1)], name="shop")
    for name in (ROWS, HOURS):
        await database[name].create_index("expires_at", expireAfterSeconds=0, name="expiry")
