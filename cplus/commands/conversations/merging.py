"""What a merchant does with two conversations that are one: merges them, and takes that back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cplus.actors import Actor, Source
from cplus.commands.conversations.answering import Conversations
from cplus.errors import FormOfAnother, NotFound
from cplus.events.aggregates import merging
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import AlreadyRecorded
from cplus.events.names import command_claim, conversation_stream
from cplus.events.recording import Recorder
from cplus.events.repository import decided


@dataclass(frozen=True, slots=True)
class Pair:
    """A conversation, and the one that it goes into: where later mail to that one goes."""

    source: Conversation
    target: Conversation


async def root_of(recorder: Recorder, shop: str, talk: Conversation) -> Conversation:
    """Where mail to the conversation goes, by the log: itself, or what it was merged into. Not a
    conversation whose person was erased, where nobody can be answered."""
    while talk.merged_into is not None:
        stream = conversation_stream(talk.merged_into)
        into: Conversation = await recorder.load(Conversation, shop, stream)
        if into.erased:
            break
        talk = into
    return talk


async def pair(shop: str, conversation_id: str, into: str, *, use: Conversations) -> Pair:
    """The two as they are now. Raises NotFound."""
    source = await loaded(shop, conversation_id, use)
    target = await root_of(use.recorder, shop, await loaded(shop, into, use))
    return Pair(source, target)


async def merge(
    shop: str,
    conversation_id: str,
    into: str,
    *,
    key: str,
    actor: Actor,
    source: Source,
    use: Conversations,
) -> int | None:
    """Merges the conversation into `into`, or into what that was merged into; returns the position
    of it, or None if it was so before.

    Raises NotFound, InvalidInput, FormOfAnother, and as `Recorder.record` does.
    """
    claim = command_claim(key)

    async def decide() -> Draft | None:
        two = await pair(shop, conversation_id, into, use=use)
        merging.merge(two.source, two.target, use.clock())
        return _draft(shop, claim, two, actor, source)

    return await recorded_in(shop, conversation_id, claim, decide, use)


async def unmerge(
    shop: str, conversation_id: str, *, key: str, actor: Actor, source: Source, use: Conversations
) -> int | None:
    """Takes the merge of the conversation back; returns as `merge` does.

    Raises NotFound, FormOfAnother, and as `Recorder.record` does.
    """
    claim = command_claim(key)

    async def decide() -> Draft | None:
        talk = await loaded(shop, conversation_id, use)
        if talk.merged_into is None:
            return None
        two = Pair(talk, await loaded(shop, talk.merged_into, use))
        merging.unmerge(two.source, two.target, use.clock())
        return _draft(shop, claim, two, actor, source)

    return await recorded_in(shop, conversation_id, claim, decide, use)


def _draft(shop: str, claim: str, two: Pair, actor: Actor, source: Source) -> Draft | None:
    events = [*decided(two.source), *decided(two.target)]
    refs = [two.source.id, two.target.id]
    return Draft(shop, claim, source, str(actor), events=events, refs=refs) if events else None


async def recorded_in(
    shop: str,
    conversation_id: str,
    claim: str,
    decide: Callable[[], Awaitable[Draft | None]],
    use: Conversations,
) -> int | None:
    """Records what is decided of the conversation and others, once for the claim; the position, or
    None if that changed nothing. Raises FormOfAnother."""
    outcome = await use.recorder.record(shop, claim, decide)
    stream = conversation_stream(conversation_id)
    if isinstance(outcome, AlreadyRecorded) and stream not in outcome.commit.refs:
        raise FormOfAnother(what="conversation")
    return outcome.position if outcome else None


async def loaded(shop: str, conversation_id: str, use: Conversations) -> Conversation:
    """The conversation by the log. Raises NotFound."""
    stream = conversation_stream(conversation_id)
    found: Conversation = await use.recorder.load(Conversation, shop, stream)
    if not found.version:
        raise NotFound(what="conversation")
    return found
