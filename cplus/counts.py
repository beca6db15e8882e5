"""How a count reads, for people: on the command line and on a page."""

from __future__ import annotations


def counted(number: int, one: str, many: str = "") -> str:
    """The number and what is counted: `1 shop`, `2,000 shops`. `many` is what stands behind any
    number but 1, where that is not `one` with an s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
