"""An operator resumes parked readers of the log (read models and reactions)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from cplus.deadline import Deadline
from cplus.subscriptions.checkpoints import Checkpoint, Subscriber
from cplus.subscriptions.progress import Progress


class GoOn(Protocol):
    """Resumes a reader in a shop, until it is at the end of the log or out of time."""

    async def __call__(self, shop: str, *, deadline: Deadline) -> Progress:
        """No batch begins after `deadline`."""
        ...


class ReadCheckpoints(Protocol):
    """Reads how far readers are."""

    async def __call__(self, readers: Sequence[Subscriber]) -> Mapping[tuple[str, str], Checkpoint]:
        """By collection and shop."""
        ...


@dataclass(frozen=True, slots=True)
class Unparked:
    """The outcome for a reader that was parked in a shop."""

    shop: str
    collection: str
    """The reader, by the name of its collection."""
    position: int
    """Of the commit that it cannot read or hand out if it is parked again, else its checkpoint."""
    reason: str | None
    """Why it is still parked, or what it failed on and tries again; None if it goes on."""


async def unpark(
    read: ReadCheckpoints,
    going_on: Mapping[str, tuple[Subscriber, GoOn]],
    shops: Collection[str],
    *,
    seconds: float,
) -> list[Unparked]:
    """Lets each of these readers, by its collection, go on in these of the shops where it stands
    still, or waits for the next try of a reaction, for so many seconds in each. Nothing is ever
    skipped: what the code of now cannot read or fold parks it again, and what fails again waits
    for its next try. Asked again, it tries again."""
    checkpoints = await read([reader for reader, _ in going_on.values()])
    found = []
    for (collection, shop), checkpoint in sorted(checkpoints.items()):
        stopped = checkpoint.parked or checkpoint.retry
        if stopped is None or shop not in shops:
            continue
        _, go_on = going_on[collection]
        progress = await go_on(shop, deadline=Deadline.within(seconds))
        still = progress.parked or progress.retry
        found.append(
            Unparked(
                shop,
                collection,
                still.position if still else progress.position,
                still.reason if still else None,
            )
        )
    return found
