"""Shops: the row `shop` is the shop itself, the rows `import/<id>` are imports of its customers,
the row `setup` is what the merchant did of the first steps."""

from __future__ import annotations

from collections.abc import Iterable

from cplus.events.base import Recorded
from cplus.events.catalogue.imports import (
    ImportEnded,
    ImportOrdersLoaded,
    ImportPageLoaded,
    ImportStarted,
)
from cplus.events.catalogue.setup import (
    GuideDismissed,
    GuideRestored,
    MailTestAnnounced,
    MailTestReceived,
)
from cplus.events.catalogue.shops import (
    AppInstalled,
    AppUninstalled,
    ScopesChanged,
    ShopChanged,
)
from cplus.projections.base import Projection, Row
from cplus.projections.models.facts import newest, types

SHOP = "shop"
SETUP = "setup"

_SETUP = types(MailTestAnnounced, MailTestReceived, GuideDismissed, GuideRestored)


def keys(event: Recorded) -> Iterable[str]:
    """`shop`, `setup`, or the key of the import."""
    if type(event.event) in _SETUP:
        return [SETUP]
    import_id = getattr(event.event, "import_id", None)
    return [SHOP if import_id is None else f"import/{import_id}"]


def evolve(key: str, row: Row | None, event: Recorded) -> Row | None:
    """The newest fact about the installation and the newest about the shop win, each for
    itself."""
    if key == SETUP:
        return _setup(row or {}, event)
    return _shop(row or {}, event) if key == SHOP else _import(row, event)


def _shop(row: Row, event: Recorded) -> Row:
    after = dict(row)
    match event.event:
        case AppInstalled() as app:
            fields = {"installed": True, "scopes": list(app.scopes)}
            after["installation"] = newest(row.get("installation"), event, fields)
        case AppUninstalled():
            fields = {"installed": False, "scopes": []}
            after["installation"] = newest(row.get("installation"), event, fields)
        case ScopesChanged() as changed:
            granted = {"scopes": list(changed.scopes)}
            after["granted"] = newest(row.get("granted"), event, granted)
    match event.event:
        case AppInstalled() | ShopChanged() as shop:
            after["profile"] = newest(
                row.get("profile"),
                event,
                {
                    "name": shop.shop_name,
                    "currency": shop.currency,
                    "timezone": shop.timezone,
                    "shopify_plan": shop.shopify_plan,
                    "country": shop.country,
                },
                lasting=("currency", "timezone", "shopify_plan", "country"),
            )
    return after


def _setup(row: Row, event: Recorded) -> Row:
    """The newest test, that one came, and whether the first steps are shown."""
    told = event.event
    match told:
        case MailTestAnnounced():
            test = newest(row.get("test"), event, {"code": told.code}, rank=event.position)
            return {**row, "test": test}
        case MailTestReceived():
            came = newest(row.get("received"), event, {"channel": told.channel})
            return {**row, "received": came}
    fields = {"shown": isinstance(told, GuideRestored), "actor": event.actor}
    # Two clicks of one moment are in the order in which they were recorded.
    return {**row, "guide": newest(row.get("guide"), event, fields, rank=event.position)}


def _import(row: Row | None, event: Recorded) -> Row:
    after = {**_NEW_IMPORT, **(row or {})}
    match event.event:
        case ImportStarted() as started:
            after["started_at"] = min(after["started_at"] or event.occurred_at, event.occurred_at)
            if started.total is not None:
                after["total"] = started.total
            if started.bulk:
                after["bulk"] = True
        case ImportPageLoaded() as page:
            # Pages are read one after the other and each is recorded once, so a page that is
            # not above the last was counted before.
            if after["last_page"] is None or page.page > after["last_page"]:
                after["last_page"] = page.page
                after["pages"] += 1
                after["customers"] += page.customers
                if page.skipped:  # few imports have any
                    after["skipped"] = after.get("skipped", 0) + page.skipped
        case ImportOrdersLoaded() as some:
            if some.page > after.get("last_orders", 0):  # as for pages
                after["last_orders"] = some.page
                after["orders"] = after.get("orders", 0) + some.orders
                if some.skipped:
                    after["orders_skipped"] = after.get("orders_skipped", 0) + some.skipped
        case ImportEnded() as end:
            ended = {"outcome": end.outcome, "pages": end.pages}
            orders = {"orders": end.orders} if end.orders is not None else {}
            after["end"] = newest(after["end"], event, {**ended, **orders})
    return after


_NEW_IMPORT: Row = {
    "started_at": None,
    "last_page": None,
    "pages": 0,
    "customers": 0,
    "end": None,
}


SHOPS = Projection(
    name="shops",
    version=1,
    handles=types(
        AppInstalled,
        AppUninstalled,
        ScopesChanged,
        ShopChanged,
        ImportStarted,
        ImportPageLoaded,
        ImportOrdersLoaded,
        ImportEnded,
        MailTestAnnounced,
        MailTestReceived,
        GuideDismissed,
        GuideRestored,
    ),
    keys=keys,
    evolve=evolve,
    indexes=((("started_at", -1),),),
)
