"""The same done with many conversations at once, and taken back.

The log says what the act changed, how it stood before, and what somebody changed since: that is
left alone when it is taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from cplus.actors import Actor, Source
from cplus.commands.conversations.answering import Conversations, change
from cplus.commands.conversations.handling import check_member
from cplus.commands.mail_settings import settings_of
from cplus.commands.many import Done, each, key_in, once, versions_in
from cplus.errors import NotFound
from cplus.events.aggregates.conversation import handling, undoing
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.aggregates.conversation.refusals import MOST_AT_ONCE, refused
from cplus.events.names import command_claim, conversation_stream
from cplus.ids import derived
from cplus.workspace.members import Members
from cplus.workspace.undoing import Did, Undoes

MOST: Final = MOST_AT_ONCE
"""Conversations of one act."""

ACTS: Final = frozenset(
    {
        *("close", "reopen", "spam", "not-spam", "assign", "priority", "snooze", "wake"),
        *("tag", "untag"),
    }
)
"""What an act is called; the list of what a member did has others, with persons."""

Decision = Callable[..., None]


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
    if name not in ACTS:
        raise refused("act")
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
    return decisions[name]


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

    async def work(told: Did) -> Done:
        # What goes on after a crash has the value of before: another moment, for example.
        decisions = dict.fromkeys(ids, decision_of(name, told.value, tags))
        return await _decided(shop, decisions, key=key, actor=actor, source=source, use=use)

    did, now = Did(name, value, ids), use.conversations.clock()
    return await once(shop, key, did, work, actor=actor, undoes=use.undoes, now=now)


async def undo(shop: str, did: str, *, key: str, actor: Actor, source: Source, use: Bulk) -> Done:
    """Takes back what this member did under the key `did`: in each conversation that it changed,
    what nobody changed since. Raises NotFound, and as `act` does."""
    told = await use.undoes.of(shop, actor.author, did)
    if told is None or told.act not in ACTS:
        raise NotFound(what="list of changes")
    recorder = use.conversations.recorder
    claims = {one: command_claim(key_in(did, one)) for one in told.chosen}
    commits = await recorder.store.by_claims(shop, list(claims.values()))
    tags = (await settings_of(recorder, shop)).tags
    decisions = dict[str, Decision]()
    for one, claim in claims.items():
        if claim in commits:
            versions = await versions_in(recorder, commits[claim], conversation_stream(one))
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
    async with use.conversations.recorder.together() as recorder:
        talks = Conversations(recorder, use.conversations.clock)

        async def one(name: str) -> int | None:
            decision, own = decisions[name], key_in(key, name)
            outcome = await change(
                decision, shop, name, own, actor, source, talks, holds=lambda _: True
            )
            return outcome.position

        return await each(decisions, one)
