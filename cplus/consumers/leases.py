"""Leases: who may do a piece of work now. What they protect is settled by the append."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cplus.mongo import Collection, Database, DuplicateKeyError, ReturnDocument

LEASES = "leases"
_KEPT = 30 * 24 * 3600  # seconds after its end that a row stays; longer than a queue keeps work


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to do one piece of work until it ends."""

    name: str
    fence: int
    """Rises with every holder: notes of an earlier holder are refused."""
    notes: Mapping[str, Any]
    """What holders noted, kept when the lease passes on."""


class Leases:
    """Rows with an expiry and a fencing number, by the database's clock."""

    def __init__(self, database: Database) -> None:
        self._rows: Collection = database[LEASES]

    async def take(self, name: str, seconds: float) -> Lease | None:
        """The lease `name` for so many seconds; None while somebody else holds it."""
        change = {
            "fence": {"$add": [{"$ifNull": ["$fence", 0]}, 1]},
            "expires_at": {"$add": ["$$NOW", int(seconds * 1000)]},
            "notes": {"$ifNull": ["$notes", {}]},
        }
        try:
            row = await self._rows.find_one_and_update(
                {"_id": name, "$expr": {"$lte": ["$expires_at", "$$NOW"]}},
                [{"$set": change}],
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:  # the row is there, and is not free
            return None
        return Lease(name, row["fence"], row["notes"])

    async def note(self, lease: Lease, **notes: Any) -> bool:
        """Keeps notes with the lease, for whoever holds it next; whether it still was ours."""
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
    """Makes the index by which old rows go."""
    await database[LEASES].create_index("expires_at", expireAfterSeconds=_KEPT, name="expiry")
