"""Who did what to a conversation, and when."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query
from fastapi.responses import HTMLResponse, RedirectResponse

from cplus.events.audit.questions import NoPosition
from cplus.projections.checks.as_it_was import TooLong
from cplus.web.kit.deps import HistoryDep, PagesDep, PastDep, QueriesDep, StepsDep
from cplus.web.kit.signed_in import MerchantDep
from cplus.web.merchant.conversations import thread
from cplus.web.merchant.conversations.addresses import IdDep
from cplus.web.merchant.inbox.labels import PRIORITIES
from cplus.web.merchant.inbox.listing import DesksDep

router = APIRouter(prefix="/conversations")

_MOST = 2**53
"""No log gets as long."""


@router.get("/{conversation_id}/history")
async def show(
    pages: PagesDep,
    queries: QueriesDep,
    read: HistoryDep,
    me: MerchantDep,
    conversation_id: IdDep,
    before: Annotated[int | None, Query(ge=1, le=_MOST)] = None,
) -> HTMLResponse:
    """What happened, newest first; what came before a position with `before`. Read from the log,
    so it has what the thread does not show yet."""
    found = await read(me.shop, conversation_id, before=before)
    row = await queries.conversation(me.shop, conversation_id)
    if not found.entries and (row is None or before is None):
        raise HTTPException(404)
    return pages.render(
        "conversation/history.html",
        me=me,
        section="inbox",
        conversation_id=conversation_id,
        subject=row.subject if row else "",
        history=found,
        first=f"/conversations/{conversation_id}/history" if before else "",
        following=(
            f"/conversations/{conversation_id}/history?before={found.older}" if found.older else ""
        ),
    )


@router.get("/{conversation_id}/history/at")
async def show_step(
    read_steps: StepsDep,
    me: MerchantDep,
    conversation_id: IdDep,
    step: Annotated[int, Query(ge=1, le=_MOST)],
) -> RedirectResponse:
    """Leads to the conversation as it was after its first, second … change; to the last for a
    number that is too large. What the slider of a browser without JavaScript sends."""
    steps = await read_steps(me.shop, conversation_id)
    if not steps:
        raise HTTPException(404)
    position = steps[min(step, len(steps)) - 1]
    return RedirectResponse(f"/conversations/{conversation_id}/history/{position}", 303)


@router.get("/{conversation_id}/history/{position}")
async def show_then(
    pages: PagesDep,
    read: PastDep,
    read_history: HistoryDep,
    read_steps: StepsDep,
    desks: DesksDep,
    me: MerchantDep,
    conversation_id: IdDep,
    position: Annotated[int, Path(ge=1, le=_MOST)],
) -> HTMLResponse:
    """The conversation as it was right after the commit at a position."""
    try:
        past = await read(me.shop, conversation_id, position)
    except (NoPosition, TooLong):
        past = None
    if past is None:
        raise HTTPException(404)
    newest, steps, desk = await asyncio.gather(
        read_history(me.shop, conversation_id, before=position + 1, limit=1),
        read_steps(me.shop, conversation_id),
        desks.desk(),
    )
    shown = past.messages[-thread.PAGE.messages :]
    entries = [one for one in newest.entries if one.position == position]
    return pages.render(
        "conversation/then.html",
        me=me,
        section="inbox",
        conversation=past.conversation,
        messages=thread.fitting(shown),
        left_out=past.earlier + len(past.messages) - len(shown),
        entries=entries,
        about=frozenset(one.message for one in entries),
        step=_step(steps, position),
        desk=desk,
        priorities=PRIORITIES,
        at=past.commit.recorded_at,
    )


@dataclass(frozen=True, slots=True)
class _Step:
    """Where a page stands among the changes of its conversation."""

    number: int
    """From 1."""
    of: int
    previous: int | None
    """The position of the change before; None before the first."""
    following: int | None


def _step(steps: Sequence[int], position: int) -> _Step:
    after = bisect_right(steps, position)
    return _Step(
        after,
        len(steps),
        steps[after - 2] if after > 1 else None,
        steps[after] if after < len(steps) else None,
    )
