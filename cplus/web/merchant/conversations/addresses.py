"""Addresses of conversations: what can stand in one, and where a form leads back to."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Depends, HTTPException
from fastapi.responses import Response

from cplus.commands.conversations.answering import Changed
from cplus.events.names import failed_message
from cplus.web.kit.signed_in import see_other
from cplus.web.merchant.inbox.place import Place

_ID: Final = re.compile(r"[a-z0-9]{1,64}")


def is_id(text: str) -> bool:
    """Whether it can be the id of a conversation or a message."""
    return _ID.fullmatch(text) is not None


async def _id(conversation_id: str) -> str:
    if not is_id(conversation_id):
        raise HTTPException(404)
    return conversation_id


async def _message_id(message_id: str) -> str:
    return await _id(message_id)


async def _failure_id(failure: str) -> str:
    await _id(failed_message(failure))
    return failure


IdDep = Annotated[str, Depends(_id)]
MessageIdDep = Annotated[str, Depends(_message_id)]
FailureIdDep = Annotated[str, Depends(_failure_id)]


def changed(
    conversation_id: str, done: str, outcome: Changed, came: Place | None = None
) -> Response:
    """Back to the conversation, which says what was done."""
    before = "-before" if outcome.undone else ""
    # No fragment: what changed stands beside the title.
    told = {"done": f"{done}{before}", "at": outcome.position}
    return see_other(address_of(conversation_id, came, **told))


def address_of(conversation_id: str, came: Place | None = None, **told: Any) -> str:
    """The page of a conversation, which keeps from which list it was opened, with what it says."""
    named = {**told, "list": came.query if came else ""}
    query = urlencode({name: value for name, value in named.items() if value})
    return f"/conversations/{conversation_id}{f'?{query}' if query else ''}"
