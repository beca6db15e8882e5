"""The merchant's own mailboxes are told of what they want to hear, and end with the app."""

from __future__ import annotations

from cplus.consumers.reactions.reaction import Reaction, Reactor
from cplus.events.base import Recorded
from cplus.events.catalogue.conversations import AnswerRefused, MessageReceived
from cplus.events.catalogue.mail import MailBounced, MailComplained
from cplus.events.catalogue.mailboxes import (
    MailboxNotificationsChosen,
    MailboxRemoved,
    MailboxVerified,
)
from cplus.events.catalogue.shops import AppUninstalled
from cplus.events.catalogue.threads import MessageMoved
from cplus.events.log.commit import Commit


async def _hand_out(commit: Commit, told: Recorded, use: Reactor) -> None:
    news, shop = use.mailboxes, commit.shop
    match told.event:
        case MessageReceived():
            use.at_step("tell_mailboxes")
            await news.received(shop, commit, told)
        case MessageMoved():
            use.at_step("tell_moved")
            await news.moved(shop, told)
        case AnswerRefused():
            use.at_step("tell_refusal")
            await news.refused(shop, commit, told)
        case MailboxVerified() | MailboxNotificationsChosen() as chosen:
            use.at_step("plan_digest")
            await news.chosen(shop, chosen.mailbox)
        case MailBounced() | MailComplained():
            use.at_step("switch_off")
            await news.failed(shop, told)
        case MailboxRemoved() as removed:
            use.at_step("erase_mailbox")
            await news.removed(shop, removed.mailbox)
        case AppUninstalled():
            use.at_step("end_mailboxes")
            await news.uninstalled(shop, told)


MAILBOXES = Reaction(
    name="react-mailboxes",
    handles=frozenset(
        {
            MessageReceived,
            MessageMoved,
            AnswerRefused,
            MailboxVerified,
            MailboxNotificationsChosen,
            MailBounced,
            MailComplained,
            MailboxRemoved,
            AppUninstalled,
        }
    ),
    hand_out=_hand_out,
    steps=(
        "tell_mailboxes",
        "tell_moved",
        "tell_refusal",
        "plan_digest",
        "switch_off",
        "erase_mailbox",
        "end_mailboxes",
    ),
    needs=("nudges_topic",),  # what it decides is nudged
)
