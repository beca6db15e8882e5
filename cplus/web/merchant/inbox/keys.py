"""The keyboard shortcuts: which there are, and whether single keys count."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from cplus.web.kit.deps import ClockDep, PagesDep, SignaturesDep, WorkspaceDep
from cplus.web.kit.forms import own_form
from cplus.web.kit.signed_in import MerchantDep, see_other
from cplus.wording import worded

router = APIRouter(prefix="/inbox/keys")

SHORTCUTS: Final = (
    (
        worded("In a list"),
        (
            ("j", worded("Go to the next conversation")),
            ("k", worded("Go to the previous conversation")),
            ("Enter", worded("Open it")),
            ("x", worded("Select or deselect")),
            ("Shift X", worded("Select all on this page, or none")),
            ("e", worded("Close selected")),
            ("z", worded("Undo")),
            ("n", worded("Next page")),
            ("p", worded("Previous page")),
            ("c", worded("New message")),
        ),
    ),
    (
        worded("In a conversation"),
        (
            ("j", worded("Next conversation of the list")),
            ("k", worded("Previous conversation of the list")),
            ("u", worded("Back to the list")),
            ("r", worded("Reply")),
            ("w", worded("Note for the team")),
            ("i", worded("Insert a saved reply")),
            ("e", worded("Close or reopen")),
            ("m", worded("Assign to me")),
            ("a", worded("Assign")),
            ("s", worded("Snooze")),
            ("t", worded("Tags")),
            ("y", worded("Priority")),
        ),
    ),
    (
        worded("While you write a reply or a note"),
        (
            ("Ctrl Enter", worded("Send the reply, or save the note")),
            ("Ctrl Shift Enter", worded("Send and open the next conversation")),
            ("/", worded("At the start of a line: find a saved reply")),
            ("Esc", worded("Leave the text, so that single keys work again")),
        ),
    ),
    (worded("Everywhere in the inbox"), (("/", worded("Search")), ("?", worded("Show this page")))),
)
"""By where they work; the keys are those that templates name in `data-key`."""


@router.get("")
async def show(
    pages: PagesDep, workspace: WorkspaceDep, clock: ClockDep, me: MerchantDep
) -> HTMLResponse:
    """All of them."""
    member = await workspace.members.visit(me.shop, me.actor.author, clock())
    return pages.render(
        "inbox/keys.html", me=me, section="inbox", shortcuts=SHORTCUTS, on=member.keys
    )


@router.post("")
async def choose(
    request: Request,
    signatures: SignaturesDep,
    workspace: WorkspaceDep,
    clock: ClockDep,
    me: MerchantDep,
) -> Response:
    """Single keys count from now on for this member of staff, or do not."""
    fields = await own_form(request, signatures, me.session)
    keys = fields.get("keys") == "on"
    await workspace.members.choose_keys(me.shop, me.actor.author, clock(), keys=keys)
    return see_other("/inbox/keys")
