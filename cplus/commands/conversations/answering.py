"""What a merchant does with a conversation: replies, chooses to whom, closes it, opens it again.

Each command carries the key of the form (or request) that asks for it: asked again with the same
key, it is the same command. A key serves one conversation; another is refused with FormOfAnother.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from cplus.actors import Actor, Source
from cplus.clock import Clock
from cplus.commands.block_lookup import BlockLookup
from cplus.commands.conversations.addressing import Copies, copies
from cplus.commands.conversations.attaching import Chosen, attached, same_files
from cplus.commands.conversations.uploading import Uploaded
from cplus.commands.files import Files
from cplus.errors import AddressChanged, FormOfAnother, NotFound, OthersWrote
from cplus.events.aggregates.conversation.decisions import Conversation, allowance_refs
from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.files import StoredFile
from cplus.events.log.outcomes import AlreadyRecorded, Appended
from cplus.events.names import command_claim, conversation_stream, message_ref, reply_claim
from cplus.events.recording import Recorder
from cplus.events.standing import find_message
from cplus.ids import spelled


@dataclass(frozen=True, slots=True)
class Conversations:
    """What these commands need."""

    recorder: Recorder
    clock: Clock
    mail_domain: str = ""
    """That of the app's own addresses, which get no copies."""
    files: Files | None = None
    """Stores the files of replies; None where none are taken."""
    blocks: BlockLookup = field(default_factory=BlockLookup)
    """Finds whether somebody is blocked."""


@dataclass(frozen=True, slots=True)
class Extras:
    """What a reply has besides its text."""

    cc: str = ""
    """As it was written, like `bcc`: see `addressing.copies`."""
    bcc: str = ""
    send_at: datetime | None = None
    """When it goes out; None for at once."""
    chosen: Sequence[Chosen | Uploaded] = ()
    """New files, which are stored first."""
    files: Sequence[StoredFile] = ()
    """What goes with it, stored."""


NO_EXTRAS: Final = Extras()
_AT_ONCE: Final = timedelta(minutes=2)
"""A reply that waits no longer than this only waits to be undone."""


@dataclass(frozen=True, slots=True)
class Replied:
    """The reply is recorded, now or by the same command before."""

    position: int | None
    """Where; None if nothing was left to record."""


@dataclass(frozen=True, slots=True)
class SentBefore:
    """The key was used before, for another text: this one was not recorded. It needs a key of its
    own."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Replies go to this address by now, and not where the merchant was told: nothing was
    recorded."""

    address: str


@dataclass(frozen=True, slots=True)
class Overtaken:
    """Others wrote since the merchant looked: nothing was recorded. Told with what they have seen
    by now, it is."""

    since: Mapping[str, str | None]
    """The ids of those messages and their authors, in their order; None is a customer."""


@dataclass(frozen=True, slots=True)
class Changed:
    """The conversation is, or already was, as asked."""

    position: int | None
    """Where the change is recorded; None if it changed nothing."""
    undone: bool = False
    """The same command was carried out before, and undone since: nothing was changed now."""


async def reply(
    shop: str,
    conversation_id: str,
    *,
    text: str,
    key: str,
    actor: Actor,
    source: Source,
    use: Conversations,
    to: str | None = None,
    extras: Extras = NO_EXTRAS,
    seen: Collection[str] = (),
) -> Replied | SentBefore | Elsewhere | Overtaken:
    """Records a reply of the merchant; it opens a closed conversation. `to` is the address that
    they were told it goes to, `seen` the newest messages that they had before them, if they were.

    Raises NotFound, InvalidInput (no text, too long, no address to reply to, what is wrong in
    `extras`), FormOfAnother, and as `Recorder.decide` does: then the same key may be used again.
    """
    return await _write(
        Conversation.reply,
        shop,
        conversation_id,
        text,
        key,
        actor,
        source,
        use,
        to=to,
        extras=extras,
        seen=seen,
    )


async def taken_back(
    shop: str, conversation_id: str, message_id: str, *, use: Conversations
) -> ReplyWritten | None:
    """The reply with this id, if it was withdrawn before it was sent: what to write again."""
    stream = conversation_stream(conversation_id)
    found: Conversation = await use.recorder.load(Conversation, shop, stream)
    if message_id not in found.withdrawn or found.erased:
        return None
    store, reader = use.recorder.store, use.recorder.reader
    told = await find_message(store, reader, shop, message_id, [ReplyWritten])
    if told is None or told.conversation_id != conversation_id:
        return None
    event = told.recorded.event
    assert isinstance(event, ReplyWritten)  # noqa: S101  all that was read
    return event


def key_of_again(message_id: str) -> str:
    """The key of the form in which a reply that was taken back is written again: the same each time
    that it is shown, so that it is sent once from wherever."""
    digest = hashlib.sha256(f"again\n{message_id}".encode()).digest()
    return spelled(digest[:26])


async def close(
    shop: str, conversation_id: str, *, key: str, actor: Actor, source: Source, use: Conversations
) -> Changed:
    """The merchant is done with it. Raises NotFound, FormOfAnother, and as `Recorder.decide`
    does."""
    return await change(
        Conversation.close,
        shop,
        conversation_id,
        key,
        actor,
        source,
        use,
        holds=lambda talk: not talk.open,
    )


async def reopen(
    shop: str, conversation_id: str, *, key: str, actor: Actor, source: Source, use: Conversations
) -> Changed:
    """The merchant takes it up again. Raises NotFound, FormOfAnother, and as `Recorder.decide`
    does."""
    return await change(
        Conversation.reopen,
        shop,
        conversation_id,
        key,
        actor,
        source,
        use,
        holds=lambda talk: talk.open,
    )


async def answer_to(
    shop: str,
    conversation_id: str,
    *,
    message_id: str,
    key: str,
    actor: Actor,
    source: Source,
    use: Conversations,
) -> Changed:
    """Replies go to the sender of this message from now on.

    Raises NotFound (conversation or message), InvalidInput (no address), FormOfAnother, and as
    `Recorder.decide` does.
    """
    decided = partial(Conversation.answer_to, message_id=message_id, now=use.clock())
    outcome = await decide_in(
        decided, shop, conversation_id, command_claim(key), actor, source, use
    )
    return Changed(outcome.position if outcome else None)


async def address_of(shop: str, conversation_id: str, *, use: Conversations) -> str | None:
    """Where replies go, as the log says; None if nobody can be answered."""
    stream = conversation_stream(conversation_id)
    found: Conversation = await use.recorder.load(Conversation, shop, stream)
    return None if found.erased else found.address or None


def message_id(shop: str, conversation_id: str, key: str) -> str:
    """The id of the message that the command with this key writes: asked again, it is the same
    message."""
    words = f"message\n{shop}\n{conversation_id}\n{key}"
    digest = hashlib.sha256(words.encode()).digest()
    return spelled(digest[:16])


async def _write(
    decision: Callable[..., None],
    shop: str,
    conversation_id: str,
    text: str,
    key: str,
    actor: Actor,
    source: Source,
    use: Conversations,
    *,
    to: str | None,
    extras: Extras,
    seen: Collection[str],
) -> Replied | SentBefore | Elsewhere | Overtaken:
    others = copies(extras.cc, extras.bcc, to=to, domain=use.mail_domain)
    text = text.replace("\0", "")  # which has no place in a mail
    written = message_id(shop, conversation_id, key)
    who, now, refs = actor.author, use.clock(), [message_ref(written)]
    claim = reply_claim(key)
    before = await use.recorder.store.by_claim(shop, claim)
    files = tuple(extras.files)
    if use.files is not None and extras.chosen and before is None:
        files = await attached(shop, extras.chosen, files, use.files)
    decided = partial(
        decision,
        message_id=written,
        text=text,
        author=who,
        now=now,
        to=to,
        cc=others.cc,
        bcc=others.bcc,
        send_at=extras.send_at,
        files=files,
        seen=seen,
    )
    try:
        outcome = await decide_in(
            decided, shop, conversation_id, claim, actor, source, use, refs=refs
        )
    except AddressChanged:
        stream = conversation_stream(conversation_id)
        found: Conversation = await use.recorder.load(Conversation, shop, stream)
        return Elsewhere(found.address or "")
    except OthersWrote as error:
        return Overtaken(error.values["since"])
    if isinstance(outcome, AlreadyRecorded) and not await _holds(
        outcome, text, others, extras, use
    ):
        return SentBefore()
    return Replied(outcome.position if outcome else None)


async def _holds(
    outcome: AlreadyRecorded, text: str, others: Copies, extras: Extras, use: Conversations
) -> bool:
    wanted = (text.replace("\r\n", "\n").strip(), others.cc, others.bcc)
    for recorded in await use.recorder.reader.of(outcome.commit, ReplyWritten):
        event = recorded.event
        assert isinstance(event, ReplyWritten)  # noqa: S101  all that was read
        if (event.text, event.cc or (), event.bcc or ()) == wanted and same_extras(
            event, extras, use.clock()
        ):
            return True
    return False


def same_extras(before: ReplyWritten, extras: Extras, now: datetime) -> bool:
    """Whether a reply that was recorded goes out when these say, with the files that they choose.
    Undo leaves another moment each time that a form is sent: that is no other wish."""
    moments = [
        at if at is not None and at - written > _AT_ONCE else None
        for at, written in ((before.send_at, before.timestamp), (extras.send_at, now))
    ]
    return moments[0] == moments[1] and same_files(before.files, extras.chosen)


async def change(
    decision: Callable[..., None],
    shop: str,
    conversation_id: str,
    key: str,
    actor: Actor,
    source: Source,
    use: Conversations,
    *,
    holds: Callable[[Conversation], bool],
) -> Changed:
    """Lets the conversation decide at this moment, once for the key; `holds` says whether it is as
    was asked for. Raises NotFound, FormOfAnother, and as `Recorder.decide` does."""
    decided = partial(decision, now=use.clock())
    outcome = await decide_in(
        decided, shop, conversation_id, command_claim(key), actor, source, use
    )
    undone = False
    if isinstance(outcome, AlreadyRecorded):
        stream = conversation_stream(conversation_id)
        undone = not holds(await use.recorder.load(Conversation, shop, stream))
    return Changed(outcome.position if outcome else None, undone)


async def decide_in(
    decision: Callable[[Conversation], None],
    shop: str,
    conversation_id: str,
    claim: str,
    actor: Actor,
    source: Source,
    use: Conversations,
    *,
    refs: Sequence[str] = (),
) -> Appended | AlreadyRecorded | None:
    """Lets the conversation decide, once for each claim; None if that changed nothing.

    Raises NotFound, FormOfAnother, and as `Recorder.decide` does.
    """

    def decide(conversation: Any) -> None:
        # The shop's own log says what exists; the read model may be behind.
        if not conversation.version:
            raise NotFound(what="conversation")
        decision(conversation)

    stream = conversation_stream(conversation_id)
    outcome = await use.recorder.decide(
        Conversation,
        shop,
        stream,
        decide,
        claim=claim,
        source=source,
        actor=str(actor),
        refs=refs,
        refs_of=allowance_refs,
    )
    if outcome is None:
        # The same command, sent twice at once, may have been recorded in between.
        before = await use.recorder.store.by_claim(shop, claim)
        outcome = AlreadyRecorded(before) if before else None
    # The claim does not name the conversation, and stored names stay as they are.
    if isinstance(outcome, AlreadyRecorded) and stream not in outcome.commit.refs:
        raise FormOfAnother(what="conversation")
    return outcome
