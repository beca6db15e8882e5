"""Generations: the collections that hold the rows of a projection, and which of them is read.

One document for each projection names them all, so that the switch is one write. A projection
that has no document yet is at its first generation.

One generation leads, and those that are or were read follow it: see `leader.py`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from cplus.errors import CplusError
from cplus.mongo import Collection, Database
from cplus.projections.base import Projection, collection_of

GENERATIONS = "generations"
REMEMBERED = 1.0
"""Seconds that a reader may go on with what it read last."""


class UnknownProjection(CplusError):
    """There is no projection {name!r}; choose one of: {known}."""


class NothingBefore(CplusError):
    """{name} has no previous generation to go back to; `cplus rebuild {name}` makes a new one."""


class NotInThisCode(CplusError):
    """Generation {number} of {name} was folded by version {version}, which this code does not
    have; deploy code that has it."""


class SwitchedMeanwhile(CplusError):
    """{name} was switched to another generation meanwhile; check again."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One collection of rows."""

    number: int
    version: int
    """Of the projection that folds it."""
    filled: bool
    """It is or was read. One that is not is left to `cplus rebuild` until it is near the end."""
    run: str | None = None
    """The fan-out that fills it now: messages of another one are void."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """The generations of one projection that are not dropped."""

    name: str
    live: int
    """The number of the one that is read."""
    before: int | None
    """The one that was read before the last switch: the way back."""
    generations: tuple[Generation, ...]
    switched_at: datetime | None = None
    next: int | None = None
    """The one that leads because it is about to be read."""
    term: int = 0
    """Rises whenever another one may lead."""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Lineage:
        """The lineage that a stored document is."""
        return cls(
            document["_id"],
            document["live"],
            document["before"],
            tuple(
                Generation(one["number"], one["version"], one["filled"], one.get("run"))
                for one in document["generations"]
            ),
            document["switched_at"],
            document.get("next"),
            document.get("term", 0),
        )

    @property
    def leader(self) -> int:
        """The number of the generation that the others follow."""
        # A release from before leaders drops what is about to be read and leaves its number.
        return self.live if self.next is None or self.find(self.next) is None else self.next

    @property
    def switching(self) -> bool:
        """Whether another one leads than the one that is read."""
        return self.leader != self.live

    def find(self, number: int | None) -> Generation | None:
        """The generation of that number, where it is not dropped."""
        return next((one for one in self.generations if one.number == number), None)

    def collection(self, number: int) -> str:
        """The collection of a generation that is not dropped."""
        found = self.find(number)
        assert found is not None  # noqa: S101  the document names only what it lists
        return collection_of(self.name, found.version, found.number)


@dataclass(frozen=True, slots=True)
class Driven:
    """A generation that the code of this release folds."""

    projection: Projection
    """With the number of the generation."""
    live: bool
    filled: bool


def first(projection: Projection) -> Lineage:
    """The lineage of a projection that has no document yet."""
    return Lineage(projection.name, 1, None, (Generation(1, projection.version, filled=True),))


async def read_lineages(database: Database) -> dict[str, Lineage]:
    """The lineages of all projections that have a document, by name."""
    rows = await database[GENERATIONS].find({}).to_list(None)
    return {row["_id"]: Lineage.of(row) for row in rows}


async def lineage_of(database: Database, projection: Projection) -> Lineage:
    """The generations of the projection."""
    found = await database[GENERATIONS].find_one({"_id": projection.name})
    return first(projection) if found is None else Lineage.of(found)


def generation_of(projections: Sequence[Projection], lineage: Lineage, number: int) -> Projection:
    """The projection that folds a generation; raises NotInThisCode."""
    found = lineage.find(number)
    assert found is not None  # noqa: S101  the caller took it from the lineage
    for projection in projections:
        if (projection.name, projection.version) == (lineage.name, found.version):
            return replace(projection, generation=number)
    raise NotInThisCode(number=number, name=lineage.name, version=found.version)


def driven_of(lineages: Mapping[str, Lineage], projections: Sequence[Projection]) -> list[Driven]:
    """Every generation that is not dropped and whose version is among `projections`; for each
    name the one that is read first."""
    found = []
    for projection in projections:
        lineage = lineages.get(projection.name) or first(projection)
        for one in lineage.generations:
            if one.version == projection.version:
                target = replace(projection, generation=one.number)
                found.append(Driven(target, one.number == lineage.live, one.filled))
    return sorted(found, key=lambda one: not one.live)


async def driven(database: Database, projections: Sequence[Projection]) -> list[Driven]:
    """`driven_of` the lineages of now."""
    return driven_of(await read_lineages(database), projections)


class LiveCollections:
    """Which collection is read now, remembered for a second: a page asks for it many times."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lineages: dict[str, Lineage] = {}
        self._asked = -REMEMBERED

    async def collection(self, projection: Projection) -> str:
        """The name of the collection with the rows that are read."""
        now = time.monotonic()
        if now >= self._asked + REMEMBERED:
            lineages = await read_lineages(self._database)
            if now >= self._asked:  # a late answer does not replace that of a later question
                self._lineages, self._asked = lineages, now
        lineage = self._lineages.get(projection.name) or first(projection)
        return lineage.collection(lineage.live)

    async def rows(self, projection: Projection) -> Collection:
        """The collection with the rows that are read."""
        return self._database[await self.collection(projection)]
