"""How commands show how far they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress


@contextmanager
def bar(what: str = "") -> Iterator[Progress]:
    """A line on the terminal of standard error that is gone at the end: how many of how many,
    `what` they are, and the time that is left; a description only where nothing is counted."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TimeRemainingColumn,
    )

    counting = (BarColumn(), MofNCompleteColumn(), f"{what},", TimeRemainingColumn(), "left")
    console = Console(stderr=True)
    with Progress(
        SpinnerColumn(),
        "{task.description}",
        *(counting if what else ()),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as shown:
        yield shown
