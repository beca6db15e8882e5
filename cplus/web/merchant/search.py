"""Searching conversations: what was written, by whom, about which order."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from typing import Final, Literal
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from cplus.clock import zone
from cplus.errors import InvalidInput
from cplus.projections.queries import (
    ConversationState,
    Customer,
    Filter,
    Hit,
    Message,
    cursor_in_front,
)
from cplus.projections.queries.search import (
    Marked,
    beginning_at_match,
    headings_of,
    marked,
)
from cplus.projections.words import Phrase, phrases_of
from cplus.web.kit import text
from cplus.web.kit.deps import PagesDep, QueriesDep
from cplus.web.kit.pages import links
from cplus.web.kit.signed_in import MerchantDep
from cplus.web.merchant.conversations.thread import PAGE
from cplus.web.merchant.customers.customers import LONGEST, MOST, found_people
from cplus.wording import worded

router = APIRouter()

_PEOPLE: Final = 3  # on the first page
_MARKING: Final = 0.15  # seconds after which no text of a page is searched for what to mark

STATES: Final[tuple[tuple[ConversationState, str], ...]] = (
    ("all", worded("All but spam")),
    ("open", worded("Open")),
    ("unanswered", worded("Awaiting reply")),
    ("mine", worded("Assigned to you")),
    ("mentions", worded("You were mentioned")),
    ("unassigned", worded("Unassigned")),
    ("snoozed", worded("Snoozed")),
    ("closed", worded("Closed")),
    ("spam", worded("Spam")),
)


@dataclass(frozen=True, slots=True)
class Result:
    """A conversation in which something was found, as the page shows it."""

    hit: Hit
    address: str
    """Where the message stands."""
    who: Sequence[Marked]
    subject: Sequence[Marked]
    said: Sequence[Marked]
    """The part of the message around what was found."""
    also: Sequence[Marked]
    """An address or a file's name in which something was found, if nothing above shows it."""


@router.get("/search")
async def search(
    pages: PagesDep,
    queries: QueriesDep,
    me: MerchantDep,
    q: str = "",
    state: ConversationState = "all",
    *,
    since: str = "",
    until: str = "",
    files: Literal["", "1"] = "",
    cursor: str | None = None,
) -> HTMLResponse:
    """What was found, the newest message first. What was searched for is in the address alone: no
    log line and no cookie has it."""
    asked = q[:LONGEST]
    phrases, left_out = phrases_of(asked, MOST)
    here = zone(me.timezone)
    wanted = Filter(
        state=state,
        member=me.actor.author,
        since=_day(since, here),
        until=_day(until, here, after=1),
        has_files=bool(files),
    )
    narrowed = wanted != Filter(member=wanted.member)
    found = await queries.search(me.shop, phrases, wanted, cursor) if phrases else None
    people: Sequence[Customer] = ()
    if phrases and cursor is None and not narrowed:
        people = (await found_people(queries, me.shop, asked, limit=_PEOPLE + 1)).items
    shown = {"q": asked, "state": state, "since": since, "until": until, "files": files}
    address = {name: value for name, value in shown.items() if value not in ("", "all")}
    here_again = urlencode({**address, **({"cursor": cursor} if cursor else {})})
    return pages.render(
        "search/search.html",
        me=me,
        section="search",
        query=asked,
        shown=shown,
        states=STATES,
        asked=bool(asked.strip()),
        narrowed=narrowed,
        people=people[:_PEOPLE],
        more_people=len(people) > _PEOPLE,
        cut=len(q) > LONGEST,
        left_out=left_out,
        most=MOST,
        results=_results(found.items, phrases, here_again) if found else [],
        searched=found is not None,
        back_to=found.back_to if found else None,
        **links("/search", cursor, found.next if found else None, **address),
    )


def _day(given: str, here: ZoneInfo, after: int = 0) -> datetime | None:
    """The beginning of a day of the shop, or of the one so many days after it."""
    if not given:
        return None
    try:
        day = date.fromisoformat(given) + timedelta(days=after)
        return datetime.combine(day, time_of_day(), here).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(reason=worded("a date looks like 2026-11-30")) from None


def _results(hits: Sequence[Hit], phrases: Sequence[Phrase], asked: str) -> list[Result]:
    """Each as it is shown, with the way back to what was `asked`. Once the time is over, the rest
    begin with the first words."""
    until = time.monotonic() + _MARKING
    return [_result(hit, phrases, lambda: time.monotonic() > until, asked) for hit in hits]


def _result(hit: Hit, phrases: Sequence[Phrase], over: Callable[[], bool], asked: str) -> Result:
    message = hit.message
    who = marked(text.sender(hit.conversation), phrases)
    subject = marked(text.titled(hit.conversation.subject), phrases)
    said = beginning_at_match(message.text or "", phrases, over)
    shown = any(one.found for one in (*who, *subject, *said))
    return Result(
        hit=hit,
        address=_address(hit, asked, said),
        who=who,
        subject=subject,
        said=said,
        also=() if shown else _also(message, phrases, over),
    )


def _also(
    message: Message, phrases: Sequence[Phrase], over: Callable[[], bool]
) -> Sequence[Marked]:
    for one in headings_of(message):
        pieces = beginning_at_match(one or "", phrases, over)
        if any(piece.found for piece in pieces):
            return pieces
    return ()


def _address(hit: Hit, asked: str, said: Sequence[Marked]) -> str:
    """The page of the conversation at the message, which may be further back than the page goes
    that the thread opens with, and there at the first words that were found (a text fragment:
    https://wicg.github.io/scroll-to-text-fragment/). It leads back to what was asked."""
    message = hit.message
    named = {"list": asked, "message": message.id}
    if hit.conversation.messages > PAGE.messages:
        named["from"] = cursor_in_front(message)
    words = next((one.text for one in said if one.found), "")
    part = f":~:text={quote(words, safe='').replace('-', '%2D')}" if words else ""
    return f"/conversations/{hit.conversation.id}?{urlencode(named)}#m-{message.id}{part}"
