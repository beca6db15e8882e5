"""Formats counts and durations for people, on the command line and on pages."""

from __future__ import annotations


def counted(number: int, one: str, many: str = "") -> str:
    """The number with its noun: `1 shop`, `2,000 shops`. `many` is the plural, if it is not `one`
    with an s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def lasting(seconds: float) -> str:
    """A duration in its two largest units: `4.2 s`, `3 min 5 s`, `2 days 4 h`."""
    if seconds < 60:
        return f"{seconds:,.1f} s"
    minutes, left = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {left} s"
    hours, left = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {left} min"
    return f"{counted(hours // 24, 'day')} {hours % 24} h"
