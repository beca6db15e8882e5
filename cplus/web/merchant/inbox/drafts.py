"""What a member of staff has begun to write and has not sent."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from cplus.projections.queries import Conversation
from cplus.web.kit.deps import PagesDep
from cplus.web.merchant.conversations.drafting import RESTORED, DraftingDep, address_of_draft
from cplus.workspace.drafts import Draft, Place

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Begun:
    """A draft as the list shows it."""

    draft: Draft
    row: Conversation | None
    """Its conversation; None of a new message."""
    address: str


@router.get("/inbox/drafts")
async def drafts(
    pages: PagesDep, drafting: DraftingDep, discarded: str = "", done: str = ""
) -> HTMLResponse:
    """All drafts of who is here, the last saved first."""
    me = drafting.me
    found = await drafting.drafts.all(me.shop, me.actor.author)
    begun = []
    for one in found:
        talk = one.place.conversation
        row = await drafting.queries.conversation(me.shop, talk) if talk else None
        if row or talk is None:
            begun.append(Begun(one, row, address_of_draft(one.place)))
    gone = Place.read(discarded)
    return pages.render(
        "inbox/drafts.html",
        me=me,
        section="inbox",
        begun=begun,
        discarded=gone.name if gone else "",
        done=RESTORED.get(done, ""),
    )
