"""Rows as releases of this code made them, which the next ones find in the database.

`python -m tests.unit.projections.rows_of_releases NAME` writes those of this checkout to
`tests/fixtures/rows/NAME.json`: run it on a release before the fold of a projection is changed.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from bson import json_util

from cplus.events.base import Event, Recorded
from cplus.events.catalogue.conversations import ConversationStarted, MessageReceived
from cplus.events.log.codec import decode
from cplus.projections.base import Row
from cplus.projections.groups import ALL
from cplus.projections.testing import BEGINNING, SHOP, fold_all

ROOT = Path(__file__).parents[3]
GOLDEN, ROWS = ROOT / "tests" / "golden", ROOT / "tests" / "fixtures" / "rows"
_OPTIONS = json_util.JSONOptions(tz_aware=True, json_mode=json_util.JSONMode.RELAXED)


def golden_events(version: int, moved: timedelta = timedelta()) -> list[Recorded]:
    """The event of each golden document and the same with every flag turned round, each as
    `version` of its stream, at a moment that is `moved` by that much. All of them are about the
    same conversation, person and shop."""
    events = []
    for path in sorted(GOLDEN.glob("*.json")):
        document: dict[str, Any] = _read(path)
        for turned, event in enumerate(_both_ways(decode(document))):
            recorded = Recorded(
                shop=SHOP,
                position=1,
                number=1,
                id=f"{path.stem}/{turned}/{version}",
                stream="conversation/a conversation_id",
                version=version,
                occurred_at=document["occurred_at"] + moved,
                recorded_at=BEGINNING,
                source="test",
                actor="test",
                event=event,
            )
            events.append(recorded)
    return events


def _both_ways(event: Event) -> list[Event]:
    if isinstance(event, MessageReceived):  # the id of the reply belongs to the reply
        event = event.model_copy(update={"message_id": "a mail"})
    flags = {name: not value for name, value in event if isinstance(value, bool)}
    return [event, event.model_copy(update=flags)] if flags else [event]


def rows_of(release: Path) -> Mapping[str, list[dict[str, Row]]]:
    """The rows of a release by projection and key: those of several shops."""
    rows: Mapping[str, list[dict[str, Row]]] = _read(release)
    return rows


def _read(path: Path) -> Any:
    return json_util.loads(path.read_text(), json_options=_OPTIONS)


def _histories() -> Iterator[tuple[Recorded, ...]]:
    """Each event alone, after the start of its conversation, and all in their order."""
    firsts, events = golden_events(1), golden_events(2)
    [start] = [first for first in firsts if isinstance(first.event, ConversationStarted)]
    for event in events:
        yield (event,)
        yield (start, event)
    numbers = itertools.count(2)
    yield (start, *(event._replace(version=next(numbers)) for event in events))


def write(name: str) -> None:
    """Writes the rows that this code makes of the golden documents."""
    made: dict[str, list[dict[str, Row]]] = {}
    for projection in ALL:
        found = made.setdefault(projection.name, [])
        for history in _histories():
            if (rows := fold_all(projection, history)) and rows not in found:
                found.append(rows)
    ROWS.mkdir(parents=True, exist_ok=True)
    # A line for each shop, so that a change of the file can be read.
    shops = {
        projection: [json_util.dumps(rows, json_options=_OPTIONS, sort_keys=True) for rows in found]
        for projection, found in made.items()
    }
    parts = [
        f'"{projection}": [\n' + ",\n".join(lines) + "\n]" for projection, lines in shops.items()
    ]
    (ROWS / f"{name}.json").write_text("{\n" + ",\n".join(parts) + "\n}\n")


if __name__ == "__main__":
    write(sys.argv[1])
