"""A mail of ours that was requested is handed out to be sent; and one that came back for now is
looked after a day later."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from cplus.consumers.reactions.reaction import Reaction, Reactor
from cplus.consumers.scheduled.due import Due
from cplus.consumers.sending.delays import DELAYED, WAIT
from cplus.events.base import Recorded
from cplus.events.catalogue.mail import REPLY, MailBounced, MailRequested
from cplus.events.log.commit import Commit

_QUEUE: Final = "send_queue"
"""The setting with the URL of the queue that it hands out to."""
_LATE: Final = timedelta(days=2)
"""A bounce of longer ago is from before this was looked after: nobody is told of it any more."""


async def _hand_out(commit: Commit, told: Recorded, use: Reactor) -> None:
    if isinstance(told.event, MailBounced):
        await _look_later(commit, told, told.event, use)
        return
    wish = told.event
    assert isinstance(wish, MailRequested)  # noqa: S101  the other one that it handles
    message = {"shop": commit.shop, "message_id": wish.message_id}
    use.at_step("send_mail")
    await use.send(use.setting(_QUEUE), message, group=commit.shop)


async def _look_later(commit: Commit, told: Recorded, bounced: MailBounced, use: Reactor) -> None:
    recent = told.occurred_at + WAIT + _LATE > use.clock()
    if recent and not bounced.permanent and bounced.purpose == REPLY:
        at = told.occurred_at + WAIT
        use.at_step("note_delay")
        await use.due.put([Due(commit.shop, DELAYED, bounced.message_id, at)])


MAIL = Reaction(
    name="react-mail",
    handles=frozenset({MailRequested, MailBounced}),
    hand_out=_hand_out,
    steps=("send_mail", "note_delay"),
    needs=(_QUEUE,),
)
