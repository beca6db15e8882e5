"""Metrics: what happened in a shop, counted for each day in UTC and over all days.

Every event counts on the day on which it happened (`occurred_at`), whenever it is folded. A day
also holds the sums of its quarters of an hour: the days of every time zone begin with one, so a
shop's own days are made of them on reading, also after it has moved to another zone. Beside
the sums are small rows that record what was already counted: a conversation with its version, a
person, a customer, and a fact about a mail on a day. What came in a conversation stands there too,
by day and quarter, so that it can be taken out if the conversation is marked as spam.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, TypeAlias

from cplus.events.base import Recorded
from cplus.events.catalogue.conversations import (
    ConversationClosed,
    ConversationMarkedSpam,
    ConversationReopened,
    ConversationStarted,
    ConversationUnmarkedSpam,
    MessageReceived,
    ReplyWithdrawn,
    ReplyWritten,
)
from cplus.events.catalogue.customers import CustomerChanged, CustomerImported
from cplus.events.catalogue.mail import (
    MailBounced,
    MailComplained,
    MailDelivered,
    MailRejected,
    MailSent,
)
from cplus.events.names import conversation_stream
from cplus.projections.base import Projection, Row, Rows
from cplus.projections.models.facts import MAIL_FACTS, fate_name, is_of_reply, types

Counted: TypeAlias = Mapping[str, int]
"""What an event adds to the sums."""
_Came: TypeAlias = Mapping[str, Mapping[str, Counted]]
"""What came in a conversation, by day and quarter of an hour."""
_SPAM: Final = ConversationMarkedSpam | ConversationUnmarkedSpam
QUARTERS: Final = "quarters"
"""The field of a day's row with the sums of its quarters of an hour that are not 0, by number."""

TOTAL: Final = "total"
"""The key of the sums over all days."""

COUNTS: Final = (
    "conversations",
    "closed",
    "reopened",
    "messages_in",
    "automatic_in",
    "messages_out",
    "first_answers",
    "people",
    "customers",
    "sent",
    "delivered",
    "bounced",
    "bounced_for_now",
    "complained",
    "rejected",
)
"""What is counted; what each means stands in `cplus.projections.queries.figures`."""
EDGES: Final = (60, 300, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200, 86_400, 172_800, 604_800)
"""Seconds that a first answer of each bucket took at most; one more bucket takes the rest."""


MOST_QUARTERS: Final = 2_000
"""Quarters of an hour in which mail came that are kept of a conversation: a program that writes on
and on makes no row too large. What comes later stays as it was counted."""


def day_key(day: date) -> str:
    """The key of a day's sums: keys of days are in the order of the days."""
    return f"day/{day.isoformat()}"


def day_of(key: str) -> date:
    """The day of a key that `day_key` made."""
    return date.fromisoformat(key.removeprefix("day/"))


def quarter_of(moment: datetime) -> int:
    """The number of the quarter of an hour of its day (UTC), from 0 to 95."""
    return moment.hour * 4 + moment.minute // 15


def keys(event: Recorded) -> Iterable[str]:
    """What tells whether it was counted, and the sums that it counts in."""
    if isinstance(event.event, _SPAM):
        return [*_marks(event), *(f"day/{day}" for day in event.event.days), TOTAL]
    when = _when(event)
    return [] if when is None else [*_marks(event), day_key(when.date()), TOTAL]


def _when(event: Recorded) -> datetime | None:
    """The moment on whose day it counts; None for what counts nowhere."""
    told = event.event
    if isinstance(told, CustomerChanged | CustomerImported):
        return told.created_at
    return event.occurred_at if is_of_reply(told) else None


def _marks(event: Recorded) -> list[str]:
    told = event.event
    if isinstance(told, CustomerChanged | CustomerImported):
        return [f"customer/{told.shopify_customer_id}"]
    if type(told) in MAIL_FACTS:
        message_id = getattr(told, "message_id")  # noqa: B009  every fact about a mail has it
        mark = f"mail/{message_id}/{event.occurred_at.date().isoformat()}"
        # A reply that waited counts when it goes out.
        return [mark, *(_talks_of(told) if isinstance(told, MailSent) else [])]
    if isinstance(told, ConversationStarted) and told.by == "customer":
        return [event.stream, told.person]
    if isinstance(told, _SPAM):
        return [event.stream, told.person]
    return [event.stream]


def _talks_of(told: MailSent) -> list[str]:
    return [conversation_stream(told.conversation_id)] if told.conversation_id else []


def evolve_together(rows: Rows, event: Recorded) -> Rows:
    """Counts what the event tells, unless its marks say that it was counted."""
    marks, when = _marks(event), _when(event)
    if not rows or when is None:
        return {}
    if type(event.event) in MAIL_FACTS:
        told = _mail(rows, marks[0], event)
        return _gone_out({**rows, **told}, told, marks[1:], event)
    if isinstance(event.event, _SPAM):
        return _spam(rows, marks[0], marks[1], event)
    counted: Counted
    if isinstance(event.event, CustomerChanged | CustomerImported):
        after, counted = _COUNTED, {"customers": 1} if rows[marks[0]] is None else {}
    else:
        after, counted = _talk(rows[marks[0]], event)
    if not counted:
        return {marks[0]: after}
    changed: dict[str, Row | None] = {marks[0]: after}
    for person in marks[1:]:
        if not (rows[person] or _UNCOUNTED)["counted"]:
            changed[person], counted = _COUNTED, {**counted, "people": 1}
    if isinstance(event.event, ConversationStarted | MessageReceived):
        changed[marks[0]] = {**after, "came": _with(after.get("came", {}), when, counted)}
        if after.get("spam"):
            return changed
    return {**changed, **_counted_at(rows, when, counted)}


def _with(came: _Came, when: datetime, counted: Counted) -> _Came:
    """What came in a conversation, by day and quarter, with what was counted at that moment."""
    day, quarter = when.date().isoformat(), str(quarter_of(when))
    quarters = came.get(day, {})
    if quarter not in quarters and sum(map(len, came.values())) >= MOST_QUARTERS:
        return came
    before = quarters.get(quarter, {})
    sums = {**before, **{name: before.get(name, 0) + more for name, more in counted.items()}}
    return {**came, day: {**quarters, quarter: sums}}


def _spam(rows: Rows, mark: str, person: str, event: Recorded) -> Rows:
    """Takes what came in the conversation out of the sums of its days, or counts it again. What the
    merchant did in it stays counted: it was done."""
    before = {**_UNSEEN, **(rows[mark] or {})}
    is_spam = isinstance(event.event, ConversationMarkedSpam)
    version = event.version or 0
    if version <= before["version"]:
        return {mark: before}
    changed: dict[str, Row | None] = {}
    came: _Came = before.get("came", {})
    if not is_spam:
        came = _as_first(came, counts=not (rows[person] or _UNCOUNTED)["counted"])
    if any("people" in sums for quarters in came.values() for sums in quarters.values()):
        changed[person] = _UNCOUNTED if is_spam else _COUNTED
    changed[mark] = {**before, "version": version, "spam": is_spam, "came": came}
    total = rows[TOTAL]
    for day, quarters in came.items():
        sums = rows[f"day/{day}"]
        for quarter, counted in quarters.items():
            signed = {name: -more if is_spam else more for name, more in counted.items()}
            sums = _in_quarter(_added(sums, signed), int(quarter), signed)
            total = _added(total, signed)
        changed[f"day/{day}"] = sums
    return {**changed, TOTAL: total} if came else changed


def _as_first(came: _Came, *, counts: bool) -> _Came:
    """What came, with its person counted where the conversation began, or nowhere."""
    return {
        day: {
            quarter: {
                **{name: more for name, more in sums.items() if name != "people"},
                **({"people": 1} if counts and "conversations" in sums else {}),
            }
            for quarter, sums in quarters.items()
        }
        for day, quarters in came.items()
    }


def _mail(rows: Rows, mark: str, event: Recorded) -> Rows:
    """Each fate of a mail once a day, in the earliest quarter that was told: two mails that went
    out for one answer on one day are one, and the order in which SES tells makes no difference."""
    row, what, when = rows[mark], fate_name(event.event), event.occurred_at
    told = _told(row)
    before, quarter = told.get(what), quarter_of(when)
    if before is not None and before <= quarter:
        return {mark: {"told": told}}
    changed: Rows = {mark: {"told": {**told, what: quarter}}}
    if before is None:
        return {**changed, **_counted_at(rows, when, {what: 1})}
    day = day_key(when.date())
    sums = _in_quarter(_in_quarter(rows[day], before, {what: -1}), quarter, {what: 1})
    return {**changed, day: sums}


def _gone_out(rows: Rows, changed: Rows, talks: Sequence[str], event: Recorded) -> Rows:
    """Counts the reply as written once SES took it, if it waited to be sent until then."""
    message_id = getattr(event.event, "message_id", "")
    for talk in talks:
        row = rows[talk]
        if row is None or message_id not in row.get("waits", ()):
            continue
        left = [one for one in row["waits"] if one != message_id]
        after, counted = _answered({**row, "waits": left}, event.occurred_at)
        return {**changed, talk: after, **_counted_at(rows, event.occurred_at, counted)}
    return changed


def _told(row: Row | None) -> Mapping[str, int]:
    """The fates that were counted, with their quarters."""
    told = row["told"] if row else {}
    # Rows from before the quarters only list them: the first quarter lets nothing move.
    return told if isinstance(told, Mapping) else dict.fromkeys(told, 0)


def _counted_at(rows: Rows, when: datetime, counted: Counted) -> Rows:
    """The sums of the day and of all days with what was counted at that moment."""
    day = day_key(when.date())
    sums = _in_quarter(_added(rows[day], counted), quarter_of(when), counted)
    return {day: sums, TOTAL: _added(rows[TOTAL], counted)}


def _in_quarter(day: Row | None, quarter: int, counted: Counted) -> Row:
    """The row of a day with what was counted in one of its quarters, without what is 0."""
    row: Row = {} if day is None else day
    quarters = dict(row.get(QUARTERS, {}))
    sums = _added(quarters.pop(str(quarter), None), counted)
    if left := {name: value for name, value in sums.items() if value and value != _NONE}:
        quarters[str(quarter)] = left
    return {**row, QUARTERS: quarters}


def _talk(row: Row | None, event: Recorded) -> tuple[Row, Counted]:
    """Versions of the stream in their order, each once."""
    before = {**_UNSEEN, **(row or {})}
    version = event.version or 0
    if version <= before["version"]:
        return before, {}
    after = {**before, "version": version}
    match event.event:
        case ConversationStarted(by=by):
            return after, {"conversations": 1} if by == "customer" else {}
        case MessageReceived(automatic=True):
            return after, {"automatic_in": 1}
        case MessageReceived():
            asked_at = before["asked_at"] or event.occurred_at
            return {**after, "asked_at": asked_at}, {"messages_in": 1}
        case ReplyWritten(send_at=None):
            return _answered(after, event.occurred_at)
        case ReplyWritten() | ReplyWithdrawn() as reply:
            left = [one for one in after.get("waits", ()) if one != reply.message_id]
            added = [reply.message_id] if isinstance(reply, ReplyWritten) else []
            return {**after, "waits": [*left, *added]}, {}
        case ConversationClosed():
            return after, {"closed": 1}
    return after, {"reopened": 1}


def _answered(row: Row, when: datetime) -> tuple[Row, Counted]:
    """A reply that goes out at that moment: the first one to a customer who asked, or another."""
    if row["asked_at"] is None or row["answered"]:
        return row, {"messages_out": 1}
    waited = max(when - row["asked_at"], timedelta()) // timedelta(milliseconds=1)
    counted = {"messages_out": 1, "first_answers": 1, "waited_ms": waited}
    return {**row, "answered": True}, counted


def _added(row: Row | None, counted: Counted) -> Row:
    """The sums with what was counted; whole numbers, so that no order makes a difference."""
    after = {**_NOTHING, **(row or {})}
    for name in counted.keys() & set(COUNTS):
        after[name] += counted[name]
    if (waited := counted.get("waited_ms")) is not None:
        after["waited_ms"] += waited
        after["longest_ms"] = max(after["longest_ms"], waited)
        buckets = list(after["buckets"])
        buckets[bisect_left(EDGES, waited / 1000)] += 1
        after["buckets"] = buckets
    return after


_COUNTED: Final[Row] = {"counted": True}
_UNCOUNTED: Final[Row] = {"counted": False}
_UNSEEN: Final[Row] = {"version": 0, "asked_at": None, "answered": False}
_NONE: Final = [0] * (len(EDGES) + 1)
_NOTHING: Final[Row] = {
    **dict.fromkeys(COUNTS, 0),
    "waited_ms": 0,
    "longest_ms": 0,
    "buckets": _NONE,
}


METRICS = Projection(
    name="metrics",
    version=1,
    handles=types(
        ConversationStarted,
        MessageReceived,
        ReplyWritten,
        ReplyWithdrawn,
        ConversationClosed,
        ConversationReopened,
        ConversationMarkedSpam,
        ConversationUnmarkedSpam,
        CustomerChanged,
        CustomerImported,
        MailSent,
        MailDelivered,
        MailBounced,
        MailComplained,
        MailRejected,
    ),
    keys=keys,
    evolve_together=evolve_together,
)
