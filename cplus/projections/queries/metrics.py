"""Questions about the sums of days."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta, tzinfo

from cplus.projections.base import Row
from cplus.projections.models.metrics import METRICS, TOTAL, day_key, day_of
from cplus.projections.queries.figures import Day, Figures, days_in, figures_of
from cplus.projections.queries.paging import MOST, before_day, bounded, cursor_before
from cplus.projections.queries.read_models import ReadModels
from cplus.projections.queries.views import Page
from cplus.projections.rows import key_of, row_id


class MetricsQueries(ReadModels):
    """Questions about the sums of days."""

    async def metrics(
        self, shop: str, first: date, last: date, cursor: str | None = None, limit: int = MOST
    ) -> Page[Day]:
        """The days from the first to the last, both in it and in UTC, on which something
        happened; the newest first."""
        limit, before = bounded(limit), before_day(cursor)
        days_of = {"$gte": row_id(shop, day_key(first)), "$lte": row_id(shop, day_key(last))}
        if before is not None:
            days_of["$lt"] = row_id(shop, day_key(before))
        wanted = {"shop": shop, "_id": days_of}
        rows = await self._rows(METRICS)
        found = await rows.find(wanted, sort=[("_id", -1)]).limit(limit + 1).to_list(limit + 1)
        days = [Day(day_of(key_of(row)), figures_of(row)) for row in found[:limit]]
        return Page(days, cursor_before(days[-1].day) if len(found) > limit else None)

    async def metrics_in(self, shop: str, zone: tzinfo, first: date, last: date) -> list[Day]:
        """The days of that time zone from the first to the last, both in it, on which something
        happened; the newest first."""
        begin, end = _in_utc(first, last)
        ids = {"$gte": row_id(shop, day_key(begin)), "$lte": row_id(shop, day_key(end))}
        rows = await self._rows(METRICS)
        found = await rows.find({"shop": shop, "_id": ids}).to_list(None)
        return _within(zone, first, last, found)

    async def metrics_with_total(
        self, shop: str, zone: tzinfo, first: date, last: date
    ) -> tuple[list[Day], Figures]:
        """The same of a few days, and the sums over all days, by one question."""
        begin, end = _in_utc(first, last)
        days = [begin + timedelta(days=number) for number in range((end - begin).days + 1)]
        ids = [row_id(shop, key) for key in (TOTAL, *map(day_key, days))]
        rows = await self._rows(METRICS)
        found = {key_of(row): row for row in await rows.find({"_id": {"$in": ids}}).to_list(None)}
        total = figures_of(found.pop(TOTAL, None))
        return _within(zone, first, last, found.values()), total

    async def metrics_total(self, shop: str) -> Figures:
        """The sums over all days."""
        return figures_of(await self._row(METRICS, shop, TOTAL))


def _in_utc(first: date, last: date) -> tuple[date, date]:
    """The days of UTC among which all of these are, in whatever time zone."""
    # A zone is at most 14 hours ahead of UTC or 12 behind it: a day of it lies in two of UTC.
    return first - timedelta(days=1), last + timedelta(days=1)


def _within(zone: tzinfo, first: date, last: date, rows: Iterable[Row]) -> list[Day]:
    days = days_in(zone, ((day_of(key_of(row)), row) for row in rows))
    return [one for one in days if first <= one.day <= last]
