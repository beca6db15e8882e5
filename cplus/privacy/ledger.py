"""The ledger of erasures: what was erased, kept outside of the database.

A backup from before an erasure has its keys again. The ledger says which erasures have to be done
once more on it, and proves with the day's root that they were done. Entries stand in the bucket of
roots, where every version is kept and locked, and name nobody: a person is a random id.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from urllib.parse import quote

from cplus.events.audit.roots import LEDGER, Objects

_AROUND = timedelta(days=1)  # an erasure that ends after midnight may have been written before it


@dataclass(frozen=True, slots=True)
class Erased:
    """An erasure that was done."""

    shop: str
    erasure: str
    """Its id."""
    persons: tuple[str, ...]
    """Every id of the person; none if the whole shop was erased."""
    at: datetime
    """When this was written, in UTC: the keys were destroyed before."""
    commits: tuple[tuple[int, str], ...]
    """Position and hash of each commit that says that the person is erased, in their order."""
    keys: int
    """Keys that were destroyed."""
    objects: int
    """Objects that were deleted."""

    def with_persons(self, persons: tuple[str, ...]) -> Erased:
        """The same, with these ids."""
        return replace(self, persons=persons)

    @property
    def key(self) -> str:
        """Its key in the bucket."""
        return _key(self.at.date(), self.shop, self.erasure)

    def to_json(self) -> bytes:
        """The stored form."""
        said = {
            "shop": self.shop,
            "erasure": self.erasure,
            "persons": list(self.persons),
            "at": self.at.isoformat(),
            "commits": [{"position": at, "hash": digest} for at, digest in self.commits],
            "keys": self.keys,
            "objects": self.objects,
        }
        return json.dumps(said, indent=1).encode()

    @classmethod
    def of_json(cls, raw: bytes) -> Erased:
        """Reads the stored form; raises ValueError if it is no entry."""
        try:
            said = json.loads(raw)
            return cls(
                shop=str(said["shop"]),
                erasure=str(said["erasure"]),
                persons=tuple(map(str, said["persons"])),
                at=datetime.fromisoformat(said["at"]),
                commits=tuple((int(one["position"]), str(one["hash"])) for one in said["commits"]),
                keys=int(said["keys"]),
                objects=int(said["objects"]),
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError("this is no entry of the ledger") from error


class Ledger:
    """The entries in their bucket."""

    def __init__(self, objects: Objects, bucket: str) -> None:
        self._objects = objects
        self._bucket = bucket

    async def write(self, entry: Erased) -> None:
        """Adds an entry. One that was written on that day stays as it is; repeatable."""
        await self._objects.put_new_object(self._bucket, entry.key, entry.to_json())

    async def entry(self, shop: str, erasure: str, completed: datetime) -> bytes | None:
        """The entry of an erasure that was completed at that time, as it is stored; None if there
        is none."""
        for day in (completed.date(), completed.date() - _AROUND):
            key = _key(day, shop, erasure)
            for versions in (await self._objects.list_versions(self._bucket, key)).values():
                if versions.ids:
                    return await self._objects.get_object(self._bucket, key, versions.ids[0])
        return None

    async def entries(self) -> AsyncIterator[Erased]:
        """Every entry, in the order of days. Raises ValueError at one that cannot be read."""
        for key, versions in (await self._objects.list_versions(self._bucket, LEDGER)).items():
            if versions.ids:
                raw = await self._objects.get_object(self._bucket, key, versions.ids[0])
                yield Erased.of_json(raw)


def _key(day: date, shop: str, erasure: str) -> str:
    return f"{LEDGER}{day.isoformat()}/{shop}/{quote(erasure, safe='')}.json"
