"""Which list of conversations, and where in it: what an address says, and a page keeps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Final, NamedTuple, Self, get_args
from urllib.parse import parse_qsl, urlencode

from fastapi import Depends, Request

from cplus.clock import zone
from cplus.events.aggregates.settings import ShopSettings
from cplus.events.aggregates.tags import Shown
from cplus.events.catalogue.handling import Priority
from cplus.projections.queries import ConversationState, Filter
from cplus.web.kit.signed_in import Merchant
from cplus.wording import worded

VIEWS: Final[Mapping[ConversationState, str]] = {
    "open": worded("Open"),
    "unanswered": worded("Awaiting reply"),
    "mine": worded("Mine"),
    "mentions": worded("Mentions"),
    "unassigned": worded("Unassigned"),
    "snoozed": worded("Snoozed"),
    "closed": worded("Closed"),
    "all": worded("All"),
    "spam": worded("Spam"),
}
"""What each view is called, in their order."""

NOBODY: Final = "-"
"""In place of a member of staff: conversations that nobody looks after."""
_PRIORITIES: Final[tuple[Priority, ...]] = get_args(Priority)
_ID: Final = re.compile(r"[a-z0-9]{1,64}")
_STAFF: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LONGEST: Final = 4_000  # characters of an address


@dataclass(frozen=True, slots=True)
class Place:
    """A list of conversations and a page of it. What cannot be read in an address is left out."""

    view: ConversationState = "open"
    tag: str = ""
    assignee: str = ""
    """The id of a member of staff, or NOBODY."""
    priority: Priority | None = None
    since: str = ""
    """A day of the shop's time zone."""
    until: str = ""
    """The last day."""
    files: bool = False
    cursor: str | None = None
    words: str = ""
    """What was searched for, if the list is what a search found."""

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> Self:
        """What an address says; `tab` is what it called a view before."""
        view = asked.get("view") or asked.get("tab")
        tag, who = asked.get("tag", ""), asked.get("assignee", "")
        return cls(
            view=next((one for one in VIEWS if one == view), "open"),
            tag=tag if _ID.fullmatch(tag) else "",
            assignee=who if who == NOBODY or _STAFF.fullmatch(who) else "",
            priority=next((one for one in _PRIORITIES if one == asked.get("priority")), None),
            since=_day(asked.get("since", "")),
            until=_day(asked.get("until", "")),
            files=asked.get("files") == "1",
            cursor=asked.get("cursor") or None,
        )

    @classmethod
    def read(cls, query: str) -> Self | None:
        """The list that a page came from, as its address keeps it; None if it says none."""
        if not query or len(query) > _LONGEST:
            return None
        try:
            asked = dict(parse_qsl(query, max_num_fields=20))
        except ValueError:
            return None
        words = asked.get("q", "")
        if words:
            asked["view"] = asked.get("state", "all")  # as the page of search calls it
        return replace(cls.of(asked), words=words)

    @classmethod
    def showing(cls, shows: Shown) -> Self:
        """The list of a view that was saved."""
        return cls(
            view=shows.state,
            tag=shows.tag or "",
            assignee=NOBODY if shows.assignee == "" else shows.assignee or "",
            priority=shows.priority,
            since=shows.since or "",
            until=shows.until or "",
            files=shows.files,
        )

    @property
    def shown(self) -> Shown:
        """What it shows, to be saved."""
        return Shown(
            self.view,
            tag=self.tag or None,
            assignee="" if self.assignee == NOBODY else self.assignee or None,
            priority=self.priority,
            since=self.since or None,
            until=self.until or None,
            files=self.files,
        )

    @property
    def query(self) -> str:
        """As an address says it."""
        view = {"q": self.words, "state": self.view} if self.words else {"view": self.view}
        named: dict[str, Any] = {
            **view,
            "tag": self.tag,
            "assignee": self.assignee,
            "priority": self.priority or "",
            "since": self.since,
            "until": self.until,
            "files": "1" if self.files else "",
            "cursor": self.cursor or "",
        }
        return urlencode({name: value for name, value in named.items() if value})

    @property
    def address(self) -> str:
        """Of the list."""
        return f"{'/search' if self.words else '/inbox'}?{self.query}"

    @property
    def filtered(self) -> bool:
        """Whether more is chosen than a view."""
        return replace(self, cursor=None) != Place(self.view)

    @property
    def start(self) -> Place:
        """Its first page."""
        return replace(self, cursor=None)

    def at(self, cursor: str | None) -> Place:
        """Another page of it."""
        return replace(self, cursor=cursor)

    def leads_to(self, conversation_id: str) -> str:
        """The address of a conversation that is opened from here."""
        return f"/conversations/{conversation_id}{self.kept}"

    @property
    def kept(self) -> str:
        """What the address of a conversation keeps of it."""
        return f"?{urlencode({'list': self.query})}"

    def filter(self, me: Merchant) -> Filter:
        """The same for the read models."""
        return Filter(
            self.view,
            member=me.actor.author,
            assignee=self.shown.assignee,
            tag=self.tag or None,
            priority=self.priority,
            since=_begins(self.since, me, days=0),
            until=_begins(self.until, me, days=1),
            has_files=self.files,
        )


class SavedView(NamedTuple):
    """A view that was saved, as pages link to it."""

    id: str
    name: str
    place: Place


def views_of(settings: ShopSettings) -> list[SavedView]:
    """The views of the shop, in the order of their names."""
    views = (
        SavedView(one.id, one.name, Place.showing(one.shows)) for one in settings.views.values()
    )
    return sorted(views, key=lambda view: view.name.casefold())


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""


def _begins(day: str, me: Merchant, *, days: int) -> datetime | None:
    if not day:
        return None
    try:
        first = date.fromisoformat(day) + timedelta(days=days)
        # In UTC some zones' first and last days lie outside of the years that there are.
        return datetime.combine(first, time(), zone(me.timezone)).astimezone(UTC)
    except OverflowError:
        return None


async def _place(
    request: Request, view: ConversationState | None = None, tab: ConversationState | None = None
) -> Place:
    """What the address says; a view that there is not is refused."""
    return replace(Place.of(request.query_params), view=view or tab or "open")


async def _came_from(request: Request) -> Place | None:
    return Place.read(request.query_params.get("list", ""))


PlaceDep = Annotated[Place, Depends(_place)]
CameFromDep = Annotated[Place | None, Depends(_came_from)]
"""The list from which a conversation was opened."""
