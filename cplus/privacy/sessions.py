"""Sessions that ended before their time, by signing out and by the removal of the app; and
sign-in links and id tokens of Shopify that were used.

A session is a signed cookie, so it is good wherever it is kept until it is over. What is written
here is what makes it void earlier.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from cplus.mongo import Collection, Database, DuplicateKeyError

ENDED: Final = "ended_sessions"
"""The collection; a row goes when every session that it ends is over anyway."""

USED_LINKS: Final = "used_links"
"""The collection of sign-in links that were used; a row goes when its link is over anyway."""

USED_TOKENS: Final = "used_tokens"
"""The collection of id tokens that were used; a row goes when its token is over anyway."""

SECONDS: Final = 12 * 3600
"""How long a session lasts at most."""

# By the database's clock, which is the one that makes rows go.
_EXPIRY: Final = {"expires_at": {"$add": ["$$NOW", SECONDS * 1000]}}


class EndedSessions:
    """Those that are void. Each question and each change is one call to the database."""

    def __init__(self, database: Database) -> None:
        self._rows: Collection = database[ENDED]

    async def end(self, session_id: str) -> None:
        """Ends one session, wherever its cookie is kept. Doing it again changes nothing."""
        await self._set(f"session/{session_id}", {})

    async def end_all(self, shop: str, until: datetime) -> None:
        """Ends the sessions of the shop that began up to this moment."""
        await self._set(f"shop/{shop}", {"until": {"$max": ["$until", until]}})

    async def holds(self, shop: str, session_id: str, since: datetime) -> bool:
        """Whether the session of the shop that began at `since` was ended."""
        names = [f"session/{session_id}", f"shop/{shop}"]
        cursor = self._rows.find({"_id": {"$in": names}}, {"until": 1})
        rows = await cursor.to_list(None)
        return any("until" not in row or since <= row["until"] for row in rows)

    async def _set(self, name: str, fields: dict[str, Any]) -> None:
        await self._rows.update_one({"_id": name}, [{"$set": {**fields, **_EXPIRY}}], upsert=True)


class UsedLinks:
    """Sign-in links that were used."""

    def __init__(self, database: Database) -> None:
        self._rows: Collection = database[USED_LINKS]

    async def holds(self, name: str) -> bool:
        """Whether the link with this name was used."""
        return await self._rows.find_one({"_id": name}, {"_id": 1}) is not None

    async def use(self, name: str, expires_at: datetime) -> bool:
        """Uses the link with this name up; whether it was still unused. Of several at once, one
        is told so."""
        try:
            await self._rows.insert_one({"_id": name, "expires_at": expires_at})
        except DuplicateKeyError:
            return False
        return True


class UsedTokens:
    """Id tokens of Shopify that were used, each with the tab that used it. A name is a digest of
    the token's own id, and a tab that of its key; both are made elsewhere."""

    def __init__(self, database: Database) -> None:
        self._rows: Collection = database[USED_TOKENS]

    async def use(self, name: str, expires_at: datetime, *, tab: str) -> bool:
        """Uses the token up, for every tab but this one; whether it was still unused. Of several
        at once, one is told so."""
        try:
            await self._rows.insert_one({"_id": name, "tab": tab, "expires_at": expires_at})
        except DuplicateKeyError:
            return False
        return True

    async def use_by(self, name: str, expires_at: datetime, *, tab: str) -> bool:
        """Whether the tab may use the token: nobody did before, or this tab."""
        if await self.use(name, expires_at, tab=tab):
            return True
        return await self._rows.find_one({"_id": name, "tab": tab}, {"_id": 1}) is not None


async def ensure_indexes(database: Database) -> None:
    """Makes the indexes by which old rows go."""
    for name in (ENDED, USED_LINKS, USED_TOKENS):
        await database[name].create_index("expires_at", expireAfterSeconds=0, name="expiry")
