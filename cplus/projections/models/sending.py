"""What keeps a shop's mail from going out: the one row `sending` of each shop of which there is
something to say."""

from __future__ import annotations

from collections.abc import Iterable

from cplus.events.base import Recorded
from cplus.events.catalogue.settings import DailyLimitReached, SendingPaused, SendingResumed
from cplus.projections.base import Projection, Row
from cplus.projections.models.facts import newest, types

SENDING_ROW = "sending"


def keys(_event: Recorded) -> Iterable[str]:
    """The one row."""
    return [SENDING_ROW]


def evolve(_key: str, row: Row | None, event: Recorded) -> Row | None:
    """The newest that was told of each wins. What is told in one moment is in the order in which it
    was recorded."""
    after = dict(row or {})
    rank = event.position
    match event.event:
        case SendingPaused() as told:
            fields = {"since": told.since, "cause": told.cause, "by_operator": told.by_operator}
            after["paused"] = newest(after.get("paused"), event, fields, rank=rank)
        case SendingResumed():
            fields = {"since": None, "cause": "", "by_operator": False}
            after["paused"] = newest(after.get("paused"), event, fields, rank=rank)
        case DailyLimitReached() as reached:
            limit = {"of": reached.of, "limit": reached.limit}
            after["limited"] = newest(after.get("limited"), event, limit, rank=rank)
    return after


SENDING = Projection(
    name="sending",
    version=1,
    handles=types(SendingPaused, SendingResumed, DailyLimitReached),
    keys=keys,
    evolve=evolve,
)
