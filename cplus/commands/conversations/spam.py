"""What a merchant says of spam: that a conversation is, or is not after all."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cplus.actors import Actor, Source
from cplus.commands.conversations.answering import Changed, Conversations, decide_in
from cplus.events.aggregates.conversation import Conversation
from cplus.events.log.outcomes import AlreadyRecorded
from cplus.events.names import command_claim, conversation_stream


async def mark_spam(
    shop: str, conversation_id: str, *, key: str, actor: Actor, source: Source, use: Conversations
) -> Changed:
    """The conversation is spam. Raises NotFound, FormOfAnother, and as `Recorder.decide` does."""
    return await _change(
        Conversation.mark_spam, shop, conversation_id, key, actor, source, use, leaves=True
    )


async def unmark_spam(
    shop: str, conversation_id: str, *, key: str, actor: Actor, source: Source, use: Conversations
) -> Changed:
    """It is no spam after all. Raises NotFound, FormOfAnother, and as `Recorder.decide` does."""
    return await _change(
        Conversation.unmark_spam, shop, conversation_id, key, actor, source, use, leaves=False
    )


async def _change(
    decision: Callable[..., None],
    shop: str,
    conversation_id: str,
    key: str,
    actor: Actor,
    source: Source,
    use: Conversations,
    *,
    leaves: bool,
) -> Changed:
    """`leaves`: whether the conversation is spam after it."""
    decided = partial(decision, now=use.clock())
    claim = command_claim(key)
    outcome = await decide_in(decided, shop, conversation_id, claim, actor, source, use)
    undone = False
    if isinstance(outcome, AlreadyRecorded):
        stream = conversation_stream(conversation_id)
        now: Conversation = await use.recorder.load(Conversation, shop, stream)
        undone = now.spam != leaves
    return Changed(outcome.position if outcome else None, undone)
