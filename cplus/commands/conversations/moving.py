"""What a merchant does with messages that stand in the wrong conversation: moves one to another,
splits some off into a new one, and takes that back."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Final

from cplus.actors import Actor, Source
from cplus.commands.conversations.answering import Conversations
from cplus.commands.conversations.merging import loaded, recorded_in, root_of
from cplus.errors import InvalidInput
from cplus.events.aggregates import moving
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.base import NewEvent
from cplus.events.catalogue.threads import MessageMoved
from cplus.events.log.commit import Draft
from cplus.events.names import command_claim, conversation_stream, message_ref
from cplus.events.recording import Recorder
from cplus.events.repository import decided
from cplus.ids import spelled
from cplus.wording import worded

_STEPS: Final = 100  # times that a message was moved, of which each is followed


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for it, how."""

    key: str
    actor: Actor
    source: Source
    use: Conversations


async def place_of(
    recorder: Recorder, shop: str, talk: Conversation, message_id: str
) -> Conversation:
    """The conversation in which the message stands now, by the log, if it stood in this one."""
    for _ in range(_STEPS):
        into = talk.thread.left.get(message_id)
        if into is None:
            break
        talk = await recorder.load(Conversation, shop, conversation_stream(into))
    return talk


async def move(
    shop: str, conversation_id: str, message_id: str, into: str, *, asked: Asked
) -> tuple[int | None, str]:
    """Moves the message to `into`, or to what that was merged into; returns the position of it, or
    None if it was so before, and the id of the conversation.

    Raises NotFound, InvalidInput, FormOfAnother, and as `Recorder.record` does.
    """
    decide = partial(_move, shop, conversation_id, message_id, into, asked)
    at = await _recorded(shop, conversation_id, asked, decide)
    target = await root_of(asked.use.recorder, shop, await loaded(shop, into, asked.use))
    return at, target.conversation_id


async def move_back(
    shop: str, conversation_id: str, message_id: str, *, asked: Asked
) -> int | None:
    """The message, which was moved to this conversation, stands where it came from. Again it
    changes nothing. Raises as `move` does."""

    async def decide() -> list[Conversation]:
        talk = await loaded(shop, conversation_id, asked.use)
        origin = talk.thread.came.get(message_id)
        if origin is None:
            return []
        target = await loaded(shop, origin, asked.use)
        moving.move(talk, target, [message_id], asked.use.clock(), back=True)
        return [talk, target]

    return await _recorded(shop, conversation_id, asked, decide)


async def split(
    shop: str, conversation_id: str, message_id: str, *, asked: Asked
) -> tuple[int | None, str]:
    """The message and all that follow begin a new conversation; returns as `move` does. Asked again
    with the same key, it is the same one.

    Raises NotFound, InvalidInput, FormOfAnother, and as `Recorder.record` does.
    """
    digest = hashlib.sha256(f"split\n{shop}\n{conversation_id}\n{asked.key}".encode()).digest()
    made = spelled(digest[:16])

    async def decide() -> list[Conversation]:
        talk = await loaded(shop, conversation_id, asked.use)
        new = Conversation.empty(conversation_stream(made))
        moving.split(talk, new, message_id, asked.use.clock())
        return [talk, new]

    return await _recorded(shop, conversation_id, asked, decide), made


async def unsplit(shop: str, conversation_id: str, *, asked: Asked) -> tuple[int | None, str]:
    """What was split off into this conversation goes back; returns the position, and the id of
    where it came from. Raises as `split` does."""
    origin = (await loaded(shop, conversation_id, asked.use)).split_from
    if origin is None:
        raise InvalidInput(reason=worded("this conversation was not split off another"))

    async def decide() -> list[Conversation]:
        talk = await loaded(shop, conversation_id, asked.use)
        source = await loaded(shop, origin, asked.use)
        moving.unsplit(talk, source, asked.use.clock())
        return [talk, source]

    return await _recorded(shop, conversation_id, asked, decide), origin


async def _move(
    shop: str, conversation_id: str, message_id: str, into: str, asked: Asked
) -> list[Conversation]:
    talk = await loaded(shop, conversation_id, asked.use)
    target = await root_of(asked.use.recorder, shop, await loaded(shop, into, asked.use))
    if talk.id == target.id:
        raise InvalidInput(reason=worded("the message already stands in that conversation"))
    moving.move(talk, target, [message_id], asked.use.clock())
    return [talk, target]


async def _recorded(
    shop: str,
    conversation_id: str,
    asked: Asked,
    decide: Callable[[], Awaitable[list[Conversation]]],
) -> int | None:
    claim = command_claim(asked.key)

    async def draft() -> Draft | None:
        talks = await decide()
        events = [event for talk in talks for event in decided(talk)]
        if not events:
            return None
        actor, refs = str(asked.actor), _refs(talks, events)
        return Draft(shop, claim, asked.source, actor, events=events, refs=refs)

    return await recorded_in(shop, conversation_id, claim, draft, asked.use)


def _refs(talks: Collection[Conversation], events: Collection[NewEvent]) -> list[str]:
    """The conversations, the messages, and whom these are of: each finds the commit."""
    moved = [one.event for one in events if isinstance(one.event, MessageMoved)]
    persons = [person for one in events for person in one.event.persons()]
    messages = [message_ref(one.message_id) for one in moved]
    return list(dict.fromkeys([*(talk.id for talk in talks), *persons, *messages]))
