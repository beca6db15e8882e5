"""How a count and a time read, for people: on the command line and on a page."""

from __future__ import annotations


def counted(number: int, one: str, many: str = "") -> str:
    """The number and what is counted: `1 shop`, `2,000 shops`. `many` is what stands behind any
    number but 1, where that is not `one` with an s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def lasting(seconds: float) -> str:
    """How long that is, in the two largest of its units: `4.2 s`, `3 min 5 s`, `2 days 4 h`."""
    if seconds < 60:
        return f"{seconds:,.1f} s"
    minutes, left = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {left} s"
    hours, left = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {left} min"
    return f"{counted(hours // 24, 'day')} {hours % 24} h"
