"""Moments and positions of the log as people give them to commands."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import click

POSITION: Final = click.IntRange(1, 2**53)
"""A position; no log gets as long as the last of them."""


def moment(ctx: click.Context, param: click.Parameter, value: str | None) -> datetime | None:
    """Reads a day or a time in ISO 8601, of UTC unless it names another zone: the callback of an
    option or argument."""
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
        return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (OverflowError, ValueError):
        wrong = f"{value!r} is not a time such as 2026-11-23 or 2026-11-23T14:30"
        raise click.BadParameter(wrong, ctx, param) from None
