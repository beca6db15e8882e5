"""Keeps the number of messages per queue on disk, to know what a kill of the emulator lost.

The file is rewritten in place, with one write, after each change: that takes microseconds, and
survives a kill of the process.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

_ROOM = 4096  # one page; a longer text takes as many as needed


class Journal:
    """The file `aws-state.json`: {"clean": bool, "queues": {name: messages}}."""

    def __init__(self, path: Path, depths: Callable[[], Mapping[str, int]]) -> None:
        self._depths = depths
        self._last: Mapping[str, int] | None = None
        self.lost = _lost(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def note(self) -> None:
        """Saves the counts if they have changed."""
        depths = dict(self._depths())
        if depths != self._last:
            self._last = depths
            self._write(clean=False)

    def close(self) -> None:
        """Marks this stop as clean. Messages that are left are lost anyway."""
        self._last = dict(self._depths())
        self._write(clean=not any(self._last.values()))
        os.close(self._file)

    def _write(self, *, clean: bool) -> None:
        text = json.dumps({"clean": clean, "queues": self._last}).encode()
        os.pwrite(self._file, text.ljust(-(-len(text) // _ROOM) * _ROOM - 1) + b"\n", 0)


def _lost(path: Path) -> dict[str, int]:
    """What was lost, from the file: {queue: upper bound of messages}; empty after a clean stop."""
    try:
        state = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    if state.get("clean"):
        return {}
    return {name: count for name, count in state.get("queues", {}).items() if count}
