"""Questions about customers' requests for their data, and about erasures."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.models.data_requests import DATA_REQUESTS
from cplus.projections.models.erasures import ERASURES
from cplus.projections.queries.paging import bounded, cursor_at, newest_first
from cplus.projections.queries.read_models import PAGE, ReadModels
from cplus.projections.queries.row_views import data_request_view, erasure_view
from cplus.projections.queries.views import (
    DataRequest,
    DataRequestCounts,
    DataRequestState,
    Erasure,
    Page,
)
from cplus.projections.rows import key_of, row_ids

_NOT: Mapping[str, bool] = {"$exists": False}
_OPEN: Mapping[str, Any] = {"exported": False, "erased": _NOT}
_STATES: Mapping[str, Mapping[str, Any]] = {
    "all": {},
    "open": _OPEN,
    "exported": {"exported": True},
}


class PrivacyQueries(ReadModels):
    """Questions about customers' requests for their data, and about erasures."""

    async def data_requests(
        self,
        shop: str,
        state: DataRequestState = "all",
        cursor: str | None = None,
        limit: int = PAGE,
    ) -> Page[DataRequest]:
        """The requests, the newest first."""
        limit = bounded(limit)
        wanted = {"shop": shop, **_STATES[state], **newest_first("at", shop, cursor)}
        found = await self._newest(DATA_REQUESTS, wanted, "at", limit + 1)
        shown = found[:limit]
        more = cursor_at("at", shown[-1]) if len(found) > limit else None
        return Page([data_request_view(row) for row in shown], more)

    async def data_request(self, shop: str, request_id: int) -> DataRequest | None:
        """One request by Shopify's number of it."""
        row = await self._row(DATA_REQUESTS, shop, str(request_id))
        return data_request_view(row) if row else None

    async def first_open_request(self, shop: str) -> DataRequest | None:
        """The open request that is due first; None if none is open."""
        rows = await self._rows(DATA_REQUESTS)
        oldest = [("at", 1), ("_id", 1)]
        row = await rows.find_one({"shop": shop, **_OPEN}, sort=oldest)
        return data_request_view(row) if row else None

    async def data_request_counts(self, shop: str) -> DataRequestCounts:
        """How many requests the shop has."""
        counts: Mapping[str, Any] | None = await self._counts(DATA_REQUESTS, shop)
        if counts is None:
            rows = await self._rows(DATA_REQUESTS)
            counts = {
                "requests": await rows.count_documents({"shop": shop}),
                "open": await rows.count_documents({"shop": shop, **_OPEN}),
                "erased": await rows.count_documents(
                    {"shop": shop, "exported": False, "erased": True}
                ),
            }
        total, open_ = counts.get("requests", 0), counts.get("open", 0)
        return DataRequestCounts(total, open_, total - open_ - counts.get("erased", 0))

    async def erasures(
        self, shop: str, cursor: str | None = None, limit: int = PAGE
    ) -> Page[Erasure]:
        """The erasures, the newest first."""
        limit = bounded(limit)
        wanted = {"shop": shop, **newest_first("at", shop, cursor)}
        found = await self._newest(ERASURES, wanted, "at", limit + 1)
        shown = found[:limit]
        more = cursor_at("at", shown[-1]) if len(found) > limit else None
        return Page([erasure_view(row) for row in shown], more)

    async def erasure(self, shop: str, erasure: str) -> Erasure | None:
        """One erasure by its id."""
        row = await self._row(ERASURES, shop, erasure)
        return erasure_view(row) if row else None

    async def customers_among(self, shop: str, persons: Collection[str]) -> set[str]:
        """Which of these persons are known as customers or leads, or turned out to be one."""
        rows = await self._rows(CUSTOMERS)
        found = rows.find({"_id": {"$in": row_ids(shop, persons)}}, {"shop": 1})
        return {key_of(row) for row in await found.to_list(None)}
