"""The same as JSON: for the pages' own script, and for the embedded app's."""

from __future__ import annotations

import zlib
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse, Response

from cplus.events import names
from cplus.projections.queries import ConversationState, Filter
from cplus.web.kit.built import built
from cplus.web.kit.deps import ClockDep, ConversationsDep, QueriesDep, WorkspaceDep
from cplus.web.kit.signed_in import MerchantDep
from cplus.web.merchant.conversations.addresses import IdDep, is_id
from cplus.web.merchant.conversations.inserting import Addressee, offers
from cplus.web.merchant.conversations.present import present
from cplus.web.merchant.conversations.thread import ANSWER, START, Shown, following, read_position
from cplus.web.merchant.getting_started import STEPS_BY

router = APIRouter(prefix="/api")


def _json(value: Any, **headers: str) -> JSONResponse:
    # An amount of money stays a decimal text: a float would change it.
    return JSONResponse(jsonable_encoder(value, custom_encoder={Decimal: str}), headers=headers)


@router.get("/inbox")
async def inbox(
    queries: QueriesDep,
    me: MerchantDep,
    state: ConversationState = "open",
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> JSONResponse:
    """A page of conversations, the position they stand at, and how many there are."""
    position, counts, _ = await queries.inbox_standing(me.shop)
    wanted = Filter(state, member=me.actor.author)
    page = await queries.list_conversations(me.shop, wanted, cursor, limit)
    return _json(
        {"position": position, "counts": counts, "conversations": page.items, "next": page.next}
    )


@router.get("/conversations/{conversation_id}")
async def conversation(
    queries: QueriesDep,
    me: MerchantDep,
    conversation_id: IdDep,
    cursor: str | None = None,
    message: str | None = None,
) -> JSONResponse:
    """A conversation and up to 200 of its messages, the oldest first; `next` is the cursor of
    the rest. Texts that together are too long for one answer are cut, and say so; the text of
    the message with the id `message` is whole."""
    position = await read_position(queries, me.shop)
    row = await queries.conversation(me.shop, conversation_id)
    if row is None:
        raise HTTPException(404)
    start = START if cursor is None else cursor
    thread = await following(queries, me.shop, row.id, start, message, room=ANSWER)
    messages = [
        {**asdict(one.message), "text": one.text, "cut": one.cut, **_files(one)}
        for one in thread.messages
    ]
    return _json(
        {"position": position, "conversation": row, "messages": messages, "next": thread.later}
    )


@router.get("/conversations/{conversation_id}/saved-replies")
async def saved_replies(
    queries: QueriesDep,
    use: ConversationsDep,
    me: MerchantDep,
    conversation_id: IdDep,
    q: Annotated[str, Query(max_length=200)] = "",
) -> JSONResponse:
    """The first saved replies that have the words, filled in for the conversation; `missing` names
    placeholders that are left in a text."""
    row = await queries.conversation(me.shop, conversation_id)
    if row is None:
        raise HTTPException(404)
    return _json({"replies": await offers(queries, use, me, Addressee.of(row), q)})


@router.get("/saved-replies")
async def saved_replies_for(
    queries: QueriesDep,
    use: ConversationsDep,
    me: MerchantDep,
    q: Annotated[str, Query(max_length=200)] = "",
    person: Annotated[str, Query(max_length=64)] = "",
) -> JSONResponse:
    """The same for a new message, to a person if one is named."""
    to = Addressee(names.person(person)) if is_id(person) else Addressee()
    return _json({"replies": await offers(queries, use, me, to, q)})


def _files(shown: Shown) -> dict[str, Any]:
    """The first files of a message, and how many more there are."""
    known = shown.message.files is not None
    files = [asdict(file) for file in shown.files] if known else None
    return {"files": files, "more_files": shown.more_files}


@dataclass(frozen=True, slots=True)
class Looking:
    """What a page says of the conversation that it shows."""

    conversation: str = ""
    here: bool = False
    """Whether the member looks at it now."""
    writing: bool = False


@router.get("/changes")
async def changes(
    request: Request,
    queries: QueriesDep,
    workspace: WorkspaceDep,
    clock: ClockDep,
    me: MerchantDep,
    looking: Annotated[Looking, Depends(built(Looking))],
    after: int = 0,
) -> Response:
    """Whether there is news after a position; 304 as long as nothing is new since the answer that
    If-None-Match names. On a conversation, also who else of the team looks at it, in words."""
    told = {}
    if is_id(looking.conversation):
        here = looking.here and not getattr(request.state, "head", False)
        told["others"] = await present(
            me, workspace, clock, looking.conversation, here=here, writing=looking.writing
        )
    return _news(request, await read_position(queries, me.shop), after, **told)


@router.get("/shop/changes")
async def shop_changes(
    request: Request, queries: QueriesDep, me: MerchantDep, after: int = 0
) -> Response:
    """The same of the first steps, which also show imports and numbers."""
    return _news(request, await read_position(queries, me.shop, STEPS_BY), after)


def _news(request: Request, position: int, after: int, **told: str) -> Response:
    marks = [str(position), *(str(zlib.crc32(words.encode())) for words in told.values() if words)]
    headers = {"ETag": f'"{"-".join(marks)}"', "Cache-Control": "private, no-cache"}
    known = request.headers.get("if-none-match", "")
    if headers["ETag"] in {tag.strip().removeprefix("W/") for tag in known.split(",")}:
        return Response(status_code=304, headers=headers)
    return _json({"position": position, "changed": position > after, **told}, **headers)
