"""Some of a list, and the way on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of a list, and the way on."""

    items: Sequence[T]
    next: str | None
    """Give it as `cursor` to get what follows; None at the end. Opaque."""
    previous: str | None = None
    """Give it as `cursor` to get what comes before; None at the beginning, and of lists that lead
    on alone."""
