"""The ledger of erasures: what was erased, kept outside of the database.

A backup from before an erasure has its keys again. The ledger says which erasures have to be done
once more on it, and proves with the day's root that they were done. Entries stand in the bucket of
roots, where every version is kept and locked, and name nobody: a person is a random id.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Annotated, Final, Literal, NamedTuple
from urllib.parse import quote

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
)

from cplus.events.audit.roots import LEDGER, Objects

PERSON: Final = "person"
SHOP: Final = "shop"
"""The kinds of entries."""

_Ref = Annotated[str, Field(pattern=r"^person/[A-Za-z0-9_-]+$")]
_Text = Annotated[str, Field(min_length=1)]


class _Proof(BaseModel):
    model_config = ConfigDict(strict=True)
    position: PositiveInt
    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Said(BaseModel):
    """The stored form of an entry."""

    model_config = ConfigDict(strict=True)
    kind: Literal["person", "shop"] = PERSON
    """Entries of before have none and are of persons."""
    shop: _Text
    erasure: _Text
    persons: tuple[_Ref, ...]
    at: AwareDatetime
    commits: Annotated[tuple[_Proof, ...], Field(min_length=1)]
    keys: NonNegativeInt
    objects: NonNegativeInt
    erased_at: AwareDatetime | None = None


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
    """Objects that the log named: they are deleted."""
    erased_at: datetime | None = None
    """When a shop was erased in the log, in UTC: who installed the app after that began anew, even
    while the rest was still being erased. None in entries of before and of persons."""

    def with_persons(self, persons: tuple[str, ...]) -> Erased:
        """The same, with these ids."""
        return replace(self, persons=persons)

    @property
    def kind(self) -> str:
        """PERSON or SHOP."""
        return PERSON if self.persons else SHOP

    @property
    def key(self) -> str:
        """Its key in the bucket. A later run that erased more appended more: its entry has another
        key."""
        last = max((position for position, _ in self.commits), default=0)
        return f"{_begin(self.at.astimezone(UTC).date(), self.shop, self.erasure)}/{last}.json"

    def covers(self, other: Erased) -> bool:
        """Whether this has whatever the other entry has."""
        return {*self.persons, *self.commits} >= {*other.persons, *other.commits}

    def to_json(self) -> bytes:
        """The stored form."""
        said = {
            "kind": self.kind,
            "shop": self.shop,
            "erasure": self.erasure,
            "persons": list(self.persons),
            "at": self.at.isoformat(),
            "commits": [{"position": at, "hash": digest} for at, digest in self.commits],
            "keys": self.keys,
            "objects": self.objects,
        }
        if self.erased_at is not None:
            said["erased_at"] = self.erased_at.isoformat()
        return json.dumps(said, indent=1).encode()


class Stored(NamedTuple):
    """An entry as it is stored."""

    key: str
    raw: bytes

    def entry(self) -> Erased:
        """What it says; raises ValueError, with its key, if it is no entry or that of another
        key."""
        try:
            said = _Said.model_validate_json(self.raw)
        except ValidationError as error:
            raise ValueError(f"{self.key} is no entry of the ledger") from error
        commits = tuple((one.position, one.hash) for one in said.commits)
        told = (said.shop, said.erasure, said.persons, said.at, commits, said.keys, said.objects)
        entry = Erased(*told, erased_at=said.erased_at)
        if entry.kind != said.kind:
            raise ValueError(f"{self.key} does not say whether it is of a person or of a shop")
        before = f"{_begin(entry.at.astimezone(UTC).date(), said.shop, said.erasure)}.json"
        if self.key not in (entry.key, before):  # as the first ones were called
            raise ValueError(f"{self.key} is the entry of another key")
        return entry


class Ledger:
    """The entries in their bucket."""

    def __init__(self, objects: Objects, bucket: str) -> None:
        self._objects = objects
        self._bucket = bucket

    async def write(self, entry: Erased) -> None:
        """Adds an entry. One that was written on that day with the same commits stays as it is;
        repeatable."""
        await self._objects.put_new_object(self._bucket, entry.key, entry.to_json())

    async def entries_of(self, shop: str, erasure: str, days: Iterable[date]) -> list[Stored]:
        """The entries of an erasure in the order of days: those of these days, or if there are
        none, of all."""
        begins = [_begin(day, shop, erasure) for day in sorted(set(days))]
        listed = await asyncio.gather(*map(self._stored, begins))
        name = re.compile(rf"/{re.escape(f'{shop}/{_name(erasure)}')}(/\d+)?\.json$")
        own = [one for found in listed for one in found if name.search(one[0])]
        if not own:
            own = [one for one in await self._stored(LEDGER) if name.search(one[0])]
        return [one async for one in self._read(own)]

    async def entries(self) -> AsyncIterator[Stored]:
        """Every entry, in the order of days."""
        async for one in self._read(await self._stored(LEDGER)):
            yield one

    async def _stored(self, prefix: str) -> list[tuple[str, str]]:
        """Keys with their first version: the one that counts."""
        found = await self._objects.list_versions(self._bucket, prefix)
        return [(key, versions.ids[0]) for key, versions in found.items() if versions.ids]

    async def _read(self, found: Iterable[tuple[str, str]]) -> AsyncIterator[Stored]:
        for key, version in found:
            yield Stored(key, await self._objects.get_object(self._bucket, key, version))


def _begin(day: date, shop: str, erasure: str) -> str:
    return f"{LEDGER}{day.isoformat()}/{shop}/{_name(erasure)}"


def _name(erasure: str) -> str:
    return quote(erasure, safe="")
