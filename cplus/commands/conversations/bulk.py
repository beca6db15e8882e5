"""The same done with many conversations at once, and taken back.

Each is the command for one conversation, under a key that follows from that of the form: a form
that is sent again changes nothing anew, and what a crash left undone is done then. The log says
what the act changed, how it stood before, and what somebody changed since: that is left alone when
it is taken back.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from cplus.actors import Actor, Source
from cplus.commands.conversations.answering import Conversations, change
from cplus.commands.conversations.handling import check_member
from cplus.commands.mail_settings import settings_of
from cplus.errors import InvalidInput, NotFound
from cplus.events.aggregates.conversation import handling, undoing
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.aggregates.conversation.refusals import MOST_AT_ONCE, refused
from cplus.events.log.commit import Commit
from cplus.events.names import command_claim, conversation_stream
from cplus.events.recording import Recorder
from cplus.ids import derived
from cplus.loop import together
from cplus.workspace.members import Members
from cplus.workspace.undoing import Did, Undoes

MOST: Final = MOST_AT_ONCE
"""Conversations of one act."""
_AT_ONCE: Final = 4

Decision = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of it."""

    changed: int
    refused: Mapping[str, int]
    """How many could not be changed, by the code of the reason."""
    position: int | None
    """Where the last change is recorded."""


@dataclass(frozen=True, slots=True)
class Bulk:
    """What these commands need."""

    conversations: Conversations
    undoes: Undoes
    members: Members


def _snooze(value: str) -> Decision:
    if value == "reply":
        return partial(handling.snooze, until=None, until_reply=True)
    try:
        until = datetime.fromisoformat(value)
    except ValueError:
        raise refused("until") from None
    return partial(handling.snooze, until=until)


def decision_of(name: str, value: str, tags: Collection[str]) -> Decision:
    """What is done with each, by what a form calls it; `tags` are those of the shop. Raises
    InvalidInput if there is no such act, or none with that value."""
    if name in {"tag", "untag"} and value not in tags:
        raise refused("tag")
    if name == "snooze":
        return _snooze(value)
    decisions: Mapping[str, Decision] = {
        "close": Conversation.close,
        "reopen": Conversation.reopen,
        "spam": Conversation.mark_spam,
        "not-spam": Conversation.unmark_spam,
        "assign": partial(handling.assign, assignee=value or None),
        "priority": partial(handling.prioritize, priority=value),
        "wake": handling.wake,
        "tag": partial(handling.tag, added=[value], known=tags),
        "untag": partial(handling.tag, removed=[value], known=tags),
    }
    if name not in decisions:
        raise refused("act")
    return decisions[name]


def act_key(key: str, conversations: Collection[str], name: str, said: str) -> str:
    """Under which key an act is kept, and taken back: it follows from that of the form and from all
    that the form says, so a form that is sent again with anything else is another act."""
    return derived("act", key, name, said, *sorted(set(conversations)))


async def act(
    shop: str,
    conversations: Collection[str],
    name: str,
    value: str,
    *,
    key: str,
    actor: Actor,
    source: Source,
    use: Bulk,
) -> Done:
    """Does it with each of these, MOST at most; `key` is an `act_key`, under which what became of
    it is kept for a day: asked again, it is what is answered, and nothing is done.

    Raises InvalidInput for none or too many, and OutcomeUnknown and DecisionOvertaken: sent again
    with the same key, it goes on.
    """
    ids = sorted(set(conversations))
    if not ids:
        raise refused("none")
    if len(ids) > MOST:
        raise refused("many")
    tags = (await settings_of(use.conversations.recorder, shop)).tags
    decision_of(name, value, tags)
    if name == "assign":
        await check_member(shop, value or None, actor, use.members, use.conversations.recorder)
    # What goes on after a crash has the value of before: another moment, for example.
    told = await use.undoes.begin(
        shop, actor.author, key, Did(name, value, ids), use.conversations.clock()
    )
    if told.settled:
        return Done(told.changed, told.refused, told.position)
    decision = decision_of(name, told.value, tags)
    done = await _decided(
        shop, dict.fromkeys(ids, decision), key=key, actor=actor, source=source, use=use
    )
    await use.undoes.end(shop, actor.author, key, done.changed, done.refused, done.position)
    return done


async def undo(shop: str, did: str, *, key: str, actor: Actor, source: Source, use: Bulk) -> Done:
    """Takes back what this member did under the key `did`: in each conversation that it changed,
    what nobody changed since. Raises NotFound, and as `act` does."""
    told = await use.undoes.of(shop, actor.author, did)
    if told is None:
        raise NotFound(what="list of changes")
    recorder = use.conversations.recorder
    claims = {one: command_claim(_key_in(did, one)) for one in told.conversations}
    commits = await recorder.store.by_claims(shop, list(claims.values()))
    tags = (await settings_of(recorder, shop)).tags
    decisions = dict[str, Decision]()
    for one, claim in claims.items():
        if claim in commits:
            versions = await _versions(recorder, commits[claim], conversation_stream(one))
            decisions[one] = partial(undoing.undo, versions=versions, known=tags)
    key = derived("undo", key, did)
    return await _decided(shop, decisions, key=key, actor=actor, source=source, use=use)


async def _decided(
    shop: str,
    decisions: Mapping[str, Decision],
    *,
    key: str,
    actor: Actor,
    source: Source,
    use: Bulk,
) -> Done:
    left = Counter[str]()
    positions = list[int]()
    room = asyncio.Semaphore(_AT_ONCE)
    async with use.conversations.recorder.together() as recorder:
        talks = Conversations(recorder, use.conversations.clock)

        async def one(name: str) -> None:
            try:
                async with room:
                    outcome = await change(
                        decisions[name],
                        shop,
                        name,
                        _key_in(key, name),
                        actor,
                        source,
                        talks,
                        holds=lambda _: True,
                    )
            except (InvalidInput, NotFound) as error:
                left[error.values.get("code", "gone")] += 1
                return
            if outcome.position:
                positions.append(outcome.position)

        await together(*map(one, decisions))
    return Done(len(positions), dict(left), max(positions, default=None))


def _key_in(key: str, conversation_id: str) -> str:
    return derived("bulk", key, conversation_id)


async def _versions(recorder: Recorder, commit: Commit, stream: str) -> set[int]:
    [events] = await recorder.reader.of_stream([commit], stream)
    return {one.version for one in events if one.version is not None}
