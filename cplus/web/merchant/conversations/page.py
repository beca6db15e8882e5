"""One conversation: its thread, and what the merchant does with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse

from cplus.actors import MAILBOX
from cplus.clock import zone
from cplus.commands import blocking
from cplus.commands.conversations import answering
from cplus.commands.conversations.answering import Conversations
from cplus.commands.conversations.failed import stopped
from cplus.commands.mailboxes import mailboxes_of
from cplus.commands.person_notes import notes_on
from cplus.consumers.reactions.replies import REPLIES
from cplus.events.aggregates.conversation.decisions import MAX_AHEAD
from cplus.events.aggregates.conversation.handling import MAX_SNOOZE
from cplus.events.aggregates.person_notes import PersonNote
from cplus.events.audit.history import SOON
from cplus.projections.queries import Conversation, CustomerDetail, FirstOrder, Queries
from cplus.web.kit.deps import (
    ClockDep,
    ConversationsDep,
    HeadDep,
    PagesDep,
    QueriesDep,
)
from cplus.web.kit.forms import new_key
from cplus.web.kit.pages import Pages
from cplus.web.kit.signed_in import Merchant, MerchantDep
from cplus.web.merchant.conversations.addresses import IdDep, is_id
from cplus.web.merchant.conversations.beside import Beside, beside
from cplus.web.merchant.conversations.drafting import RESTORED, Drafting, DraftingDep
from cplus.web.merchant.conversations.held import held
from cplus.web.merchant.conversations.meanwhile import seen_on
from cplus.web.merchant.conversations.present import present
from cplus.web.merchant.conversations.problems import problem_words
from cplus.web.merchant.conversations.thread import (
    SHOWN_BY,
    Thread,
    caught_up,
    following,
    merged_in,
    newest,
    read_position,
)
from cplus.web.merchant.conversations.written import (
    NO_NOTE,
    NOTHING,
    Note,
    Written,
    with_drafts,
    written_again,
)
from cplus.web.merchant.inbox.labels import choices, reason_of
from cplus.web.merchant.inbox.listing import Desks, DesksDep
from cplus.web.merchant.inbox.place import CameFromDep, Place
from cplus.wording import worded

router = APIRouter(prefix="/conversations")

_DONE: Final[dict[str, tuple[Callable[[Conversation], bool], str]]] = {
    "undone": (
        lambda _: True,
        worded("Undone: it was not sent. The text is back in the form below."),
    ),
    "undo-late": (
        lambda _: True,
        worded("It was too late to undo: the message is being sent, or was sent already."),
    ),
    "answers": (lambda _: True, worded("Replies go to this address from now on.")),
    "assigned": (lambda row: row.assignee is not None, worded("Assigned.")),
    "unassigned": (lambda row: row.assignee is None, worded("Assigned to nobody any more.")),
    "snoozed": (
        lambda row: row.snoozed,
        worded("Snoozed. It comes back when its time comes or somebody writes in it."),
    ),
    "woken": (lambda row: not row.snoozed, worded("The snooze is over.")),
    "note_saved": (lambda _: True, worded("Note saved. Only your team sees it.")),
    "tagged": (lambda _: True, worded("Tags saved.")),
    "prioritized": (lambda _: True, worded("Priority saved.")),
    "draft-saved": (lambda _: True, worded("Draft saved. Only you see it.")),
    "draft-discarded": (lambda _: True, worded("Draft discarded.")),
    "note-discarded": (lambda _: True, worded("Draft of the note discarded.")),
    **{what: (lambda _: True, words) for what, words in RESTORED.items()},
    "closed": (lambda row: not row.open, worded("Closed.")),
    "reopened": (lambda row: row.open, worded("Reopened.")),
    "dismissed": (lambda _: True, worded("Dismissed.")),
    "noted": (lambda _: True, worded("Note saved.")),
    "note-removed": (lambda _: True, worded("Note removed.")),
    "spam": (lambda row: row.spam, worded("Marked as spam. You find it in the tab Spam.")),
    "not-spam": (lambda row: not row.spam, worded("Not spam. It is back in the inbox.")),
    "merged": (lambda _: True, worded("Merged. New mail to both comes here.")),
    "unmerged": (
        lambda row: row.merged_into is None,
        worded(
            "Undone: it is on its own again. Mail that came meanwhile stays in the other "
            "conversation."
        ),
    ),
    "moved": (lambda _: True, worded("Moved. New mail that answers it comes here.")),
    "moved-back": (lambda _: True, worded("Undone: the message stands where it came from.")),
    "split": (
        lambda row: row.split_from is not None,
        worded("Split off. New mail that answers these messages comes here."),
    ),
    "unsplit": (lambda _: True, worded("Undone: the messages that were split off are back.")),
    "closed-before": (
        lambda row: row.open,
        worded(
            "Nothing changed: that page was out of date. It had already closed the conversation, "
            "which has been reopened since."
        ),
    ),
    "reopened-before": (
        lambda row: not row.open,
        worded(
            "Nothing changed: that page was out of date. It had already reopened the conversation, "
            "which has been closed since."
        ),
    ),
    "blocked": (
        lambda _: True,
        worded("Blocked. New mail from this sender is held in the quarantine."),
    ),
    "unblocked": (lambda _: True, worded("Unblocked. New mail from this sender comes in again.")),
    "spam-before": (
        lambda row: not row.spam,
        worded(
            "Nothing changed: that page was out of date. It had already marked the conversation as "
            "spam, which was taken back since."
        ),
    ),
    "not-spam-before": (
        lambda row: row.spam,
        worded(
            "Nothing changed: that page was out of date. It had already said that this is no spam, "
            "and the conversation was marked as spam since."
        ),
    ),
}
"""What a command is called in an address: whether it is still true of the conversation, and the
words for it. `-before`: its form had been sent already, and what it did then was undone since."""


_DISCARDED: Final = {"draft-discarded": "reply", "note-discarded": "note"}
"""Which draft can be brought back, by what an address says was done."""


@dataclass(frozen=True, slots=True)
class View:
    """What the page of a conversation needs."""

    pages: Pages
    queries: Queries
    use: Conversations
    me: Merchant
    now: datetime
    desks: Desks
    came: Place | None
    """The list that it was opened from."""
    drafting: Drafting

    async def address(self, row: Conversation) -> str | None:
        """Where replies go: the row forgets that with anybody in it who is erased."""
        if row.from_address or row.erased:
            return row.from_address
        return await answering.address_of(self.me.shop, row.id, use=self.use)

    async def mailbox_names(self, thread: Thread) -> Mapping[str, str]:
        """The address of each mailbox of the merchant's own that wrote in the thread, by what its
        messages have as their author."""
        authors = {one.message.author for one in thread.messages if one.message.author}
        if not any(author.startswith(MAILBOX) for author in authors):
            return {}
        found = await mailboxes_of(self.use.recorder, self.me.shop)
        boxes = {**found.former, **found.by_id}.values()
        return {f"{MAILBOX}{one.id}": one.address for one in boxes if one.address}


async def _view(
    pages: PagesDep,
    queries: QueriesDep,
    use: ConversationsDep,
    clock: ClockDep,
    me: MerchantDep,
    desks: DesksDep,
    came: CameFromDep,
    drafting: DraftingDep,
) -> View:
    return View(pages, queries, use, me, clock(), desks, came, drafting)


ViewDep = Annotated[View, Depends(_view)]


@router.get("/{conversation_id}")
async def show(
    request: Request,
    view: ViewDep,
    head: HeadDep,
    conversation_id: IdDep,
    at: int = 0,
    begin: Annotated[str | None, Query(alias="from")] = None,
    before: str | None = None,
    message: str | None = None,
    *,
    done: str = "",
    failed: str = "",
    problem: str = "",
    undone: str = "",
    sent: str = "",
    undo: str = "",
    refused: str = "",
) -> HTMLResponse:
    """The conversation. With `at`, the page waits a moment for that position to show; `done` is
    what the merchant did that leads here, `undone` the reply that they took back, `sent` the
    conversation before, in which they replied, `undo` the reply there, `refused` why
    something was not done."""
    # A position that the log does not have never shows, so nobody waits for it.
    there = 0 < at <= await head(view.me.shop) if at else False
    awaited = at if there and not await caught_up(view.queries, view.me.shop, at) else 0
    return await show_page(
        view,
        conversation_id,
        begin=begin,
        before=before,
        whole=message,
        awaited=awaited,
        done=done,
        written=await written_again(view.use, view.me.shop, conversation_id, undone)
        if undone
        else NOTHING,
        problem=(failed, problem),
        sent=sent if is_id(sent) and sent != conversation_id else "",
        undo=undo if is_id(undo) else "",
        refused=refused,
        reads=not getattr(request.state, "head", False),
    )


async def show_page(
    view: View,
    conversation_id: str,
    *,
    begin: str | None = None,
    before: str | None = None,
    whole: str | None = None,
    awaited: int = 0,
    done: str = "",
    written: Written = NOTHING,
    note: Note = NO_NOTE,
    problem: tuple[str, str] = ("", ""),
    sent: str = "",
    undo: str = "",
    refused: str = "",
    reads: bool = False,
    status: int = 200,
) -> HTMLResponse:
    """The page, with what was written in its form."""
    queries, me = view.queries, view.me
    position = await read_position(queries, me.shop)
    row = await queries.conversation(me.shop, conversation_id)
    if row is None:
        raise HTTPException(404)
    written, note = await with_drafts(view.drafting, view.use, row.id, written, note)
    also = await merged_in(queries, me.shop, row)
    part = (
        newest(queries, me.shop, row.id, whole, before, also=also)
        if begin is None
        else following(queries, me.shop, row.id, begin, whole, also=also)
    )
    (around, read), thread, person, (address, sender), (why, copies) = await asyncio.gather(
        _beside(view, row, reads=reads),
        part,
        queries.customer(me.shop, row.person),
        _sender(view, row),
        stopped(view.use.recorder, me.shop, row.id, row.cc),
    )
    names, merged, notes, stuck, first_order, seen, others_here = await asyncio.gather(
        view.mailbox_names(thread),
        _merged(queries, me.shop, row, also),
        _notes(view, row, person),
        _stuck(view, thread, awaited),
        _first_order(view, person),
        seen_on(queries, me.shop, row, thread),
        present(me, view.desks.workspace, view.desks.clock, row.id, here=reads),
    )
    if done in {"blocked", "unblocked"} and (sender.block is not None) != (done == "blocked"):
        done = ""  # it was done, and undone since
    return view.pages.render(
        "conversation/page.html",
        status=status,
        me=me,
        section="inbox",
        conversation=row,
        **choices(),
        **_around(around),
        sent=sent,
        undo=undo,
        refused=reason_of(refused),
        address=address,
        sender_block=sender,
        thread=thread,
        seen=seen,
        others_here=others_here,
        jump=thread.first_new(read),
        mailbox_names=names,
        person=person,
        merged=merged,
        others=[c for c in person.conversations if c.id != row.id] if person else [],
        person_notes=notes,
        first_order=first_order,
        position=position,
        awaited=awaited,
        stuck=stuck,
        commanded=done in _DONE,
        discarded=_DISCARDED.get(done, ""),
        done=_DONE[done][1] if done in _DONE and _DONE[done][0](row) else "",
        now=view.now,
        written=written,
        cc=", ".join(row.cc) if written.cc is None else written.cc,
        key=written.key or new_key(),
        note_form=note,
        to=written.to or address,
        latest=(view.now + MAX_AHEAD).astimezone(zone(me.timezone)),
        snooze_latest=(view.now + MAX_SNOOZE).astimezone(zone(me.timezone)),
        soon=SOON,
        asked=_last_asked(thread),
        command_key=new_key(),
        new_key=new_key,
        problem_of=problem[0],
        problem=problem_words(problem[1]),
        stopped=why,
        stopped_copies=copies,
    )


def _around(around: Beside) -> dict[str, Any]:
    """The same for the template; `back` leads its forms to the list again."""
    came = around.came
    return {
        "desk": around.desk,
        "came": came,
        "listed": came is not None and not came.words,
        "back": came.kept if came else "",
        "around": around,
        "kept": {"list": came.query} if came else {},
    }


async def _beside(view: View, row: Conversation, *, reads: bool) -> tuple[Beside, datetime]:
    """What stands beside it, and up to when the member had read it; with `reads`, they have read
    it now."""
    around = await beside(view.desks, view.came, row)
    until = await view.desks.read_until(around.desk.member, row)
    if reads:
        await view.desks.read(around.desk.member, row)
    return around, until


async def _sender(view: View, row: Conversation) -> tuple[str | None, blocking.Sender]:
    """Where replies go, and what can be done about who reads them there."""
    address = await view.address(row)
    return address, await blocking.sender_of(view.use, view.me.shop, address)


async def _notes(
    view: View, row: Conversation, person: CustomerDetail | None
) -> Sequence[PersonNote]:
    if row.erased:
        return ()
    ids = person.customer.persons if person else [row.person]
    return await notes_on(view.use.recorder, view.me.shop, ids)


async def _first_order(view: View, person: CustomerDetail | None) -> FirstOrder | None:
    if person is None:
        return None
    customer, days = person.customer, view.me.settings.lead_days
    leads = await view.queries.leads_of(view.me.shop, [customer], days)
    return leads[customer.person].first_order


async def _merged(
    queries: Queries, shop: str, row: Conversation, also: Sequence[str]
) -> dict[str, str]:
    """The subjects of what it was merged into, and of those that are shown in it."""
    ids = [*also, *([row.merged_into] if row.merged_into else [])]
    found = [await queries.conversation(shop, one) for one in ids]
    return {one.id: one.subject or "" for one in found if one is not None}


def _last_asked(thread: Thread) -> tuple[datetime, int, str] | None:
    """The place of the last message that a customer wrote; None if the page has none."""
    told = (one.message for one in thread.messages)
    asked = [one.place for one in told if one.direction == "in" and not one.automatic]
    return max(asked, default=None)


@dataclass(frozen=True, slots=True)
class _Stuck:
    """What is delayed in a shop by a problem on our side."""

    shown: bool
    sent: bool
    held: str = ""
    """Why mail of the shop waits, in words."""


async def _stuck(view: View, thread: Thread, awaited: int) -> _Stuck:
    shop = view.me.shop
    unsent = any(one.message.status == "written" for one in thread.messages)
    if not awaited and not unsent:
        return _Stuck(shown=False, sent=False)  # nobody waits for anything
    parked = await view.queries.parked(shop, [REPLIES.name])
    why = held(view.me.settings, view.now) if unsent else ""
    return _Stuck(shown=not parked.isdisjoint(SHOWN_BY), sent=REPLIES.name in parked, held=why)
