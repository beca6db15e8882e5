"""Who of a shop's staff was here: since when, and how they like the pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, NamedTuple

from cplus.errors import CredentialsUnreadable
from cplus.mongo import Database
from cplus.shopify.sealed_values import SealedValues

KEPT: Final = timedelta(days=180)
"""How long somebody is known who was not here since."""
_NOTED: Final = timedelta(days=1)  # a visit is noted once in that time
_LONGEST: Final = 100  # characters of a name


@dataclass(frozen=True, slots=True)
class Member:
    """A member of staff who was here."""

    id: str
    """That of the actor."""
    since: datetime
    """When they came first: what came before is not new to them."""
    keys: bool = True
    """Whether single keys are shortcuts."""


class Known(NamedTuple):
    """A member of staff who was here, and who that is."""

    member: Member
    seen_at: datetime
    """The last visit that was noted."""
    name: str
    """Empty where Shopify has none, or was not asked yet."""
    asked_at: datetime | None
    """When Shopify was asked last."""


class Members:
    """One row for each member of each shop. What a member is called is sealed in it, and goes with
    it."""

    NAME: ClassVar[str] = "workspace_members"

    def __init__(self, database: Database, application_secret: str) -> None:
        self._rows = database[self.NAME]
        self._sealed = SealedValues(application_secret, "staff-names")

    async def visit(
        self, shop: str, member: str, now: datetime, known: Known | None = None
    ) -> Member:
        """The member who is here; notes that once a day. `known`: what was read of them already."""
        if known and known.seen_at + _NOTED > now:
            return known.member
        row = await self._rows.find_one({"_id": f"{shop}/{member}"})
        if row is None or row["seen_at"] + _NOTED <= now:
            told = {"shop": shop, "member": member, "seen_at": now, "expires_at": now + KEPT}
            begun = {"since": now}
            await self._rows.update_one(
                {"_id": f"{shop}/{member}"}, {"$set": told, "$setOnInsert": begun}, upsert=True
            )
        return _member(row) if row else Member(member, now)

    async def choose_keys(self, shop: str, member: str, now: datetime, *, keys: bool) -> None:
        """Whether single keys are shortcuts for this member from now on."""
        await self.visit(shop, member, now)
        await self._rows.update_one({"_id": f"{shop}/{member}"}, {"$set": {"keys": keys}})

    async def know(self, shop: str, member: str, now: datetime, *, name: str | None) -> None:
        """Shopify was asked what the member is called; None if it did not answer."""
        await self.visit(shop, member, now)
        told: dict[str, object] = {"asked_at": now}
        if name is not None:
            told["name"] = self._sealed.seal(shop, name[:_LONGEST].encode())
        await self._rows.update_one({"_id": f"{shop}/{member}"}, {"$set": told})

    async def known(self, shop: str, most: int = 500) -> dict[str, Known]:
        """Who is known, by the ids of the members; of those who were here."""
        rows = await self._rows.find({"shop": shop}).to_list(most)
        return {row["member"]: self._known(shop, row) for row in rows}

    def _known(self, shop: str, row: Mapping[str, Any]) -> Known:
        name = self._name(shop, row.get("name"))
        return Known(_member(row), row["seen_at"], name, row.get("asked_at"))

    def _name(self, shop: str, sealed: bytes | None) -> str:
        if sealed is None:
            return ""
        try:
            return self._sealed.open(shop, sealed).decode()
        except CredentialsUnreadable:
            return ""  # of another application secret: it is asked again

    async def knows(self, shop: str, member: str) -> bool:
        """Whether a member with this id was here."""
        return await self._rows.find_one({"_id": f"{shop}/{member}"}, {"_id": 1}) is not None


def _member(row: Mapping[str, Any]) -> Member:
    return Member(row["member"], row["since"], row.get("keys", True))
