"""Makes Python's cycle collector run rarely while it has little to find."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = 200_000
"""Number of new objects after which the collector runs."""

_asked = 0
_usual = gc.get_threshold()


@contextmanager
def seldom() -> Iterator[None]:
    """The cycle collector runs rarely in this process as long as any caller is inside the block.

    Decoding makes many objects and no cycles; a collector that runs after every few hundred of them
    scans all of them again and again, which took a third of the time of a rebuild. Objects outside
    of cycles are still freed at once.
    """
    # The collector is one for the process, and so is who asked.
    global _asked, _usual  # noqa: PLW0603
    if not _asked:
        _usual = gc.get_threshold()
        gc.set_threshold(SELDOM, *_usual[1:])
    _asked += 1
    try:
        yield
    finally:
        _asked -= 1
        if not _asked:
            gc.set_threshold(*_usual)
