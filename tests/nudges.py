"""A nudger for tests: it tells nobody, and keeps what it was told."""

from __future__ import annotations

from collections.abc import Mapping

from cplus.events.nudges import News


class Nudges:
    """What was nudged, oldest first."""

    def __init__(self) -> None:
        self.told: list[Mapping[str, News]] = []

    async def nudge(self, news: Mapping[str, News]) -> None:
        self.told.append(dict(news))

    @property
    def heads(self) -> list[dict[str, int]]:
        """The positions, by shop."""
        return [{shop: one.position for shop, one in news.items()} for news in self.told]

    @property
    def families(self) -> list[dict[str, list[str]]]:
        """The families, by shop."""
        return [{shop: sorted(one.families) for shop, one in news.items()} for news in self.told]
