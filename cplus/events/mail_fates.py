"""What the log says has become of a mail that somebody wished to send: whether nobody sends it
(again)."""

from __future__ import annotations

from typing import Final

from cplus.events.catalogue.conversations import ReplyWithdrawn
from cplus.events.catalogue.mail import MailRejected, MailSent
from cplus.events.catalogue.privacy import NoticeRejected, NoticeSent
from cplus.events.log.commit import Commit
from cplus.events.log.store import EventStore
from cplus.events.names import message_ref

_SETTLING: Final = {
    kind.TYPE for kind in (MailSent, MailRejected, NoticeSent, NoticeRejected, ReplyWithdrawn)
}


def settles(commit: Commit) -> bool:
    """Whether the commit, which is one of the mail's, says that SES took it, that it is refused for
    good, or that it was taken back."""
    return not _SETTLING.isdisjoint(commit.types)


async def is_settled(store: EventStore, shop: str, message_id: str) -> bool:
    """Whether a commit of this mail settles it."""
    async for commit in store.iterate_ref(shop, message_ref(message_id)):
        if settles(commit):
            return True
    return False
