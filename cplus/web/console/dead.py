"""Dead letters in the console: how many each queue has, which, one of them whole, redrive."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from cplus.aws.dead_letters import HiddenLetter, NoDeadLetter, RedriveRefused, UnknownQueue
from cplus.consumers import dead_letters
from cplus.errors import CplusError, NotFound
from cplus.web.console.signed_in import CONSOLE_PATH, KnownOperatorDep
from cplus.web.kit.deps import ClockDep, DeadLettersDep, LooksDep, PagesDep, SignaturesDep
from cplus.web.kit.forms import own_form
from cplus.web.kit.signed_in import see_other

router = APIRouter(prefix=f"{CONSOLE_PATH}/dead")

LISTED: Final = 50
"""Dead letters of a queue on its page at most."""


@router.get("")
async def queues(
    pages: PagesDep,
    signatures: SignaturesDep,
    clock: ClockDep,
    dead: DeadLettersDep,
    session: KnownOperatorDep,
) -> HTMLResponse:
    """The number of dead letters of each queue."""
    return pages.render(
        "console_dead.html",
        csrf=signatures.form_token(session),
        operator=session.actor.shown,
        queues=await dead.queues(),
        now=clock(),
    )


@router.get("/{queue}")
async def letters(
    pages: PagesDep,
    signatures: SignaturesDep,
    dead: DeadLettersDep,
    session: KnownOperatorDep,
    queue: str,
    redriven: int | None = None,
) -> HTMLResponse:
    """The dead letters of a queue, without their bodies."""
    try:
        found = await dead_letters.listed(queue, LISTED, dead=dead)
    except UnknownQueue:
        raise NotFound(what="queue") from None
    return pages.render(
        "console_dead_queue.html",
        csrf=signatures.form_token(session),
        operator=session.actor.shown,
        queue=queue,
        letters=found,
        most=LISTED,
        redriven=redriven,
    )


@router.post("/{queue}/redrive")
async def redrive(
    request: Request,
    pages: PagesDep,
    signatures: SignaturesDep,
    dead: DeadLettersDep,
    session: KnownOperatorDep,
    queue: str,
) -> Response:
    """Sends all dead letters of a queue back to it."""
    await own_form(request, signatures, session)
    try:
        found = await dead.redrive(queue)
    except UnknownQueue:
        raise NotFound(what="queue") from None
    except RedriveRefused as error:
        return _refused(pages, queue, "Not redriven", error)
    return see_other(f"{CONSOLE_PATH}/dead/{queue}?redriven={found.messages}")


@router.post("/{queue}/show")
async def show(
    request: Request,
    pages: PagesDep,
    signatures: SignaturesDep,
    dead: DeadLettersDep,
    looks: LooksDep,
    session: KnownOperatorDep,
    queue: str,
) -> HTMLResponse:
    """A dead letter whole. A form and no link, as each look is recorded."""
    fields = await own_form(request, signatures, session)
    try:
        shown = await dead_letters.show(
            queue, fields.get("id", ""), actor=session.actor, source="console", dead=dead, use=looks
        )
    except (NoDeadLetter, UnknownQueue):
        raise NotFound(what="dead letter") from None
    except HiddenLetter as error:
        return _refused(pages, queue, "Hidden for now", error)
    return pages.render(
        "console_dead_letter.html",
        csrf=signatures.form_token(session),
        operator=session.actor.shown,
        queue=queue,
        shown=shown,
    )


def _refused(pages: PagesDep, queue: str, heading: str, error: CplusError) -> HTMLResponse:
    return pages.render(
        "error.html",
        me=None,
        section="",
        status=409,
        code=409,
        heading=heading,
        reason=str(error),
        way_out=f"{CONSOLE_PATH}/dead/{queue}",
        way_out_label="Back to the queue",
    )
