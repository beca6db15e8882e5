"""How often somebody gave a wrong operator token, so that nobody can try one after the other."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from datetime import timedelta
from typing import Any, Final

from cplus.clock import Clock, utc_now
from cplus.errors import TooManyTries
from cplus.ids import random_id
from cplus.keys import derived_key
from cplus.mongo import Collection, Database

TRIES: Final = "token_tries"
"""The collection: a row for each place that tries come from; it goes when the newest is long
over."""

MOST: Final = 10
"""Wrong tries at most within the window, from one place: others are not locked out by them. The
token is longer than all the addresses of the world could guess."""

WINDOW: Final = timedelta(minutes=15)

_ROW: Final = "console"


class TokenTries:
    """Tries of the operator token from one place, in one row for all processes."""

    def __init__(self, database: Database, clock: Clock = utc_now, *, place: str = "") -> None:
        """`place` is what `place_of` makes of an address."""
        self._rows: Collection = database[TRIES]
        self._clock = clock
        self._row = f"{_ROW}/{place}"

    async def begin(self) -> str:
        """Counts a try as wrong, before anybody looks whether it is: so tries that come at once
        are limited too. Its id, for `forgive`; raises TooManyTries."""
        now, mark = self._clock(), random_id()
        recent = {
            "$filter": {
                "input": {"$ifNull": ["$tries", []]},
                "cond": {"$gt": ["$$this.at", now - WINDOW]},
            }
        }
        more = {"$concatArrays": ["$tries", [{"id": mark, "at": now}]]}
        counted: list[dict[str, Any]] = [
            {"$set": {"tries": recent}},
            {"$set": {"tries": {"$cond": [{"$lt": [{"$size": "$tries"}, MOST]}, more, "$tries"]}}},
            # By the database's clock, which is the one that makes rows go.
            {"$set": {"expires_at": {"$add": ["$$NOW", 1000 * int(WINDOW.total_seconds())]}}},
        ]
        row = await self._rows.find_one_and_update(
            {"_id": self._row}, counted, upsert=True, return_document=True
        )
        if all(one["id"] != mark for one in row["tries"]):
            raise TooManyTries(tries=MOST, minutes=int(WINDOW.total_seconds()) // 60)
        return mark

    async def forgive(self, mark: str) -> None:
        """Takes back a try that gave the right token."""
        await self._rows.update_one({"_id": self._row}, {"$pull": {"tries": {"id": mark}}})


def place_of(address: str | None, secret: str) -> str:
    """Where a request comes from, keyed: an address of IPv4, or a network of IPv6, of which
    somebody has all addresses or none; one place for all of whom nothing is known."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return ""
    bits = 64 if found.version == 6 else 32
    network = ipaddress.ip_network((found, bits), strict=False)
    key = derived_key(secret, "token-tries")
    return hmac.new(key, str(network).encode(), hashlib.sha256).hexdigest()[:32]


async def ensure_indexes(database: Database) -> None:
    """Makes the index by which the old row goes."""
    await database[TRIES].create_index("expires_at", expireAfterSeconds=0, name="expiry")
