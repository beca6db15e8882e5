"""Counts what a log holds in clear about persons, and what it holds sealed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import bson

from cplus.events.log.commit import split
from cplus.events.log.commits import Commits
from cplus.events.log.sealing import CLEAR


@dataclass(slots=True)
class SealCounts:
    """What one log holds."""

    commits: int = 0
    clear_events: int = 0
    """Events whose personal fields are not sealed."""
    clear_fields: int = 0
    """Their personal fields, without those that are empty."""
    clear_causes: int = 0
    """Causes whose bytes are in their commit and not sealed."""
    clear_objects: int = 0
    """Causes whose bytes are in a bucket, and open without a key of the keyring."""
    sealed_events: int = 0
    sealed_causes: int = 0
    sealed_objects: int = 0
    """Of the sealed causes, those whose bytes are in a bucket."""

    @property
    def clear(self) -> int:
        """Everything that is not sealed."""
        return self.clear_fields + self.clear_causes + self.clear_objects

    def add(self, row: Mapping[str, Any]) -> None:
        """Counts a stored commit."""
        self.commits += 1
        for event in row["events"]:
            slot = event.get("sealed")
            if slot is None:
                continue
            if slot["scheme"] == CLEAR:
                self.clear_events += 1
                self.clear_fields += sum(value is not None for value in slot["fields"].values())
            else:
                self.sealed_events += 1
        cause = row["cause"]
        if cause is None:
            return
        self.sealed_causes += cause["scheme"] != CLEAR
        self.sealed_objects += cause["scheme"] != CLEAR and cause["ref"] is not None
        self.clear_causes += cause["scheme"] == CLEAR and cause["body"] is not None
        self.clear_objects += cause["scheme"] == CLEAR and cause["ref"] is not None


async def count_sealed(
    log: Commits, shop: str, seen: Callable[[int], None] = lambda _commits: None
) -> SealCounts:
    """Counts the shop's whole log; `seen` is told how many commits were counted."""
    counts = SealCounts()
    async for piece in log.raw(shop):
        for raw in split(piece):
            counts.add(bson.decode(raw))
        seen(counts.commits)
    return counts
