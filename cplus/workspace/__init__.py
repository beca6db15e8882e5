"""State of those who work, which is nobody's history: rows outside of the log, which go by
themselves.

Each row is of one shop and one member of staff. None holds words of a customer in clear: drafts are
sealed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cplus.mongo import Database
from cplus.workspace.drafts import Drafts
from cplus.workspace.members import Members
from cplus.workspace.presence import Presence
from cplus.workspace.read_marks import ReadMarks
from cplus.workspace.undoing import KEPT, Undoes

_AT: Final = (
    *((Members.NAME, "seen_at"), (ReadMarks.NAME, "at"), (Presence.NAME, "at")),
    (Drafts.NAME, "saved_at"),
)
"""Where rows are, and from when each is."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """All of it."""

    members: Members
    marks: ReadMarks
    undoes: Undoes
    presence: Presence
    database: Database

    async def forget_all(self, shop: str, until: datetime) -> None:
        """Forgets what there is of the shop from up to that moment. Repeatable."""
        for name, at in _AT:
            await self.database[name].delete_many({"_id": _of(shop), at: {"$lte": until}})
        done = {"expires_at": {"$lte": until + KEPT}}
        await self.database[Undoes.NAME].delete_many({"_id": _of(shop), **done})

    @classmethod
    def of(cls, database: Database, application_secret: str) -> Workspace:
        """Kept in this database."""
        members = Members(database, application_secret)
        return cls(members, ReadMarks(database), Undoes(database), Presence(database), database)


def _of(shop: str) -> dict[str, str]:
    """The ids of a shop's rows, which begin with its host and a slash."""
    return {"$gte": f"{shop}/", "$lt": f"{shop}0"}


async def ensure_indexes(database: Database) -> None:
    """Makes the indexes by which old rows go, and by which a shop's members are found."""
    for rows in (Members.NAME, ReadMarks.NAME, Undoes.NAME, Presence.NAME, Drafts.NAME):
        await database[rows].create_index("expires_at", expireAfterSeconds=0, name="expiry")
    await database[Members.NAME].create_index("shop", name="shop")
    await database[Drafts.NAME].create_index([("shop", 1), ("persons", 1)], name="persons")
    await database[Drafts.NAME].create_index([("shop", 1), ("conversation", 1)], name="talks")


__all__ = ["Drafts", "Members", "Presence", "ReadMarks", "Undoes", "Workspace", "ensure_indexes"]
