"""The wish to send the merchant a mail about a customer's request for their data: in the log before
anything is sent, each once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from cplus.actors import system
from cplus.clock import Clock
from cplus.consumers.notices.reminders import reminder
from cplus.consumers.notices.requests import find_request, objection
from cplus.consumers.scheduled.due import DueRows
from cplus.consumers.sending.requesting import request_draft
from cplus.events.catalogue.mail import MailRequested
from cplus.events.catalogue.privacy import NOTICE_PURPOSES, REQUEST, DataRequested, NoticeKind
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import Outcome
from cplus.events.names import notice_claim
from cplus.events.recording import Recorder
from cplus.ids import random_id

log = structlog.get_logger()

BEFORE_DUE: Final[dict[NoticeKind, timedelta]] = {
    "reminder": timedelta(days=7),
    "last": timedelta(days=1),
}
"""How long before a request is due each reminder goes."""


@dataclass(frozen=True, slots=True)
class NoticeRequests:
    """What deciding on notices needs."""

    recorder: Recorder
    due: DueRows
    clock: Clock

    async def plan(self, shop: str, asked: DataRequested) -> None:
        """Notes when the merchant is to be reminded, as far as that is ahead. Repeatable."""
        dates = {kind: asked.due_at - before for kind, before in BEFORE_DUE.items()}
        now = self.clock()
        ahead = [
            reminder(shop, asked.request_id, kind, at) for kind, at in dates.items() if at > now
        ]
        await self.due.put(ahead)

    async def wish(self, shop: str, request_id: int, kind: NoticeKind) -> Outcome | None:
        """Records that the mail is to go, and nudges; None if it would not help any more. Asked
        again for the same one, it is the same. Raises OutcomeUnknown."""
        claim = notice_claim(request_id, kind)

        async def decide() -> Draft | None:
            request = await find_request(self.recorder, shop, request_id)
            if request is None:
                return None
            reason = await objection(self.recorder, shop, request, self.clock())
            if reason:
                log.info("notice_not_needed", shop=shop, kind=kind, reason=reason)
                return None
            about = {REQUEST: str(request_id)}
            wish = MailRequested(message_id=random_id(), purpose=NOTICE_PURPOSES[kind], about=about)
            return request_draft(
                shop,
                wish,
                self.clock(),
                claim=claim,
                source="notice",
                actor=system("notices"),
                correlation_id=request.commit.correlation,
                causation_id=request.commit.id,
            )

        return await self.recorder.record(shop, claim, decide)
