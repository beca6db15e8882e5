"""What staff writes down in a conversation for itself: nothing of it goes to the customer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from cplus.actors import Actor, Source
from cplus.commands.conversations.answering import (
    Conversations,
    SentBefore,
    decide_in,
    message_id,
)
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.catalogue.conversations import NoteWritten
from cplus.events.log.outcomes import AlreadyRecorded
from cplus.events.names import command_claim, message_ref


@dataclass(frozen=True, slots=True)
class Noted:
    """The note is recorded, now or by the same command before."""

    position: int | None
    """Where; None if nothing was left to record."""


async def write_note(
    shop: str,
    conversation_id: str,
    *,
    text: str,
    key: str,
    actor: Actor,
    source: Source,
    use: Conversations,
    mentions: Sequence[str] = (),
) -> Noted | SentBefore:
    """Records a note, once for the key, which mentions these members of the team.

    Raises NotFound, InvalidInput (no text, too long, the person was erased), FormOfAnother, and as
    `Recorder.decide` does: then the same key may be used again.
    """
    text = text.replace("\0", "")
    written = message_id(shop, conversation_id, key)
    decided = partial(
        Conversation.note,
        message_id=written,
        text=text,
        author=actor.author,
        now=use.clock(),
        mentions=mentions,
    )
    outcome = await decide_in(
        decided,
        shop,
        conversation_id,
        command_claim(key),
        actor,
        source,
        use,
        refs=[message_ref(written)],
    )
    if isinstance(outcome, AlreadyRecorded):
        wanted = text.replace("\r\n", "\n").strip()
        before = await use.recorder.reader.of(outcome.commit, NoteWritten)
        if not any(getattr(one.event, "text", None) == wanted for one in before):
            return SentBefore()
    return Noted(outcome.position if outcome else None)
