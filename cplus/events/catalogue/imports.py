"""Facts about an import of a shop's customers (stream `import/<id>`)."""

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


class ImportEnded(Event):
    """The import ended."""

    TYPE: ClassVar[str] = "import.ended"
    import_id: str
    outcome: Literal["complete", "uninstalled", "refused"]
    pages: int


UPCASTS = {(ImportStarted.TYPE, 1): dict}
"""Version 2 says how many customers there are to import, and which way."""
