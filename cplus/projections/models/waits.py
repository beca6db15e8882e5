"""Replies that wait to be sent, in the row of their conversation: what it showed before each of
them, so that a reply which is withdrawn leaves it as if it had not been written. Pure.

They stand in the field `waits` in their order: `message_id`, `at`, when it is to go out (rows from
before that was kept do not say), and `back`, the fields that come back.
Rows of conversations in which no reply ever waited have no such field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from cplus.projections.base import Row

WAITS: Final = "waits"
SINCE: Final = "waiting_since"
"""Since when somebody waits for the merchant; None if nobody does."""
_MAIL: Final = ("last_mail", "last_failed", "failed")
_BACK: Final = (
    "waiting",
    SINCE,
    "snippet",
    "last_message_at",
    "last_from",
    "last_unproved",
    *_MAIL,
)
Waiting = Mapping[str, Any]


def waits_longer(row: Row, message_id: str, at: datetime | None) -> dict[str, Any]:
    """What changes by a reply: one that waits until a moment stands last; one that goes out at once
    (None) has answered, so those before it bring nothing back."""
    if at is None:
        return {WAITS: []} if WAITS in row else {}
    back = {name: row[name] for name in _BACK if name in row}
    return {WAITS: [*_waits(row), {"message_id": message_id, "at": at, "back": back}]}


def waits_over(row: Row, message_id: str) -> Row:
    """The row once that reply went out, or was refused: it and those before it bring nothing back
    any more."""
    ids = [one["message_id"] for one in _waits(row)]
    if message_id not in ids:
        return row
    return {**row, WAITS: list(_waits(row)[ids.index(message_id) + 1 :])}


def waits_changed(row: Row, change: Callable[[Row], Row]) -> Row:
    """The row with this change in all that would come back."""
    if not _waits(row):
        return row
    return {**row, WAITS: [{**one, "back": change(one["back"])} for one in _waits(row)]}


def waits_answered(row: Row, *, automatic: bool) -> dict[str, Any]:
    """What changes by a message of the customer: it is the last one now, and they wait for a reply
    to it, unless a machine wrote it."""
    if not _waits(row):
        return {}
    # They have waited since before the reply, if they did then.
    names = ("waiting", SINCE, *_MAIL) if automatic else (SINCE, *_MAIL)
    return {WAITS: [{**one, "back": _said(one, names)} for one in _waits(row)]}


def without_reply(row: Row, message_id: str) -> dict[str, Any]:
    """What changes by withdrawing that reply."""
    waits = list(_waits(row))
    found = next((i for i, one in enumerate(waits) if one["message_id"] == message_id), None)
    if found is None:
        return {}
    back = waits.pop(found)["back"]
    if found < len(waits):  # the next one was written as if this had not been
        following = waits[found]
        waits[found] = {**following, "back": {**following["back"], **back}}
        return {WAITS: waits}
    return {**back, WAITS: waits}


def _waits(row: Row) -> Sequence[Waiting]:
    found: Sequence[Waiting] = row.get(WAITS, ())
    return found


def _said(one: Waiting, names: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in one["back"].items() if name in names}
