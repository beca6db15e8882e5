"""Dead letters in the console: how many each queue has, which, one of them whole; their end."""

from __future__ import annotations

from typing import Final

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from cplus.aws.dead_letters import HiddenLetter, NoDeadLetter, RedriveRefused, UnknownQueue
from cplus.consumers import dead_letters
from cplus.counts import counted
from cplus.errors import CplusError
from cplus.web.console.signed_in import CONSOLE_PATH, ViewDep
from cplus.web.console.tickets import TicketsDep
from cplus.web.kit.deps import ClockDep, DeadLettersDep, LooksDep
from cplus.web.kit.signed_in import see_other

log = structlog.get_logger()
router = APIRouter(prefix=f"{CONSOLE_PATH}/dead")

LISTED: Final = 50
"""Dead letters of a queue on its page at most."""


@router.get("")
async def queues(view: ViewDep, clock: ClockDep, dead: DeadLettersDep) -> HTMLResponse:
    """The number of dead letters of each queue."""
    return view.render("console/dead.html", queues=await dead.queues(), now=clock())


@router.get("/{queue}")
async def letters(
    view: ViewDep, tickets: TicketsDep, dead: DeadLettersDep, queue: str, done: str = ""
) -> HTMLResponse:
    """The dead letters of a queue, without their bodies; `done` says what was done to them."""
    try:
        found = await dead_letters.listed(queue, LISTED, dead=dead)
    except UnknownQueue as error:
        return view.refuse("Not found", error, status=404)
    return view.render(
        "console/dead_queue.html",
        queue=queue,
        letters=found,
        most=LISTED,
        done=tickets.read("done", done, queue).get("said", ""),
    )


@router.get("/{queue}/redrive")
@router.get("/{queue}/delete")
async def again(queue: str, _view: ViewDep) -> Response:
    """For who loads the address of a form again that was answered with a page."""
    return see_other(_page(queue))


@router.post("/{queue}/redrive")
async def redrive(
    request: Request, view: ViewDep, tickets: TicketsDep, dead: DeadLettersDep, queue: str
) -> Response:
    """Sends all dead letters of a queue back to it."""
    await view.form(request)
    try:
        found = await dead.redrive(queue)
    except (RedriveRefused, UnknownQueue) as error:
        return _refused(view, queue, "Not redriven", error)
    go = "goes" if found.messages == 1 else "go"
    said = f"{counted(found.messages, 'dead letter')} {go} back to {queue}."
    return see_other(_page(queue, done=tickets.make("done", queue, said=said)))


@router.post("/{queue}/delete")
async def delete(
    request: Request, view: ViewDep, tickets: TicketsDep, dead: DeadLettersDep, queue: str
) -> Response:
    """Deletes a dead letter for good. Nothing of it is shown, so no look is recorded."""
    id_ = (await view.form(request)).get("id", "")
    try:
        await dead.delete(queue, id_)
    except (HiddenLetter, NoDeadLetter, UnknownQueue) as error:
        return _refused(view, queue, "Not deleted", error)
    log.info("dead_letter_deleted", queue=queue, message_id=id_)
    said = f"The dead letter {id_} is deleted."
    return see_other(_page(queue, done=tickets.make("done", queue, said=said)))


@router.post("/{queue}/show")
async def look(
    request: Request,
    view: ViewDep,
    tickets: TicketsDep,
    dead: DeadLettersDep,
    looks: LooksDep,
    queue: str,
) -> Response:
    """Records a look at a dead letter and leads to the page that shows it, once. A form and no
    link, as each look is recorded."""
    id_ = (await view.form(request)).get("id", "")
    actor = view.session.actor
    try:
        shown = await dead_letters.show(
            queue, id_, actor=actor, source="console", dead=dead, use=looks
        )
    except (HiddenLetter, NoDeadLetter, UnknownQueue) as error:
        return _refused(view, queue, "Not shown", error)
    recorded_in = shown.shop if shown.shop and shown.recorded is not None else ""
    ticket = tickets.make("look", queue, letter=id_, recorded_in=recorded_in)
    return see_other(_page(queue, "/show", ticket=ticket))


@router.get("/{queue}/show")
async def show(
    view: ViewDep, tickets: TicketsDep, dead: DeadLettersDep, queue: str, ticket: str = ""
) -> Response:
    """The dead letter of a look that was recorded. Its ticket is good once: whoever loads the page
    again is asked for another look."""
    held = tickets.read("look", ticket, queue)
    if not held:
        return see_other(_page(queue))
    if not await tickets.use(held):
        return view.render("console/dead_again.html", queue=queue, held=held)
    try:
        letter = await dead.letter(queue, held["letter"])
    except (HiddenLetter, NoDeadLetter, UnknownQueue) as error:
        return _refused(view, queue, "Not shown", error)
    recorded_in = held["recorded_in"]
    return view.render(
        "console/dead_letter.html", queue=queue, letter=letter, recorded_in=recorded_in
    )


def _page(queue: str, what: str = "", **query: str) -> str:
    asked = "".join(f"?{name}={value}" for name, value in query.items())  # one that needs no quotes
    return f"{CONSOLE_PATH}/dead/{queue}{what}{asked}"


def _refused(view: ViewDep, queue: str, heading: str, error: CplusError) -> HTMLResponse:
    if isinstance(error, UnknownQueue):
        return view.refuse("Not found", error, status=404)
    status = 404 if isinstance(error, NoDeadLetter) else 409
    way_out = (_page(queue), "Back to the queue")
    return view.refuse(heading, error, status=status, way_out=way_out)
