"""Progress bars of commands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress


@contextmanager
def bar(what: str = "") -> Iterator[Progress]:
    """A progress bar on standard error, removed at the end: count, total, unit (`what`) and time
    left. Without `what`, only a description. Hidden if standard error is not a terminal."""
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
