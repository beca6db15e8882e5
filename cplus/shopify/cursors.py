"""Our cursor through a shop's customers: Shopify's, and where to restart if Shopify pages no
further."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from cplus.errors import InvalidInput

# Some stored cursors hold the largest id that was read as a third number.
_CURSOR: Final = re.compile(r"([0-9]{1,19})\.([0-9]{1,9})\.(?:([0-9]{1,19})\.)?(.*)", re.DOTALL)


class CursorPlace(NamedTuple):
    """Where the paging is; as a text, without `last`, it is our cursor."""

    floor: int
    """The id after which this window starts."""
    read: int
    """Customers read in it; a page without a readable id counts as a full one."""
    last: int
    """The largest id that was read."""
    cursor: str
    """Shopify's."""

    def __str__(self) -> str:
        return f"{self.floor}.{self.read}.{self.cursor}"


def place_of(after: str | None, last: int) -> CursorPlace:
    """Where the cursor stands; `last` is beside it. Raises InvalidInput for one that is not
    ours."""
    if after is None:
        return CursorPlace(0, 0, 0, "")
    match = _CURSOR.fullmatch(after)
    if match is None:
        raise InvalidInput(reason="the cursor of the customer import is not one of ours")
    return CursorPlace(int(match[1]), int(match[2]), max(last, int(match[3] or match[1])), match[4])


def cursor_behind(shopify_id: int) -> str | None:
    """The cursor behind the customer of that id; None, the beginning, for 0."""
    return str(CursorPlace(shopify_id, 0, shopify_id, "")) if shopify_id else None
