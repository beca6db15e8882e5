"""Events that many tests need and few look into."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cplus.events.catalogue.shops import AppInstalled


def installed(
    shop_name: str = "Acorn",
    scopes: tuple[str, ...] = (),
    *,
    shop: str = "acorn.myshopify.com",
    version: int = 1,
    at: datetime = datetime(2026, 11, 1, tzinfo=UTC),
    **profile: Any,
) -> AppInstalled:
    """An install, as the shop's aggregate decides it."""
    return AppInstalled(
        originator_id=f"shop/{shop}",
        originator_version=version,
        timestamp=at,
        scopes=scopes,
        shop_name=shop_name,
        **profile,
    )
