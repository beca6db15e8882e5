"""Mail that claims to be the merchant's answer and was not sent on: what stands in it."""

from __future__ import annotations

from cplus.commands.conversations.answering import Conversations
from cplus.events.catalogue.conversations import AnswerRefused
from cplus.events.standing import find_message


async def refused_text(
    shop: str, conversation_id: str, message_id: str, *, use: Conversations
) -> str | None:
    """What was newly written in the mail with this id, which a merchant may send after all; None if
    this conversation has no such mail, it has no words, or they were erased."""
    store, reader = use.recorder.store, use.recorder.reader
    found = await find_message(store, reader, shop, message_id, [AnswerRefused])
    if found is None or found.conversation_id != conversation_id:
        return None
    event = found.recorded.event
    assert isinstance(event, AnswerRefused)  # noqa: S101  all that was read
    return event.text
