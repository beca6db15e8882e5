"""The collector of garbage in cycles, and when it has little to look for."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = 200_000
"""Objects more than before, from which on the collector looks."""

_asked = 0
_usual = gc.get_threshold()


@contextmanager
def seldom() -> Iterator[None]:
    """Garbage in cycles is looked for seldom in this process, while any who asked for it works.

    Decoding makes many objects and no cycles; a collector that looks after every few hundred of
    them walks through all of them again and again, which took a third of the time of a rebuild.
    What is in no cycle is freed at once all the same.
    """
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
