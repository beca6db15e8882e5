"""How far a generation may go: one leads, and what is or was read moves no further than it.

A switch has to know that in no shop the new generation is behind the one that is read, among any
number of shops and under any number of runners, some of whom read long ago who leads. So:

1. The switch writes that the new generation leads, in a new term, and then writes the term to every
   checkpoint of the one that is read. Each of these is a write of its own.
2. A runner moves a checkpoint only in the term in which it read it. One who does not know the term
   that he finds there asks who leads; so does one who finds the checkpoint of a shop where nothing
   was folded yet, for the switch may have looked before it was there.
3. Who knows that another generation leads moves no further than that one's checkpoint, which never
   goes back. So once the new one is at or past the other in a shop, it stays so, and the switch can
   look at one shop after the other and then switch in one write.

While the switch is under way, the generation that is read must not wait for one that stands still:
a runner brings the new one on first, and where that cannot go on, has the old one lead again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cplus.mongo import Database
from cplus.projections.base import Projection
from cplus.projections.checkpoints import Checkpoint, read_checkpoint
from cplus.projections.generations import (
    Lineage,
    NotInThisCode,
    generation_of,
    lineage_of,
)


class GenerationGone(Exception):
    """The generation was dropped."""


class Followed(NamedTuple):
    """A generation whose checkpoints are read."""

    name: str
    collection: str


@dataclass(frozen=True, slots=True)
class Leash:
    """How far a generation may go in a shop."""

    term: int
    end: tuple[int, int] | None = None
    """The position and the seq of the leader, beyond which it must not go; None where nothing
    holds it."""
    waits: bool = False
    """Whether the leader will come to what is asked for, and this one has to, too."""


class Leaders:
    """Who leads, as it was read last."""

    def __init__(self, database: Database, projections: Sequence[Projection]) -> None:
        self._database = database
        self._projections = projections
        self._known: dict[str, Lineage] = {}

    def remember(self, lineages: Mapping[str, Lineage]) -> None:
        """They were read just now."""
        self._known.update(lineages)

    async def of(self, projection: Projection, at: Checkpoint) -> Lineage:
        """The generations of the projection, as far as who found this checkpoint has to know
        them."""
        known = self._known.get(projection.name)
        if (
            known is None
            or known.find(projection.generation) is None  # made since
            or at.term > known.term
            or not at.position
        ):
            known = await self.again(projection)
        return known

    async def again(self, projection: Projection) -> Lineage:
        """The generations as they are now."""
        self._known[projection.name] = lineage = await lineage_of(self._database, projection)
        return lineage

    async def read(self, lineage: Lineage, shop: str) -> Checkpoint:
        """The checkpoint of the leader in a shop."""
        leader = Followed(lineage.name, lineage.collection(lineage.leader))
        return await read_checkpoint(self._database, leader, shop)

    def projection(self, lineage: Lineage) -> Projection | None:
        """What folds the leader; None where this code cannot."""
        try:
            return generation_of(self._projections, lineage, lineage.leader)
        except NotInThisCode:
            return None


def follows(lineage: Lineage, number: int) -> bool:
    """Whether the generation moves no further than the leader. Raises GenerationGone."""
    own = lineage.find(number)
    if own is None:
        raise GenerationGone
    return own.filled and number != lineage.leader
