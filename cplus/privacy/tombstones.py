"""What the directory keeps where a row of somebody was erased: late news is theirs, and shows
nothing, because their key is destroyed; what happens later is of somebody new.

A tombstone stays in place of the row, so another process that is about to insert or change that row
finds it taken. To code that knows of no tombstones, one of an address is an address that nobody has
any more, and one of an account is an account about which there is no news.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

KEPT: Final = timedelta(days=90)
"""How long news of an address may be late. Shopify tries for a day at most; a queue keeps a message
for 14 days, its dead letters for 14 more, and as long again if they are sent back once."""

_NO_NEWS: Final = datetime(9999, 12, 31, tzinfo=UTC)
"""Since when an erased account has no address: no fact about it is later."""


def tombstone(
    name: str, of: Mapping[str, Any], at: datetime, *, lead: bool = False
) -> dict[str, Any]:
    """The row `name` of the person `of` a row, who was erased `at` that time. `lead`: they had no
    account, so one that had their address then is theirs.

    That of an address ends with its time; that of an account stays: Shopify may tell of its
    customers whenever it likes, and never gives an id to another.
    """
    person = of["person"]
    row = {"_id": name, "shop": of["shop"], "person": person, "since": at}
    if "former" in of:  # whoever was joined into them is joined with nobody else either
        row["former"] = of["former"]
    if is_account(row):
        return row | {"erased": {"person": person, "at": at}, "at": _NO_NEWS, "gone": True}
    erased = {"person": person, "at": at, "lead": lead}
    return row | {"erased": erased, "at": at, "ended": True, "expires_at": at + KEPT}


def is_account(row: Mapping[str, Any]) -> bool:
    """Whether it is the row of a customer in Shopify."""
    return "/shopify/" in row["_id"]


def is_tombstone(row: Mapping[str, Any]) -> bool:
    """Whether the row is of nobody but somebody who was erased."""
    erased = row.get("erased")
    return erased is not None and erased["person"] == row["person"]


def is_late(happened_at: datetime | None, row: Mapping[str, Any]) -> bool:
    """Whether what happened then is news of whoever was erased; None is now."""
    erased = row.get("erased")
    return erased is not None and happened_at is not None and happened_at <= erased["at"]


def lapse(row: Mapping[str, Any]) -> datetime | None:
    """When it is forgotten that somebody who had this row was erased; None if nobody was."""
    erased = row.get("erased")
    return None if erased is None else erased["at"] + KEPT
