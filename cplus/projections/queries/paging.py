"""Cursors: where a page ended, in words that mean nothing to who carries them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from cplus.errors import InvalidInput
from cplus.projections.queries.views import Message
from cplus.projections.rows import key_of, row_id

MOST = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def newest_first(field: str, shop: str, cursor: str | None) -> dict[str, Any]:
    """The filter for what follows the cursor where `field` and `_id` fall.

    One range and what is left out of its first moment, and no `$or`: so the index is walked
    from the right place, and in order.
    """
    if cursor is None:
        return {}
    match _decoded(cursor):
        case [int() as milliseconds, str() as key]:
            try:
                at = _EPOCH + timedelta(milliseconds=milliseconds)
            except OverflowError:
                raise InvalidInput(reason="the cursor cannot be read") from None
            tie = {field: at, "_id": {"$gte": row_id(shop, key)}}
            return {field: {"$lte": at}, "$nor": [tie]}
    raise InvalidInput(reason="the cursor cannot be read")


def cursor_at(field: str, row: Mapping[str, Any]) -> str:
    """The cursor behind this row, for `newest_first`."""
    milliseconds = (row[field] - _EPOCH) // timedelta(milliseconds=1)
    return _encoded([milliseconds, key_of(row)])


def number_of(cursor: str | None) -> int | None:
    """The number of the message that the cursor stands at; None for no cursor."""
    if cursor is None:
        return None
    match _decoded(cursor):
        case int() as number if 0 <= number < 2**63:
            return number
    raise InvalidInput(reason="the cursor cannot be read")


def cursor_of(message: Message) -> str:
    """The cursor that stands at this message of a thread: questions take it for what comes after
    it (`cursor`) or before it (`before`)."""
    return _encoded(message.number)


def cursor_at_number(number: int) -> str:
    """The cursor that stands at this number, for `number_of`."""
    return _encoded(number)


def before_day(cursor: str | None) -> date | None:
    """The day that the cursor stands in front of; None for none."""
    if cursor is None:
        return None
    match _decoded(cursor):
        case str() as day:
            try:
                return date.fromisoformat(day)
            except ValueError:
                pass
    raise InvalidInput(reason="the cursor cannot be read")


def cursor_before(day: date) -> str:
    """The cursor in front of this day, for `before_day`."""
    return _encoded(day.isoformat())


def bounded(limit: int) -> int:
    """A number of items that is neither none nor too many."""
    return max(1, min(limit, MOST))


def _encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _decoded(cursor: str) -> Any:
    try:
        value = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        json.dumps(value, ensure_ascii=False).encode()  # half a character cannot be asked for
        return value
    except (ValueError, RecursionError):
        raise InvalidInput(reason="the cursor cannot be read") from None
