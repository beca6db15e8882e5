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

A new term begins when a switch gives the lead (`generations.lead`), when it is given back
(`give_back`) and when generations are dropped (`drop`). A checkpoint has the term that a switch
marked it with (`checkpoints.mark`), or the one that the runner that moved it last knew.

How a runner keeps to it, in one shop:

| the generation | the leader | it goes |
| --- | --- | --- |
| leads, or was never read | | to the end of the log |
| was read | is at or past what is asked for | as far as the leader |
| was read | is short of it | as far, once it has brought the leader on, if this code can |
| was read | is parked | as far; its nudge is done |
| is read, in a switch | goes on | as far, once it has brought the leader on |
| is read, in a switch | is parked, fails, or is not in this code | to the end: it leads again |
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import structlog

from cplus.errors import CheckpointContended, LogTooShort
from cplus.events.log.store import EventStore
from cplus.mongo import Database, is_transient
from cplus.projections.base import Projection
from cplus.projections.generations.lineage import Lineage, NotInThisCode, generation_of, lineage_of
from cplus.projections.generations.lineage_changes import give_back
from cplus.subscriptions.checkpoints import Checkpoint, read_checkpoint
from cplus.subscriptions.reading import End

log = structlog.get_logger()

STEPS: Final = ("read_leader", "take_back")
"""What a runner does with what is stored for a generation that follows, beside what it does for
every one."""


class GenerationGone(Exception):
    """The generation was dropped."""


class Followed(NamedTuple):
    """A generation whose checkpoint is read."""

    name: str
    collection: str


@dataclass(frozen=True, slots=True)
class FoldLimit:
    """How far a generation may be folded in a shop."""

    term: int
    end: End = None
    """Where the leader is, beyond which it must not go; None where nothing holds it."""
    waits: bool = False
    """Whether the leader will come to what is asked for, and this one has to, too: a nudge that
    asks for more comes back."""


class Leaders:
    """Who leads, as it was read last, and what follows from it."""

    def __init__(
        self,
        database: Database,
        store: EventStore,
        projections: Sequence[Projection],
        at_step: Callable[[str], None],
    ) -> None:
        self._database = database
        self._store = store
        self._projections = projections
        self._at_step = at_step
        self._known: dict[str, Lineage] = {}

    def remember(self, lineages: Mapping[str, Lineage]) -> None:
        """They were read just now."""
        self._known.update(lineages)

    async def fold_limit(
        self,
        projection: Projection,
        shop: str,
        before: Checkpoint,
        until: int | None,
        bring_on: Callable[[Projection], Awaitable[object]],
    ) -> FoldLimit:
        """How far the generation may go from its checkpoint, asked to come to `until` or to the
        end of the log. `bring_on` folds what another one has not seen of the same, where it
        has to go first. Raises GenerationGone, and what `bring_on` raises."""
        lineage = await self._lineage(projection, before)
        while _follows(lineage, projection.generation):
            leader = self._leader(lineage)
            switching = lineage.switching and projection.generation == lineage.live
            at = await self._read(lineage, shop)
            short = switching if until is None else at.position < until
            # What is read must not wait for what is about to be; nor what was read, by a list of
            # before the switch, for somebody else to look at what is read now.
            if short and leader is not None and (switching or not at.parked):
                if not await self._brought_on(leader, shop, bring_on, switching=switching):
                    leader = None
                if (known := self._known[projection.name]) != lineage:
                    lineage = known  # it is not what leads, as was found meanwhile
                    continue
                at = await self._read(lineage, shop)
            goes_on = leader is not None and at.parked is None
            if switching and not goes_on and await self._has_more(shop, at, until):
                self._at_step("take_back")
                if await give_back(self._database, lineage):
                    log.warning("lead_taken_back", projection=projection.name, shop=shop)
            elif at.stored or (await self._read_lineage(projection)).term == lineage.term:
                return FoldLimit(lineage.term, (at.position, at.seq), waits=goes_on)
            # Else it may have been dropped.
            lineage = await self._read_lineage(projection)
        return FoldLimit(lineage.term)

    async def _brought_on(
        self,
        leader: Projection,
        shop: str,
        bring_on: Callable[[Projection], Awaitable[object]],
        *,
        switching: bool,
    ) -> bool:
        """Whether the leader could be folded; where it could not, and is not read yet, what is
        read must not fail with it."""
        try:
            await bring_on(leader)
        except Exception as error:
            passes = isinstance(error, LogTooShort | CheckpointContended) or is_transient(error)
            if passes or not switching:
                raise
            said = {"projection": leader.collection, "shop": shop, "error": type(error).__name__}
            log.warning("leader_failed", **said)
            return False
        return True

    async def _lineage(self, projection: Projection, at: Checkpoint) -> Lineage:
        """The generations of the projection, as far as who found this checkpoint has to know
        them."""
        known = self._known.get(projection.name)
        if (
            known is None
            or known.find(projection.generation) is None  # made since
            or at.term > known.term
            or not at.position
        ):
            known = await self._read_lineage(projection)
        return known

    async def _read_lineage(self, projection: Projection) -> Lineage:
        self._known[projection.name] = lineage = await lineage_of(self._database, projection)
        return lineage

    async def _read(self, lineage: Lineage, shop: str) -> Checkpoint:
        """The checkpoint of the leader in a shop."""
        self._at_step("read_leader")
        leader = Followed(lineage.name, lineage.collection(lineage.leader))
        return await read_checkpoint(self._database, leader, shop)

    def _leader(self, lineage: Lineage) -> Projection | None:
        """What folds the leader; None where this code cannot."""
        try:
            return generation_of(self._projections, lineage, lineage.leader)
        except NotInThisCode:
            return None

    async def _has_more(self, shop: str, at: Checkpoint, until: int | None) -> bool:
        """Whether more is asked for than the leader has come to."""
        wanted = until if until is not None else (await self._store.head(shop)).position
        return at.position < wanted


def _follows(lineage: Lineage, number: int) -> bool:
    """Whether the generation moves no further than the leader. Raises GenerationGone."""
    own = lineage.find(number)
    if own is None:
        raise GenerationGone
    return own.filled and number != lineage.leader
