"""Leases: who may do a piece of work now. What they protect is settled by the append."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cplus.ids import random_id
from cplus.mongo import Collection, Database, DuplicateKeyError, OperationFailure, ReturnDocument

LEASES = "leases"
_KEPT = 90 * 24 * 3600
"""Seconds after its end that a row stays: longer than a queue keeps work, and than a mail can be
scheduled ahead (`MAX_AHEAD`): the row is what knows that it was taken back, if a process died."""
_OTHER_OPTIONS = 85
"""MongoDB's IndexOptionsConflict: a release before kept the rows for 30 days."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to do one piece of work until it ends."""

    name: str
    fence: int
    """Rises with every holder: notes of an earlier holder are refused."""
    notes: Mapping[str, Any]
    """What holders noted, kept when the lease passes on."""


def of_sending(shop: str, message_id: str) -> str:
    """The lease of sending a mail: also whoever takes a mail back holds it meanwhile."""
    return f"send/{shop}/{message_id}"


class Leases:
    """Rows with an expiry and a fencing number, by the database's clock."""

    def __init__(self, database: Database) -> None:
        self._rows: Collection = database[LEASES]

    async def take(self, name: str, seconds: float) -> Lease | None:
        """The lease `name` for so many seconds; None while somebody else holds it."""
        holder = random_id()
        # One write that changes nothing while somebody holds it: `$expr` may not stand in the
        # question of an upsert, so the condition stands in the change.
        free = {"$lte": [{"$ifNull": ["$expires_at", "$$NOW"]}, "$$NOW"]}
        fence = {"$ifNull": ["$fence", 0]}
        change = {
            "holder": {"$cond": [free, holder, "$holder"]},
            "fence": {"$cond": [free, {"$add": [fence, 1]}, fence]},
            "notes": {"$ifNull": ["$notes", {}]},
            "expires_at": {
                "$cond": [free, {"$add": ["$$NOW", int(seconds * 1000)]}, "$expires_at"]
            },
        }
        try:
            row = await self._rows.find_one_and_update(
                {"_id": name},
                [{"$set": change}],
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:  # somebody else made the row at the same moment
            return None
        return Lease(name, row["fence"], row["notes"]) if row["holder"] == holder else None

    async def note(self, lease: Lease, **notes: Any) -> bool:
        """Keeps notes with the lease, for its next holder; answers whether it still was ours."""
        changes = {f"notes.{key}": value for key, value in notes.items()}
        answer = await self._rows.update_one(
            {"_id": lease.name, "fence": lease.fence, "$expr": {"$gt": ["$expires_at", "$$NOW"]}},
            {"$set": changes},
        )
        return bool(answer.matched_count)

    async def release(self, lease: Lease) -> None:
        """Ends the lease now; nothing happens when it already passed on."""
        await self._rows.update_one(
            {"_id": lease.name, "fence": lease.fence}, [{"$set": {"expires_at": "$$NOW"}}]
        )


async def ensure_indexes(database: Database) -> None:
    """Makes the index by which old rows go; one that lets them go at another time is changed."""
    try:
        await database[LEASES].create_index("expires_at", expireAfterSeconds=_KEPT, name="expiry")
    except OperationFailure as error:
        if error.code != _OTHER_OPTIONS:
            raise
        kept = {"name": "expiry", "expireAfterSeconds": _KEPT}
        await database.command("collMod", LEASES, index=kept)
