"""Erasures: a row for each, by its id. It holds nothing about the person but their random id."""

from __future__ import annotations

from collections.abc import Iterable

from cplus.events.base import Recorded
from cplus.events.catalogue.privacy import ErasureCompleted, ErasureRequested, PersonErased
from cplus.projections.base import Projection, Row
from cplus.projections.models.facts import types


def keys(event: Recorded) -> Iterable[str]:
    """The erasure's id."""
    return [getattr(event.event, "erasure")]  # noqa: B009  every event handled here has it


def evolve(_key: str, row: Row | None, event: Recorded) -> Row | None:
    """As it was first asked for; the first event that says that the person is erased, and the last
    one: what was recorded in between was erased with it."""
    match event.event:
        case ErasureRequested() as asked if row is None:
            return {
                "at": event.occurred_at,
                "due_at": asked.due_at,
                "asked_by": event.actor,
                "person": asked.person,
                "shopify_customer_id": asked.shopify_customer_id,
                "erased_at": None,
                "position": None,
                "completed_at": None,
                "keys": 0,
                "objects": 0,
            }
        case PersonErased() if row is not None:
            first = row["erased_at"] or event.occurred_at
            return {**row, "erased_at": first, "position": event.position}
        case ErasureCompleted() as done if row is not None and row["completed_at"] is None:
            told = {"keys": done.keys, "objects": done.objects}
            return {**row, "completed_at": event.occurred_at, **told}
    return row


ERASURES = Projection(
    name="erasures",
    version=1,
    handles=types(ErasureRequested, PersonErased, ErasureCompleted),
    keys=keys,
    evolve=evolve,
    indexes=((("at", -1), ("_id", -1)),),
)
