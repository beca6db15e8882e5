"""Mail that claims to be the merchant's answer and was not sent on: what stands in it."""

from __future__ import annotations

from cplus.commands.conversations.answering import Conversations
from cplus.events.catalogue.conversations import AnswerRefused
from cplus.events.names import conversation_stream, message_ref


async def refused_text(
    shop: str, conversation_id: str, message_id: str, *, use: Conversations
) -> str | None:
    """What was newly written in the mail with this id, which a merchant may send after all; None if
    this conversation has no such mail, it has no words, or they were erased."""
    stream, reader = conversation_stream(conversation_id), use.recorder.reader
    for commit in await use.recorder.store.by_ref(shop, message_ref(message_id)):
        for recorded in await reader.of(commit, AnswerRefused):
            event = recorded.event
            assert isinstance(event, AnswerRefused)  # noqa: S101  all that was read
            if recorded.stream == stream and event.message_id == message_id:
                return event.text
    return None
