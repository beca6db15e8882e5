"""A nudger for tests: it tells nobody, and keeps what it was told."""

from __future__ import annotations

from collections.abc import Mapping


class Nudges:
    """What was nudged, oldest first."""

    def __init__(self) -> None:
        self.heads: list[Mapping[str, int]] = []

    async def nudge(self, heads: Mapping[str, int]) -> None:
        self.heads.append(dict(heads))
