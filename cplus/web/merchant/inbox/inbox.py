"""The list of conversations."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final, TypeVar

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, Response

from cplus.clock import zone
from cplus.events.aggregates.conversation.handling import MAX_SNOOZE
from cplus.projections.queries import (
    Conversation,
    ConversationCounts,
    DataRequest,
    Figures,
    Page,
    summed,
)
from cplus.web.kit.built import built
from cplus.web.kit.deps import HeadDep, MailDomainDep, PagesDep
from cplus.web.kit.forms import new_key
from cplus.web.kit.i18n import ngettext
from cplus.web.kit.signed_in import Merchant, see_other
from cplus.web.merchant.conversations.addresses import is_id
from cplus.web.merchant.conversations.thread import caught_up
from cplus.web.merchant.getting_started import STEPS, Guide, guide_of
from cplus.web.merchant.inbox.bulk import left_of, told_of
from cplus.web.merchant.inbox.labels import choices, reason_of
from cplus.web.merchant.inbox.listing import Desks, DesksDep, numbers_of
from cplus.web.merchant.inbox.place import Place, PlaceDep

router = APIRouter()

T = TypeVar("T")

_URGENT: Final = timedelta(days=7)
"""How long before a customer's request for their data is due the merchant is warned."""
_DAYS: Final = 7
"""Days of the figures above the list, today among them."""


@dataclass(frozen=True, slots=True)
class Told:
    """What an address says of what was just done."""

    did: str = ""
    """The key of the form by which many conversations were changed."""
    undone: int | None = None
    """In how many that was taken back."""
    problem: str = ""
    done: str = ""
    """What was done with a single conversation that led here."""
    sent: str = ""
    """That conversation, in which they replied."""
    undo: str = ""
    """The reply there, which can be undone."""
    at: int = 0
    """The position at which it shows."""


ToldDep = Annotated[Told, Depends(built(Told))]


@router.get("/inbox")
async def inbox(
    pages: PagesDep,
    desks: DesksDep,
    domain: MailDomainDep,
    head: HeadDep,
    place: PlaceDep,
    told: ToldDep,
) -> HTMLResponse:
    """A page of conversations, the newest message or the longest wait first."""
    me, queries = desks.me, desks.queries
    if 0 < told.at <= await head(me.shop):
        await caught_up(queries, me.shop, told.at)
    here, now = zone(me.timezone), desks.clock()
    today = now.astimezone(here).date()
    (position, counts, page, mine, asked), (week, total), desk = await asyncio.gather(
        _listed(desks, place),
        queries.metrics_with_total(me.shop, here, today - timedelta(days=_DAYS - 1), today),
        desks.desk(),
    )
    unread, mentions, drafts, did = await asyncio.gather(
        desks.unread(desk.member, page.items),
        desks.mentioned(desk.member),
        desks.drafts(),
        desks.workspace.undoes.of(me.shop, me.actor.author, told.did) if told.did else _never(None),
    )
    return pages.render(
        "inbox/inbox.html",
        me=me,
        section="inbox",
        place=place,
        numbers=numbers_of(counts, mine, mentions),
        desk=desk,
        page=page,
        unread=unread,
        drafts=len(drafts),
        drafted={one.conversation for one in drafts},
        **choices(),
        position=position,
        asked=asked,
        urgent=asked is not None and asked.due_at - now < _URGENT,
        guide=_guide(me, total, domain),
        empty_shop=counts.conversations == 0 and place.view != "spam",
        days=_DAYS,
        week=summed(one.figures for one in week),
        new_key=new_key,
        told=told,
        sent=told.sent if is_id(told.sent) else "",
        undo=told.undo if is_id(told.undo) else "",
        back=place.kept,
        problem=reason_of(told.problem),
        did=did,
        did_words=told_of(did) if did else "",
        left=left_of(did) if did else [],
        undone_words=_undone(told),
        latest=(now + MAX_SNOOZE).astimezone(here),
    )


async def _listed(
    desks: Desks, place: Place
) -> tuple[int, ConversationCounts, Page[Conversation], int, DataRequest | None]:
    """The page of the list and up to which position it is, how many there are, how many are the
    member's, and the first customer's request that is open."""
    me, queries = desks.me, desks.queries
    # The position is read first: what comes between the two is offered as news once more.
    position, counts, has_requests = await queries.inbox_standing(me.shop)
    page, mine, asked = await asyncio.gather(
        desks.page(place),
        queries.count_mine(me.shop, me.actor.author) if counts.assigned else _never(0),
        queries.first_open_request(me.shop) if has_requests else _never(None),
    )
    return position, counts, page, mine, asked


async def _never(answer: T) -> T:
    """The answer to a question that need not be asked."""
    return answer


def _undone(told: Told) -> str:
    if told.undone is None:
        return ""
    return ngettext(
        "Undone in %(num)s conversation.", "Undone in %(num)s conversations.", told.undone
    )


def _guide(me: Merchant, total: Figures, domain: str) -> Guide | None:
    """The first steps, while some are left and the merchant did not hide them."""
    if me.row and not me.row.setup.shown:
        return None
    guide = guide_of(me, total, domain)
    return guide if guide.done < STEPS else None


@router.get("/")
async def home(
    pages: PagesDep,
    desks: DesksDep,
    domain: MailDomainDep,
    head: HeadDep,
    place: PlaceDep,
    told: ToldDep,
) -> Response:
    """The inbox; without a session, the page that signs in. In the Admin's frame this is the page
    itself, as a redirect would lose the token of its address."""
    if desks.me.frame is None:
        return see_other("/inbox")
    return await inbox(pages, desks, domain, head, place, told)
