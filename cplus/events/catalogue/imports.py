"""Facts about an import of a shop's customers and orders (stream `import/<id>`)."""

from __future__ import annotations

from typing import ClassVar, Literal

from cplus.events.base import Event


class ImportStarted(Event):
    """The import of a shop's customers started."""

    TYPE: ClassVar[str] = "import.started"
    VERSION: ClassVar[int] = 2
    import_id: str
    total: int | None = None
    """How many customers the shop has; None if that is not known, and for events of version 1."""
    bulk: bool = False
    """Whether Shopify puts them into a file first; for events of version 1 it did not."""


class ImportPageLoaded(Event):
    """One page of customers was read and recorded."""

    TYPE: ClassVar[str] = "import.page_loaded"
    import_id: str
    page: int
    customers: int
    skipped: int = 0
    """Customers that could not be read, or that do not fit into a commit."""


class ImportOrdersLoaded(Event):
    """Some orders were read and recorded, after the customers."""

    TYPE: ClassVar[str] = "import.orders_loaded"
    import_id: str
    page: int
    """The step of the import, which counts on from the pages of customers."""
    orders: int
    skipped: int = 0
    """Orders that could not be read."""


class ImportEnded(Event):
    """The import ended."""

    TYPE: ClassVar[str] = "import.ended"
    VERSION: ClassVar[int] = 3
    import_id: str
    outcome: Literal["complete", "uninstalled", "refused", "closed"]
    """What became of the customers: `closed` if Shopify took no call for this shop for days, with
    tokens that may be good; such an import may go on after all, and end again."""
    pages: int
    orders: Literal["complete", "denied", "refused", "unreadable"] | None = None
    """What became of the orders: `denied` if the app may read none, `refused` if Shopify did not
    take the query, `unreadable` if its answer could not be read; None if it did not come to them,
    and for events of version 1."""


UPCASTS = {
    (ImportStarted.TYPE, 1): dict,
    (ImportEnded.TYPE, 1): dict,
    (ImportEnded.TYPE, 2): dict,
}
"""Version 2 of the start says how many customers there are to import, and which way; version 2 of
the end says what became of the orders, and version 3 may say that the shop was closed."""
