"""What a merchant says of spam: that a conversation is, or is not after all."""

from __future__ import annotations

from cplus.actors import Actor, Source
from cplus.commands.conversations.answering import Changed, Conversations, change
from cplus.events.aggregates.conversation.decisions import Conversation


async def mark_spam(
    shop: str, conversation_id: str, *, key: str, actor: Actor, source: Source, use: Conversations
) -> Changed:
    """The conversation is spam. Raises NotFound, FormOfAnother, and as `Recorder.decide` does."""
    return await change(
        Conversation.mark_spam,
        shop,
        conversation_id,
        key,
        actor,
        source,
        use,
        holds=lambda talk: talk.spam,
    )


async def unmark_spam(
    shop: str, conversation_id: str, *, key: str, actor: Actor, source: Source, use: Conversations
) -> Changed:
    """It is no spam after all. Raises NotFound, FormOfAnother, and as `Recorder.decide` does."""
    return await change(
        Conversation.unmark_spam,
        shop,
        conversation_id,
        key,
        actor,
        source,
        use,
        holds=lambda talk: not talk.spam,
    )
