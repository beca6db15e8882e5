"""The one way to events from what is stored: every stored event is decoded here.

It is asynchronous and takes commits in bulk, so that what decoding needs from elsewhere is asked
for once per batch.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cplus.events.base import Event, Recorded
from cplus.events.catalogue import CATALOGUE, Catalogue
from cplus.events.log.commit import Commit


class EventReader:
    """Decodes stored events in the newest shape that the catalogue knows."""

    def __init__(self, catalogue: Catalogue = CATALOGUE) -> None:
        self._catalogue = catalogue

    async def read(
        self, commits: Sequence[Commit], kinds: Collection[type[Event]] | None = None
    ) -> list[list[Recorded]]:
        """The events of each commit, in order; with `kinds`, those of these classes only.

        Raises UnknownEvent at the first that this code cannot read.
        """
        types = None if kinds is None else {kind.TYPE for kind in kinds}
        return [
            [
                commit.event(index, self._catalogue)
                for index, document in enumerate(commit.documents)
                if types is None or document["type"] in types
            ]
            for commit in commits
        ]

    async def of(self, commit: Commit, *kinds: type[Event]) -> list[Recorded]:
        """The events of these classes in the commit, in order; raises UnknownEvent."""
        [events] = await self.read([commit], kinds)
        return events
