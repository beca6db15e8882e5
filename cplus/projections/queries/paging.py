"""Cursors: where a page ended, in words that mean nothing to who carries them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

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


class Walk(NamedTuple):
    """How a page of a list that leads both ways is read: it is ordered by `field` and `_id`."""

    wanted: Mapping[str, Any]
    """The filter for what lies behind the cursor."""
    sort: list[tuple[str, int]]
    backwards: bool
    """Whether the page is read from its end, towards the beginning of the list."""


def walk(field: str, shop: str, cursor: str | None, *, rising: bool = False) -> Walk:
    """The way from the cursor on where `field` falls, or rises. Rows without the field come last,
    or first.

    As in `newest_first`, there is no `$or`: the index is walked from the right place.
    """
    at, key, backwards = (None, "", False) if cursor is None else _place(cursor)
    up = rising != backwards
    sort = [(field, 1 if up else -1), ("_id", 1 if up else -1)]
    if cursor is None:
        return Walk({}, sort, backwards)
    tie = {field: at, "_id": {"$lte" if up else "$gte": row_id(shop, key)}}
    wanted: dict[str, Any]
    if at is not None:
        # What has no such moment comes before all that have one.
        wanted = {field: {"$gte": at} if up else {"$not": {"$gt": at}}, "$nor": [tie]}
    elif up:
        wanted = {"$nor": [tie]}
    else:
        wanted = {field: None, "$nor": [tie]}
    return Walk(wanted, sort, backwards)


def place_of(field: str, row: Mapping[str, Any], *, backwards: bool = False) -> str:
    """The cursor at this row, for `walk`: to what follows it, or to what comes before it."""
    at = row.get(field)
    milliseconds = None if at is None else (at - _EPOCH) // timedelta(milliseconds=1)
    return _encoded([milliseconds, key_of(row), *([True] if backwards else [])])


def _place(cursor: str) -> tuple[datetime | None, str, bool]:
    match _decoded(cursor):
        case [int() | None as milliseconds, str() as key, *rest] if rest in ([], [True]):
            try:
                at = None if milliseconds is None else _EPOCH + timedelta(milliseconds=milliseconds)
            except OverflowError:
                raise InvalidInput(reason="the cursor cannot be read") from None
            return at, key, bool(rest)
    raise InvalidInput(reason="the cursor cannot be read")


def cursor_at(field: str, row: Mapping[str, Any]) -> str:
    """The cursor behind this row, for `newest_first`."""
    milliseconds = (row[field] - _EPOCH) // timedelta(milliseconds=1)
    return _encoded([milliseconds, key_of(row)])


def number_of(cursor: str | None) -> int | None:
    """The number at which the cursor stands; None for no cursor."""
    if cursor is None:
        return None
    match _decoded(cursor):
        case int() as number if 0 <= number < 2**63:
            return number
    raise InvalidInput(reason="the cursor cannot be read")


def beside(shop: str, cursor: str | None, order: int) -> dict[str, Any]:
    """The filter for the messages of a thread after the place at which the cursor stands, or before
    it for an `order` of -1. As `newest_first`, one range and what is left out of its first moment.
    """
    if cursor is None:
        return {}
    match _decoded(cursor):
        case [int() as milliseconds, int() as number, str() as key] if 0 <= number < 2**63:
            try:
                at = _EPOCH + timedelta(milliseconds=milliseconds)
            except OverflowError:
                raise InvalidInput(reason="the cursor cannot be read") from None
            beyond, left_out = ("$gte", "$lt") if order > 0 else ("$lte", "$gt")
            same = {"at": at, "number": number, "_id": {f"{left_out}e": row_id(shop, key)}}
            return {
                "at": {beyond: at},
                "$nor": [{"at": at, "number": {left_out: number}}, same],
            }
        case int() as number if 0 <= number < 2**63:  # as cursors were before December 2026
            return {"$and": [{"number": {"$gt" if order > 0 else "$lt": number}}]}
    raise InvalidInput(reason="the cursor cannot be read")


def cursor_of(message: Message) -> str:
    """The cursor that stands at this message of a thread: questions take it for what comes after
    it (`cursor`) or before it (`before`)."""
    return _encoded(_in_thread(message))


def _in_thread(message: Message) -> list[Any]:
    return [(message.at - _EPOCH) // timedelta(milliseconds=1), message.number, message.id]


def cursor_in_front(message: Message) -> str:
    """The cursor in front of this message of a thread: the message is the first of what comes
    after it."""
    return _encoded([*_in_thread(message)[:2], ""])


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
