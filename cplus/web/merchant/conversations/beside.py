"""What stands beside a thread: the list that it was opened from, what comes before and after it
there, and what staff did with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cplus.errors import InvalidInput
from cplus.projections.queries import Conversation, Page
from cplus.web.kit.i18n import gettext as _
from cplus.web.merchant.inbox.listing import Desk, Desks, name_of
from cplus.web.merchant.inbox.place import Place

BESIDE: Final = 14
"""Conversations of the list beside the thread: the page with both is under 100 KB."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The conversation before or after this one in its list."""

    id: str
    place: Place
    """The page of the list that it is on."""

    @property
    def address(self) -> str:
        """Where it is."""
        return self.place.leads_to(self.id)


@dataclass(frozen=True, slots=True)
class Beside:
    """All of that."""

    desk: Desk
    came: Place | None
    """The list; None if the address names none."""
    name: str = ""
    """What the list is called."""
    items: Sequence[Conversation] = ()
    unread: frozenset[str] = frozenset()
    previous: Neighbour | None = None
    following: Neighbour | None = None


async def beside(desks: Desks, came: Place | None, row: Conversation) -> Beside:
    """For the page of this conversation; without the list if its address cannot be read."""
    desk = await desks.desk()
    if came is None:
        return Beside(desk, None)
    if came.words:  # back to it, but it does not stand beside: a search takes its time
        return Beside(desk, came, _("Search results"))
    try:
        page = await desks.page(came)
    except InvalidInput:
        return Beside(desk, None)
    near = _near(page.items, row.id)
    unread = await desks.unread(desk.member, near)
    previous, following = await _around(desks, came, page, row.id)
    name = name_of(came, desk)
    return Beside(desk, came, name, near, frozenset(unread - {row.id}), previous, following)


def _near(items: Sequence[Conversation], current: str) -> Sequence[Conversation]:
    """Those around the current one; the first if it is in the list no more."""
    here = next((n for n, one in enumerate(items) if one.id == current), 0)
    start = max(0, min(here - BESIDE // 2, len(items) - BESIDE))
    return items[start : start + BESIDE]


async def _around(
    desks: Desks, came: Place, page: Page[Conversation], current: str
) -> tuple[Neighbour | None, Neighbour | None]:
    ids = [one.id for one in page.items]
    if current not in ids:  # it is in that list no more: what is left of it follows
        return None, Neighbour(ids[0], came) if ids else None
    here = ids.index(current)
    before = Neighbour(ids[here - 1], came) if here else None
    after = Neighbour(ids[here + 1], came) if here + 1 < len(ids) else None
    if before is None and page.previous:
        before = await _nearest(desks, came.at(page.previous))
    if after is None and page.next:
        after = await _nearest(desks, came.at(page.next))
    return before, after


async def _nearest(desks: Desks, place: Place) -> Neighbour | None:
    page = await desks.page(place, 1)
    return Neighbour(page.items[0].id, place) if page.items else None
