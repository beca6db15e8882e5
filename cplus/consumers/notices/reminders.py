"""When merchants are to be reminded of requests for data. What is due decides nothing: whether the
mail still helps is asked of the log at that time, so a row outlives a request that is answered."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from cplus.consumers.scheduled.due import Due, DueRows
from cplus.consumers.scheduled.taking import DueWork
from cplus.events.catalogue.privacy import NoticeKind
from cplus.mongo import Database

REMINDER: Final = "reminder"
"""The `what` of such a row; its `ref` is `<request>/<kind>`."""
REMINDERS: Final = "reminders"
"""The collection of releases before: `{_id: <shop>/<request>/<kind>, shop, request_id, kind,
due_at}`."""
_KINDS: Final[dict[str, NoticeKind]] = {"reminder": "reminder", "last": "last"}
_PAGE: Final = 500


def reminder(shop: str, request_id: int, kind: str, due_at: datetime) -> Due:
    """The merchant is to be reminded of the request at that time."""
    return Due(shop, REMINDER, f"{request_id}/{kind}", due_at)


async def remind(due: Due, use: DueWork) -> None:
    """Requests the mail, once."""
    request, _, kind = due.ref.partition("/")
    await use.notices.wish(due.shop, int(request), _KINDS[kind])


async def carry_over(database: Database, rows: DueRows, now: datetime) -> int:
    """Moves the reminders of releases before whose time has come to what is due; returns how many.

    The others stay where such a release, to which one may go back, finds them. Repeatable: a row is
    gone from there only after it is here.
    """
    moved, old = 0, database[REMINDERS]
    while found := await old.find({"due_at": {"$lte": now}}).limit(_PAGE).to_list(_PAGE):
        await rows.put(
            [reminder(row["shop"], row["request_id"], row["kind"], row["due_at"]) for row in found]
        )
        await old.delete_many({"_id": {"$in": [row["_id"] for row in found]}})
        moved += len(found)
    return moved


async def ensure_indexes(database: Database) -> None:
    """Makes the index by which the next reminders of releases before are found."""
    await database[REMINDERS].create_index("due_at", name="due")
