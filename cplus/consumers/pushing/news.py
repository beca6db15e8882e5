"""Decides of which messages browsers of a shop's staff are told, and queues it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cplus.clock import Clock
from cplus.consumers.reactions.reaction import Send
from cplus.events.base import Recorded
from cplus.events.catalogue.conversations import MessageReceived
from cplus.events.catalogue.handling import MembersMentioned
from cplus.events.log.commit import Commit
from cplus.events.names import conversation_id

PUSH: Final = "push"
"""In a message of the queue of mail to send: the id of the message of which browsers are told."""
FRESH: Final = timedelta(hours=1)
"""How old a message may be of which anybody is told. A replay, a backlog or a dead letter that is
redriven brings older ones."""
_QUEUE: Final = "send_queue"
"""The setting with the URL of the queue that it hands out to."""


@dataclass(frozen=True, slots=True)
class PushNews:
    """What having browsers told needs."""

    wanted: Callable[[str], Awaitable[bool]]
    """Whether anybody of a shop wants to be told."""
    send: Send
    setting: Callable[[str], str]
    clock: Clock

    async def received(self, shop: str, commit: Commit, told: Recorded) -> None:
        """A message came: if any browser of the shop wants to hear of it, that is queued. What a
        merchant took up themselves, they know."""
        message = told.event
        assert isinstance(message, MessageReceived)  # noqa: S101  what the reaction gives
        if message.automatic or commit.actor.startswith("merchant"):
            return
        if is_old(told.occurred_at, self.clock()) or not await self.wanted(shop):
            return
        await self.queue(shop, conversation_id(told.stream), message.message_id)

    async def mentioned(self, shop: str, told: Recorded) -> None:
        """A note mentions members of the team: if any browser of the shop wants to hear of
        anything, that is queued."""
        mention = told.event
        assert isinstance(mention, MembersMentioned)  # noqa: S101  what the reaction gives
        if not is_old(told.occurred_at, self.clock()) and await self.wanted(shop):
            await self.queue(shop, conversation_id(told.stream), mention.message_id)

    async def queue(self, shop: str, talk: str, message_id: str, *, delay: int = 0) -> None:
        """Has the browsers told, those that were not."""
        message = {"shop": shop, "conversation": talk, PUSH: message_id}
        await self.send(self.setting(_QUEUE), message, group=shop, delay=delay)


def is_old(moment: datetime, now: datetime) -> bool:
    """Whether nobody is told any more of a message of that moment."""
    return now - moment > FRESH
