"""What the rows of messages promise that were moved: nothing that is told again moves them."""

from __future__ import annotations

from itertools import count

import pytest

from cplus.events.base import Recorded
from cplus.events.catalogue.conversations import NoteWritten
from cplus.events.catalogue.handling import MembersMentioned
from cplus.events.catalogue.threads import MessageMoved
from cplus.projections.base import Projection
from cplus.projections.models.deliveries import DELIVERIES
from cplus.projections.models.message_words import MESSAGE_WORDS
from cplus.projections.models.messages import MESSAGES
from tests.unit.projections.models.told_events import (
    FATES,
    STARTED,
    at,
    fold,
    received,
    recorded,
    reply,
    thread,
)

NOTE = (NoteWritten, {"message_id": "m3", "person": "person/a", "text": "Vase", "author": "7"})
MENTION = (MembersMentioned, {"message_id": "m3", "members": ("8", "9")})
MOVES = (
    *(("c1", "c2", one, False) for one in ("m1", "m2", "m3")),
    ("c2", "c3", "m1", False),
    ("c2", "c3", "m2", False),
    ("c3", "c2", "m2", True),
    ("c2", "c1", "m3", True),
)
STANDS = {"m1": "c3", "m2": "c2", "m3": "c1"}


def history() -> list[Recorded]:
    """A mail, a reply and a note are moved, once and twice, and two of them back. As the log has
    it: a move is recorded in both conversations."""
    events = [*thread(STARTED, received("m1"), reply("m2"), NOTE, MENTION), *FATES[:3]]
    numbers = count(100)
    for source, into, message_id, back in MOVES:
        for stream in (source, into):
            number = next(numbers)
            move = MessageMoved(
                originator_id=f"conversation/{stream}", originator_version=number,
                timestamp=at(number), message_id=message_id, source=source, into=into,
                person="person/a", at=at(2), number=2, kind="in", automatic=False, waits=False,
                back=back,
            )  # fmt: skip
            events.append(recorded(move, number, number, f"conversation/{stream}", number))
    return events


@pytest.mark.parametrize("projection", [MESSAGES, MESSAGE_WORDS, DELIVERIES], ids=lambda p: p.name)
def test_whatever_was_told_before_changes_nothing_when_it_is_told_again(
    projection: Projection,
) -> None:
    events = history()
    rows = fold(projection, events)
    assert {key: row["conversation_id"] for key, row in rows.items()} == {
        key: stands for key, stands in STANDS.items() if key in rows
    }
    for told in range(1, len(events) + 1):
        once = fold(projection, events[:told])
        for again in range(told):
            assert fold(projection, [*events[:told], events[again]]) == once, (told, again)
        assert fold(projection, [*events[:told], *events[:told]]) == once
        assert fold(projection, [*events[:told], *events]) == rows
