"""What a merchant decides about senders: to hold their mail back, or no more."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from cplus.actors import Actor, Source
from cplus.commands.conversations.answering import Changed, Conversations
from cplus.commands.conversations.automatic_mail import set_aside
from cplus.commands.mail_settings import sealed_for
from cplus.errors import FormOfAnother, InvalidInput, NotFound
from cplus.events.aggregates.blocked_senders import Block, BlockedSenders, Kind
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.base import NewEvent, kept
from cplus.events.catalogue.senders import SenderBlocked, SenderUnblocked
from cplus.events.log.outcomes import AlreadyRecorded
from cplus.events.names import blocked_stream, command_claim, conversation_stream
from cplus.events.recording import Recorder
from cplus.ids import spelled
from cplus.mail.senders import PUBLIC_DOMAINS, domain_of, normal_sender
from cplus.wording import worded


async def blocked_in(recorder: Recorder, shop: str) -> BlockedSenders:
    """Who is blocked in the shop, by its log."""
    found: BlockedSenders = await recorder.load(BlockedSenders, shop, blocked_stream(shop))
    return found


@dataclass(frozen=True, slots=True)
class Sender:
    """What can be done about a sender."""

    block: Block | None
    """The block that they fall under."""
    address: str
    """What is blocked of them: their address in its normal form; empty if they have none."""
    domain: str
    """Their domain, if it can be blocked."""


async def sender_of(use: Conversations, shop: str, address: str | None) -> Sender:
    """What can be done about who writes from this address."""
    if not address:
        return Sender(None, "", "")
    domain = domain_of(address)
    return Sender(
        await use.blocks.of(use.recorder, shop, [address]),
        normal_sender(address),
        "" if domain in PUBLIC_DOMAINS else domain,
    )


@dataclass(frozen=True, slots=True)
class _Who:
    """Whom to block."""

    address: str
    person: str
    conversation_id: str | None


async def block_sender(
    shop: str,
    conversation_id: str,
    *,
    kind: Kind,
    key: str,
    actor: Actor,
    source: Source,
    use: Conversations,
) -> Changed:
    """Blocks whom replies in the conversation go to, or their whole domain.

    Raises NotFound, InvalidInput (erased, no address, a public domain, too many), FormOfAnother,
    and as `Recorder.decide` does.
    """
    stream = conversation_stream(conversation_id)
    talk: Conversation = await use.recorder.load(Conversation, shop, stream)
    if not talk.version:
        raise NotFound(what="conversation")
    if talk.erased:
        raise InvalidInput(reason=worded("the person of this conversation was erased"))
    who = _Who(talk.address, talk.answers_to, conversation_id)
    return await _block(shop, who, kind, key, actor, source, use)


async def block_author(
    shop: str,
    message_id: str,
    *,
    kind: Kind,
    key: str,
    actor: Actor,
    source: Source,
    use: Conversations,
) -> Changed:
    """Blocks who wrote a mail that was set aside, or their whole domain. Raises as `block_sender`
    does."""
    aside = await set_aside(use.recorder.store, use.recorder.reader, shop, message_id)
    if aside is None:
        raise NotFound(what="mail")
    mail = aside.mail
    if kept(mail.text) is None:
        raise InvalidInput(reason=worded("who wrote this mail was erased"))
    if mail.reason == "report":
        raise InvalidInput(reason=worded("this is a report of a mail system, and of no sender"))
    address = mail.sent_from or mail.from_address or ""
    who = _Who(address, mail.person, None)
    return await _block(shop, who, kind, key, actor, source, use)


async def unblock_sender(
    shop: str, block: str, *, key: str, actor: Actor, source: Source, use: Conversations
) -> Changed:
    """Mail of this sender is no longer held back. Raises NotFound, FormOfAnother, and as
    `Recorder.decide` does."""
    decided = partial(BlockedSenders.unblock, block=block, author=actor.author, now=use.clock())
    return await _decide(decided, shop, key, actor, source, use)


async def _block(
    shop: str, who: _Who, kind: Kind, key: str, actor: Actor, source: Source, use: Conversations
) -> Changed:
    sender = normal_sender(who.address) if kind == "address" else domain_of(who.address)
    if not sender:
        raise InvalidInput(reason=worded("this mail names no address that can be blocked"))
    if kind == "domain" and sender in PUBLIC_DOMAINS:
        reason = worded(
            "anybody can have an address at %(domain)s, so block the address alone", domain=sender
        )
        raise InvalidInput(reason=reason)
    decided = partial(
        BlockedSenders.block,
        block=_id(shop, key),
        kind=kind,
        sender=sender,
        # A domain is nobody's: erasing one of those who wrote from it does not end its block.
        person=who.person if kind == "address" else sealed_for(),
        author=actor.author,
        conversation_id=who.conversation_id,
        now=use.clock(),
    )
    return await _decide(decided, shop, key, actor, source, use)


async def _decide(
    decided: partial[None],
    shop: str,
    key: str,
    actor: Actor,
    source: Source,
    use: Conversations,
) -> Changed:
    stream, claim = blocked_stream(shop), command_claim(key)
    before = await use.recorder.store.by_claim(shop, claim)
    if before is None:
        outcome = await use.recorder.decide(
            BlockedSenders,
            shop,
            stream,
            decided,
            claim=claim,
            source=source,
            actor=str(actor),
            refs_of=_refs,
            correlation_id=_id(shop, key),
        )
    else:
        outcome = AlreadyRecorded(before)
    if isinstance(outcome, AlreadyRecorded) and stream not in outcome.commit.refs:
        raise FormOfAnother(what="page")
    return Changed(outcome.position if outcome else None)


def _refs(events: Sequence[NewEvent]) -> list[str]:
    """Whom it is about, and the conversation on whose page it was done: its history tells it."""
    found = list[str]()
    for one in events:
        if isinstance(one.event, SenderBlocked | SenderUnblocked):
            found.append(one.event.person)
            if one.event.conversation_id:
                found.append(conversation_stream(one.event.conversation_id))
    return found


def _id(shop: str, key: str) -> str:
    """The id of the block that the form with this key makes: sent again, it is the same one."""
    return spelled(hashlib.sha256(f"block\n{shop}\n{key}".encode()).digest()[:16])
