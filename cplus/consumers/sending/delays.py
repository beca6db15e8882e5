"""A mail that came back for now: if it has not arrived a day later, it never will.

SES tries again for hours by itself, and tells of a bounce for now (`Transient`) once it gave up.
But such bounces also come of mail that arrived, for example with an out-of-office note.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from cplus.actors import system
from cplus.consumers.scheduled.due import Due
from cplus.consumers.scheduled.taking import DueWork
from cplus.consumers.sending.failing import Failure, record_failure
from cplus.consumers.sending.outgoing import find_outgoing
from cplus.events.base import Cause, NewEvent
from cplus.events.catalogue.mail import MailBounced, MailComplained, MailRejected
from cplus.events.log.commit import Draft
from cplus.events.names import mail_event_claim, mail_stream, message_ref
from cplus.mail.failures import detail_code

DELAYED: Final = "delayed_mail"
"""What is due: to look whether a mail arrived that came back for now, by the id of its message."""
WAIT: Final = timedelta(hours=24)
"""How long it is waited for."""
_COMMITS: Final = 1_000  # of one mail


async def give_up(due: Due, use: DueWork) -> None:
    """Records that the mail bounced for good, unless it arrived, or its fate is told already."""
    store, reader = use.recorder.store, use.recorder.reader
    mail = await find_outgoing(store, reader, due.shop, due.ref)
    commits = await store.by_ref(due.shop, message_ref(due.ref), limit=_COMMITS)
    told = await reader.read(commits, [MailBounced, MailComplained, MailRejected])
    events = [one.event for read in told for one in read]
    delayed = [one for one in events if isinstance(one, MailBounced) and not one.permanent]
    arrived = mail.delivered_at is not None and mail.is_single
    if not delayed or len(delayed) < len(events) or arrived:
        return
    subtype = delayed[-1].reason.rpartition("/")[2]
    now = use.clock()
    draft = Draft(
        shop=due.shop,
        claim=mail_event_claim(due.ref, "given_up", "last"),
        source="delayed-mail",
        actor=system("sweep"),
        events=[
            NewEvent(mail_stream(due.ref), mail.bounced(f"GivenUp/{subtype}", permanent=True), now)
        ],
        cause=Cause("command", headers={"message_id": due.ref}),
        refs=mail.refs(),
        correlation_id=mail.commit.correlation,
        causation_id=mail.commit.id,
    )
    code = detail_code(delayed[-1].reason)
    await record_failure(use.recorder, draft, mail, [Failure(code, mail.wish.to_address)], now)
