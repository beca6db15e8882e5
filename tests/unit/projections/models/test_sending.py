"""What keeps a shop's mail from going out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cplus.events.base import Recorded
from cplus.events.catalogue.settings import DailyLimitReached, SendingPaused, SendingResumed
from cplus.projections.models.sending import SENDING
from cplus.projections.testing import fold_all, told

T0 = datetime(2026, 12, 1, 12, tzinfo=UTC)
STREAM = "settings/acorn.myshopify.com"
PAUSED = told(
    SendingPaused(
        originator_id=STREAM,
        originator_version=2,
        timestamp=T0,
        by_operator=False,
        cause="Bounces",
        since=T0,
    ),
    2,
)
RESUMED = told(SendingResumed(originator_id=STREAM, originator_version=3, timestamp=T0), 3)


def limited(number: int, limit: int) -> Recorded:
    at = T0 + timedelta(days=number)
    event = DailyLimitReached(
        originator_id=STREAM, originator_version=number, timestamp=at, of="account", limit=limit
    )
    return told(event, number)


LIMITED = limited(4, 9)


def test_a_pause_ends_with_its_end_however_often_and_in_whatever_order_they_come() -> None:
    row = fold_all(SENDING, (PAUSED, LIMITED))["sending"]
    assert (row["paused"]["since"], row["paused"]["cause"]) == (T0, "Bounces")
    assert (row["limited"]["of"], row["limited"]["limit"]) == ("account", 9)
    after = fold_all(SENDING, (PAUSED, RESUMED, LIMITED))
    assert after["sending"]["paused"]["since"] is None
    assert fold_all(SENDING, (LIMITED, RESUMED, PAUSED, RESUMED, PAUSED)) == after


def test_a_later_limit_stands_in_place_of_an_earlier() -> None:
    later = limited(5, 10)
    for events in ((LIMITED, later), (later, LIMITED)):
        assert fold_all(SENDING, events)["sending"]["limited"]["limit"] == 10
