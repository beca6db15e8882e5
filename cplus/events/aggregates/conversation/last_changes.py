"""How a conversation stood before it was changed last: what there is to bring back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

from cplus.events.base import AggregateEvent

TAG: Final = "tag/"
"""Before the id of a tag, in place of the name of a field."""


@dataclass(slots=True)
class LastChanges:
    """For each field that was ever changed (`open`, `spam`, `snooze`, `assignee`, `priority`, and
    each tag): by the event of which version it was last, and what it was before."""

    _last: dict[str, tuple[int, Any]] = field(default_factory=dict)

    def note(self, what: str, event: AggregateEvent, before: Any) -> None:
        """This event changes it; `before` is what it is until then."""
        self._last[what] = (event.originator_version, before)

    def of(self, versions: Collection[int]) -> dict[str, Any]:
        """What was changed last by the events of these versions, and what it was before."""
        return {what: before for what, (at, before) in self._last.items() if at in versions}
