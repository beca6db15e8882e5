"""The same done with many conversations at once, and taken back.

Each is the command for one conversation, under a key that follows from that of the form: a form
that is sent again changes nothing anew, and what a crash left undone is done then. How each stood
before is noted first; to take it back is the opposite command for those that still stand as the act
left them.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar

from cplus.actors import Actor, Source
from cplus.commands.conversations.answering import Conversations, change
from cplus.commands.conversations.handling import check_member
from cplus.commands.mail_settings import settings_of
from cplus.errors import InvalidInput, NotFound
from cplus.events.aggregates.conversation import handling
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.names import conversation_stream
from cplus.ids import derived
from cplus.loop import together
from cplus.wording import worded
from cplus.workspace.members import Members
from cplus.workspace.undoing import Did, Undoes

MOST: Final = 100
"""Conversations of one act."""
_AT_ONCE: Final = 4

T = TypeVar("T")
Decision = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Act:
    """What is done with each."""

    decide: Callable[[str], Decision]
    """From the value that was chosen."""
    look: Callable[[Conversation], Any]
    """What of it the act changes: kept to take it back."""
    back: Callable[[str, Any, Conversation], Decision | None]
    """From the value and how it stood before: what takes the act back; None if it stands otherwise
    by now."""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of it."""

    changed: int
    refused: Mapping[str, int]
    """How many could not be changed, by the reason."""
    position: int | None
    """Where the last change is recorded."""


@dataclass(frozen=True, slots=True)
class Bulk:
    """What these commands need."""

    conversations: Conversations
    undoes: Undoes
    members: Members


def _reassign(value: str, before: Any, talk: Conversation) -> Decision | None:
    if talk.handling.assignee != (value or None):
        return None
    return partial(handling.assign, assignee=before)


def _reprioritize(value: str, before: Any, talk: Conversation) -> Decision | None:
    if talk.handling.priority != value:
        return None
    return partial(handling.prioritize, priority=before)


def _resnooze(_value: str, before: Any, talk: Conversation) -> Decision | None:
    until, for_reply = before
    if not talk.handling.snoozed:
        if until or for_reply:
            return partial(handling.snooze, until=until, until_reply=for_reply)
        return None
    if until or for_reply:
        return partial(handling.snooze, until=until, until_reply=for_reply)
    return handling.wake


def _snooze(value: str) -> Decision:
    if value == "reply":
        return partial(handling.snooze, until=None, until_reply=True)
    try:
        until = datetime.fromisoformat(value)
    except ValueError:
        raise InvalidInput(reason=worded("choose until when")) from None
    return partial(handling.snooze, until=until)


def _slept(talk: Conversation) -> Any:
    return [talk.handling.snoozed_until, talk.handling.snoozed_for_reply]


def _was(truth: bool, decision: Decision) -> Callable[[str, Any, Conversation], Decision | None]:
    return lambda _value, before, _talk: decision if before is truth else None


ACTS: Final[Mapping[str, Act]] = {
    "close": Act(
        lambda _: Conversation.close, lambda talk: talk.open, _was(True, Conversation.reopen)
    ),
    "reopen": Act(
        lambda _: Conversation.reopen, lambda talk: talk.open, _was(False, Conversation.close)
    ),
    "spam": Act(
        lambda _: Conversation.mark_spam,
        lambda talk: talk.spam,
        _was(False, Conversation.unmark_spam),
    ),
    "not-spam": Act(
        lambda _: Conversation.unmark_spam,
        lambda talk: talk.spam,
        _was(True, Conversation.mark_spam),
    ),
    "assign": Act(
        lambda who: partial(handling.assign, assignee=who or None),
        lambda talk: talk.handling.assignee,
        _reassign,
    ),
    "priority": Act(
        lambda which: partial(handling.prioritize, priority=which),
        lambda talk: talk.handling.priority,
        _reprioritize,
    ),
    "snooze": Act(_snooze, _slept, _resnooze),
    "wake": Act(lambda _: handling.wake, _slept, _resnooze),
}
"""What can be done with many, by what a form calls it; besides `tag` and `untag`."""


def act_of(name: str, value: str, tags: Collection[str]) -> Act:
    """The act of this name; `tags` are those of the shop. Raises InvalidInput if there is none."""
    if name in {"tag", "untag"}:
        if value not in tags:
            raise InvalidInput(reason=worded("there is no such tag any more"))
        on = partial(handling.tag, added=[value], known=tags)
        off = partial(handling.tag, removed=[value], known=tags)
        there, back = (on, off) if name == "tag" else (off, on)
        return Act(
            lambda _: there,
            lambda talk: value in talk.handling.tags,
            _was(name == "untag", back),
        )
    if name not in ACTS:
        raise InvalidInput(reason=worded("choose what to do"))
    return ACTS[name]


async def act(
    shop: str,
    conversations: Sequence[str],
    name: str,
    value: str,
    *,
    key: str,
    actor: Actor,
    source: Source,
    use: Bulk,
) -> Done:
    """Does it with each of these, MOST at most; what became of it is kept under the key for a day.

    Raises InvalidInput for none or too many, and OutcomeUnknown and DecisionOvertaken: sent again
    with the same key, it goes on.
    """
    ids = list(dict.fromkeys(conversations))
    if not ids:
        raise InvalidInput(reason=worded("choose some conversations first"))
    if len(ids) > MOST:
        reason = worded("up to %(most)s conversations can be changed at once", most=MOST)
        raise InvalidInput(reason=reason)
    chosen = act_of(name, value, (await settings_of(use.conversations.recorder, shop)).tags)
    if name == "assign":
        await check_member(shop, value or None, actor, use.members)
    decision = chosen.decide(value)
    talks = await _each(ids, lambda one: _load(shop, one, use.conversations))
    before = {one: chosen.look(talk) for one, talk in talks.items() if talk is not None}
    noted = Did(name, value, before)
    await use.undoes.begin(shop, actor.author, key, noted, use.conversations.clock())
    done = await _decided(
        shop, dict.fromkeys(ids, decision), key=key, actor=actor, source=source, use=use
    )
    await use.undoes.end(shop, actor.author, key, done.changed, done.refused)
    return done


async def undo(shop: str, did: str, *, key: str, actor: Actor, source: Source, use: Bulk) -> Done:
    """Takes back what this member did with the form of the key `did`: in each conversation that it
    changed and that still stands so. Raises NotFound, and as `act` does."""
    told = await use.undoes.of(shop, actor.author, did)
    if told is None:
        raise NotFound(what="list of changes")
    tags = (await settings_of(use.conversations.recorder, shop)).tags
    chosen = act_of(told.act, told.value, tags)
    talks = await _each(list(told.before), lambda one: _load(shop, one, use.conversations))
    back = {
        one: chosen.back(told.value, stood, talk)
        for one, stood in told.before.items()
        if (talk := talks[one]) is not None and chosen.look(talk) != stood
    }
    decisions = {one: decision for one, decision in back.items() if decision is not None}
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
    refused = Counter[str]()
    positions = list[int]()
    async with use.conversations.recorder.together() as recorder:
        talks = Conversations(recorder, use.conversations.clock)

        async def one(name: str) -> None:
            try:
                outcome = await change(
                    decisions[name],
                    shop,
                    name,
                    derived("bulk", key, name),
                    actor,
                    source,
                    talks,
                    holds=lambda _: True,
                )
            except (InvalidInput, NotFound) as error:
                refused[error.values.get("reason", str(error))] += 1
                return
            if outcome.position:
                positions.append(outcome.position)

        await _each(list(decisions), one)
    return Done(len(positions), dict(refused), max(positions, default=None))


async def _load(shop: str, name: str, use: Conversations) -> Conversation | None:
    found: Conversation = await use.recorder.load(Conversation, shop, conversation_stream(name))
    return found if found.version else None


async def _each(
    names: Sequence[str], work: Callable[[str], Coroutine[Any, Any, T]]
) -> dict[str, T]:
    """What the work answers for each, a few at a time."""
    room, found = asyncio.Semaphore(_AT_ONCE), dict[str, T]()

    async def one(name: str) -> None:
        async with room:
            found[name] = await work(name)

    await together(*map(one, names))
    return found
