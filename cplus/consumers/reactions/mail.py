"""A mail of ours that was requested is handed out to be sent."""

from __future__ import annotations

from typing import Final

from cplus.consumers.reactions.reaction import Reaction, Reactor
from cplus.events.base import Recorded
from cplus.events.catalogue.mail import MailRequested
from cplus.events.log.commit import Commit

_QUEUE: Final = "send_queue"
"""The setting with the URL of the queue that it hands out to."""


async def _hand_out(commit: Commit, requested: Recorded, use: Reactor) -> None:
    wish = requested.event
    assert isinstance(wish, MailRequested)  # noqa: S101  all that it handles
    message = {"shop": commit.shop, "message_id": wish.message_id}
    use.at_step("send_mail")
    await use.send(use.setting(_QUEUE), message, group=commit.shop)


MAIL = Reaction(
    name="react-mail",
    handles=frozenset({MailRequested}),
    hand_out=_hand_out,
    steps=("send_mail",),
    needs=(_QUEUE,),
)
