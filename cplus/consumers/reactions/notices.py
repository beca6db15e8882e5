"""A customer asked for their data: the merchant is to get a mail, and to be reminded. A mail that
was requested before `react-mail` handed such mail out is handed out here."""

from __future__ import annotations

from typing import Final

from cplus.consumers.reactions.reaction import Reaction, Reactor
from cplus.events.base import Recorded
from cplus.events.catalogue.privacy import DataRequested, NoticeRequested
from cplus.events.log.commit import Commit

_QUEUE: Final = "send_queue"
"""The setting with the URL of the queue that it hands out to."""


async def _hand_out(commit: Commit, told: Recorded, use: Reactor) -> None:
    if isinstance(told.event, DataRequested):
        use.at_step("plan_reminders")
        await use.notices.plan(commit.shop, told.event)
        use.at_step("wish_notice")
        await use.notices.wish(commit.shop, told.event.request_id, "first")
        return
    wish = told.event
    assert isinstance(wish, NoticeRequested)  # noqa: S101  the other one that it handles
    message = {"shop": commit.shop, "message_id": wish.message_id}
    use.at_step("send_notice")
    await use.send(use.setting(_QUEUE), message, group=commit.shop)


NOTICES = Reaction(
    name="react-notices",
    handles=frozenset({DataRequested, NoticeRequested}),
    hand_out=_hand_out,
    steps=("plan_reminders", "wish_notice", "send_notice"),
    needs=(_QUEUE, "nudges_topic"),  # what is wished for is nudged
)
