"""How many messages each queue held in memory, kept on disk: what a kill of the emulator lost.

The file is rewritten in place, by one write, after each change: it costs microseconds, and a
killed process leaves behind what it wrote.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

_ROOM = 4096  # one page; a longer text takes as many as it needs


class Journal:
    """The file `aws-state.json`: {"clean": bool, "queues": {name: messages}}."""

    def __init__(self, path: Path, depths: Callable[[], Mapping[str, int]]) -> None:
        self._depths = depths
        self._last: Mapping[str, int] | None = None
        self.lost = _lost(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def note(self) -> None:
        """Writes the depths down when they have changed."""
        depths = dict(self._depths())
        if depths != self._last:
            self._last = depths
            self._write(clean=False)

    def close(self) -> None:
        """Says that this stop is a clean one. Messages still there are lost all the same."""
        self._last = dict(self._depths())
        self._write(clean=not any(self._last.values()))
        os.close(self._file)

    def _write(self, *, clean: bool) -> None:
        text = json.dumps({"clean": clean, "queues": self._last}).encode()
        os.pwrite(self._file, text.ljust(-(-len(text) // _ROOM) * _ROOM - 1) + b"\n", 0)


def _lost(path: Path) -> dict[str, int]:
    """What the file says was lost: {queue: at most so many messages}; empty after a clean stop."""
    try:
        state = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    if state.get("clean"):
        return {}
    return {name: count for name, count in state.get("queues", {}).items() if count}
