"""How staff works on a conversation: who looks after it, until when it is put off, its tags, how
urgent it is. Each is a decision of the conversation (`aggregates/conversation/handling.py`), and
raises NotFound, InvalidInput, FormOfAnother, and as `Recorder.decide` does.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import partial

from cplus.actors import Actor, Source
from cplus.commands.conversations.answering import Changed, Conversations, change
from cplus.commands.mail_settings import settings_of
from cplus.commands.team import may, team_of
from cplus.events.aggregates.conversation import handling
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.aggregates.conversation.refusals import refused
from cplus.events.recording import Recorder
from cplus.workspace.members import Members


async def assign(
    shop: str,
    conversation_id: str,
    assignee: str | None,
    *,
    key: str,
    actor: Actor,
    source: Source,
    members: Members,
    use: Conversations,
) -> Changed:
    """This member of staff looks after it from now on; None: nobody in particular. Raises
    InvalidInput for somebody whom `check_member` does not know."""
    await check_member(shop, assignee, actor, members, use.recorder)
    decision = partial(handling.assign, assignee=assignee)

    def holds(talk: Conversation) -> bool:
        return talk.handling.assignee == assignee

    return await change(decision, shop, conversation_id, key, actor, source, use, holds=holds)


async def snooze(
    shop: str,
    conversation_id: str,
    until: datetime | None,
    *,
    until_reply: bool = False,
    key: str,
    actor: Actor,
    source: Source,
    use: Conversations,
) -> Changed:
    """Puts it off until that moment, or with `until_reply` until somebody writes in it."""
    decision = partial(handling.snooze, until=until, until_reply=until_reply)
    return await change(decision, shop, conversation_id, key, actor, source, use, holds=_is_snoozed)


async def wake(
    shop: str, conversation_id: str, *, key: str, actor: Actor, source: Source, use: Conversations
) -> Changed:
    """It is put off no more."""
    return await change(
        handling.wake,
        shop,
        conversation_id,
        key,
        actor,
        source,
        use,
        holds=lambda talk: not talk.handling.snoozed,
    )


async def tag(
    shop: str,
    conversation_id: str,
    *,
    added: Collection[str] = (),
    removed: Collection[str] = (),
    key: str,
    actor: Actor,
    source: Source,
    use: Conversations,
) -> Changed:
    """Puts tags on it, by their ids, and takes others off; raises InvalidInput for one to put on it
    that the shop does not have."""
    known = (await settings_of(use.recorder, shop)).tags
    decision = partial(handling.tag, added=added, removed=removed, known=known)

    def holds(talk: Conversation) -> bool:
        there = set(talk.handling.tags)
        return there.issuperset(added) and there.isdisjoint(set(removed) - set(added))

    return await change(decision, shop, conversation_id, key, actor, source, use, holds=holds)


async def prioritize(
    shop: str,
    conversation_id: str,
    priority: str,
    *,
    key: str,
    actor: Actor,
    source: Source,
    use: Conversations,
) -> Changed:
    """Says how urgent it is."""
    decision = partial(handling.prioritize, priority=priority)

    def holds(talk: Conversation) -> bool:
        return talk.handling.priority == priority

    return await change(decision, shop, conversation_id, key, actor, source, use, holds=holds)


async def check_member(
    shop: str, member: str | None, actor: Actor, members: Members, recorder: Recorder
) -> None:
    """Raises InvalidInput for an id of nobody who works on conversations here: who neither belongs
    to the team nor was here in the last 180 days, and whose role is another. Who asks may."""
    if member is None or member == actor.author:
        return
    team = await team_of(recorder, shop)
    known = member in team.members or await members.knows(shop, member)
    if not known or not may(team.role_of(member), "converse"):
        raise refused("staff")


def _is_snoozed(talk: Conversation) -> bool:
    return talk.handling.snoozed
