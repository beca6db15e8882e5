"""How the counts of a shop's rows are stored in its checkpoint: with the position they are of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def counts_of_document(checkpoint: Mapping[str, Any]) -> Mapping[str, int] | None:
    """The counts, if they belong to the rows as they are now: a release that does not count moves
    the position, and repairs rows, without them."""
    stored: Mapping[str, Any] = checkpoint.get("counts") or {}
    at = (checkpoint["position"], checkpoint.get("repairs", 0))
    if (stored.get("position"), stored.get("repairs")) != at:
        return None
    numbers: Mapping[str, int] = stored["numbers"]
    return numbers


def document_of_counts(counts: Mapping[str, int], position: int, repairs: int) -> dict[str, Any]:
    """The counts of the rows as they are at this position, after so many repairs."""
    return {"position": position, "repairs": repairs, "numbers": dict(counts)}
