"""Decides which mail goes to the merchant's own mailboxes: each once, however often it is asked.

What is wished for is in the log before anything is sent; whether it still helps is asked again when
it is made (`cplus/consumers/sending/purposes/`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from cplus.actors import system
from cplus.clock import Clock, hour_of, zone
from cplus.commands.mailboxes import VERIFICATION, decide_mailboxes, mailboxes_of
from cplus.consumers.mailboxes.digests import digest_at, next_digest
from cplus.consumers.mailboxes.moved import HELD, UNANSWERED, dues_of_moved
from cplus.consumers.mailboxes.waiting import MOST, for_mailbox, since, waiting_messages
from cplus.consumers.scheduled.due import Due, DueRows
from cplus.consumers.sending.outgoing import timezone_of
from cplus.consumers.sending.requesting import request_draft
from cplus.errors import NotFound
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.aggregates.mailboxes import Mailbox
from cplus.events.base import Recorded
from cplus.events.catalogue.conversations import AnswerRefused, MessageReceived
from cplus.events.catalogue.mail import MailBounced, MailComplained, MailRequested
from cplus.events.log.commit import Commit, Draft
from cplus.events.names import (
    conversation_id,
    conversation_stream,
    mail_claim,
    mailbox_failed_claim,
    mailboxes_ended_claim,
    notifications_ref,
)
from cplus.events.recording import Recorder
from cplus.ids import random_id
from cplus.privacy.erasing import ask
from cplus.projections.queries import Queries

log = structlog.get_logger()

NOTIFICATION: Final = "notification"
DIGEST: Final = "digest"
REFUSED: Final = "answer_refused"
TO_MAILBOXES: Final = frozenset({VERIFICATION, NOTIFICATION, DIGEST, REFUSED})
"""The purposes of all mail that goes to mailboxes."""
IN_AN_HOUR: Final = 200
"""Notifications of a shop at most; what is beyond that goes in the next hour, if nobody answered
until then."""
DAILY: Final = "mailbox_digest"
"""What is due when a digest goes: `<mailbox>`."""
_ACTOR: Final = system("mailboxes")


@dataclass(frozen=True, slots=True)
class MailboxNews:
    """What telling mailboxes needs."""

    recorder: Recorder
    rows: DueRows
    queries: Queries
    clock: Clock
    in_an_hour: int = IN_AN_HOUR

    async def received(self, shop: str, commit: Commit, told: Recorded) -> None:
        """A message came: who wants to hear of each is told, and for the others it is noted when.
        What came before a mailbox was verified is not told, nor what a merchant took up
        themselves."""
        message = told.event
        assert isinstance(message, MessageReceived)  # noqa: S101  what the reaction gives
        if message.automatic or commit.actor.startswith("merchant"):
            return
        mailboxes = await mailboxes_of(self.recorder, shop)
        on = [one for one in mailboxes.on.values() if since(one, told.occurred_at)]
        if not on:
            return
        conversation = await self._conversation(shop, conversation_id(told.stream))
        if conversation.spam or conversation.erased:
            return
        later: list[Due] = []
        for one in on:
            ref = f"{conversation.conversation_id}/{one.id}"
            if one.notify == "unanswered":
                later.append(Due(shop, UNANSWERED, ref, one.waits_until(told.occurred_at)))
            elif one.notify == "each":
                held = await self._notify(shop, one, conversation, message, commit)
                later += [Due(shop, HELD, ref, held)] if held else []
        await self.rows.put(later)

    async def moved(self, shop: str, told: Recorded) -> None:
        """A message stands in another conversation: what was due of it is due there."""
        await self.rows.put(await dues_of_moved(self.recorder, self.rows, shop, told))

    async def held(self, due: Due) -> datetime | None:
        """The next hour has come: the mailbox is told of each message that still waits, and that it
        was not told of. Returns when the rest may go, if there are too many again."""
        talk, _, id_ = due.ref.partition("/")
        found = (await mailboxes_of(self.recorder, due.shop)).on.get(id_)
        conversation = await self._conversation(due.shop, talk)
        if found is None or found.notify != "each" or not conversation.open:
            return None
        if conversation.spam or conversation.erased:
            return None
        waiting = await waiting_messages(self.recorder, due.shop, conversation.id)
        for one in for_mailbox(found, waiting):
            held = await self._notify(due.shop, found, conversation, one.message, one.commit)
            if held is not None:
                return held
        return None

    async def unanswered(self, due: Due) -> datetime | None:
        """A message may have waited as long as the mailbox wants: it is told, if nobody answered.
        If none has waited so long yet, because what came before was answered, returns when the
        first will have."""
        talk, _, id_ = due.ref.partition("/")
        found = (await mailboxes_of(self.recorder, due.shop)).on.get(id_)
        conversation = await self._conversation(due.shop, talk)
        if found is None or found.notify != "unanswered" or not conversation.open:
            return None
        if conversation.spam or conversation.erased:
            return None
        waiting = await waiting_messages(self.recorder, due.shop, conversation.id)
        wanted = for_mailbox(found, waiting)
        if not wanted:
            return None
        first = min(found.waits_until(one.at) for one in wanted)
        # Of more messages than a mail tells of, the first may be left out here.
        if first > self.clock() and len(waiting) < MOST:
            return first
        newest = wanted[-1]
        return await self._notify(due.shop, found, conversation, newest.message, newest.commit)

    async def digest(self, due: Due) -> datetime | None:
        """The hour of a digest has come; returns when the next one is due."""
        found = (await mailboxes_of(self.recorder, due.shop)).on.get(due.ref)
        if found is None or found.notify != "digest" or found.hour is None:
            return None
        store, reader = self.recorder.store, self.recorder.reader
        at = zone(await timezone_of(store, reader, due.shop))
        day = due.due_at.astimezone(at).date()
        # Another hour was chosen since, or the shop moved to another zone: not now.
        if due.due_at == digest_at(day, found.hour, at) and await self._waits(due.shop):
            await self._ask(due.shop, DIGEST, f"{found.id}/{day}", found, {"mailbox": found.id})
        return next_digest(self.clock(), found.hour, at)

    async def chosen(self, shop: str, mailbox: str) -> None:
        """A mailbox is on, or wants to be told of something else: notes when its digest is due."""
        found = (await mailboxes_of(self.recorder, shop)).on.get(mailbox)
        if found is None or found.notify != "digest" or found.hour is None:
            return
        store, reader = self.recorder.store, self.recorder.reader
        at = next_digest(self.clock(), found.hour, zone(await timezone_of(store, reader, shop)))
        await self.rows.put([Due(shop, DAILY, mailbox, at)])

    async def refused(self, shop: str, commit: Commit, told: Recorded) -> None:
        """A mail from a mailbox was not sent on: whoever proved to be its author is told why, at
        most once an hour."""
        refused = told.event
        assert isinstance(refused, AnswerRefused)  # noqa: S101  what the reaction gives
        found = (await mailboxes_of(self.recorder, shop)).on.get(refused.mailbox)
        if not refused.proved or found is None:
            return
        about = {
            "mailbox": found.id,
            "conversation": conversation_id(told.stream),
            "message": refused.message_id,
        }
        what = f"{found.id}/{told.occurred_at:%Y-%m-%dT%H}"
        await self._ask(shop, REFUSED, what, found, about, [refused.person], commit)

    async def failed(self, shop: str, told: Recorded) -> None:
        """Mail bounced, or was marked as spam: a mailbox for which that is for good is off."""
        event = told.event
        assert isinstance(event, MailBounced | MailComplained)  # noqa: S101
        if event.purpose not in TO_MAILBOXES or not getattr(event, "permanent", True):
            return
        reason: Final = "bounced" if isinstance(event, MailBounced) else "complained"
        mailbox = event.about["mailbox"]
        await decide_mailboxes(
            self.recorder,
            shop,
            lambda mailboxes: mailboxes.switch_off(mailbox, reason, self.clock()),
            claim=mailbox_failed_claim(event.message_id),
            source="rule",
            actor=_ACTOR,
        )

    async def removed(self, shop: str, mailbox: str) -> None:
        """A mailbox was removed: its address is erased, unless mail of ours was called spam there:
        then it is what keeps us from writing there again, if somebody adds it anew."""
        gone = (await mailboxes_of(self.recorder, shop)).former.get(mailbox)
        if gone is None or not gone.address or gone.off == "complained":
            return
        erasure = hashlib.sha256(f"mailbox/{shop}/{mailbox}".encode()).hexdigest()[:32]
        await ask(
            self.recorder, shop, gone.person,
            erasure=erasure, source="rule", actor=_ACTOR, at=self.clock(),
        )  # fmt: skip

    async def uninstalled(self, shop: str, told: Recorded) -> None:
        """The app was removed: so are the mailboxes that there were."""
        await decide_mailboxes(
            self.recorder,
            shop,
            lambda mailboxes: mailboxes.remove_all(told.occurred_at, self.clock()),
            claim=mailboxes_ended_claim(told.id),
            source="rule",
            actor=_ACTOR,
        )

    async def _notify(
        self,
        shop: str,
        mailbox: Mailbox,
        conversation: Conversation,
        message: MessageReceived,
        commit: Commit,
    ) -> datetime | None:
        """Asks for the mail, once; or returns when it may go, if too many went in this hour."""
        about = {
            "mailbox": mailbox.id,
            "conversation": conversation.conversation_id,
            "message": message.message_id,
        }
        concerned = [conversation.person, message.person]
        what = f"{message.message_id}/{mailbox.id}"
        now = self.clock()
        hour = notifications_ref(hour_of(now))
        claim = mail_claim(NOTIFICATION, what)

        async def decide() -> Draft | None:
            if await self.recorder.store.count_ref(shop, hour, self.in_an_hour) >= self.in_an_hour:
                return None
            made = self._wish(shop, NOTIFICATION, what, mailbox, about, concerned, commit)
            return replace(made, refs=[*made.refs, hour])

        if await self.recorder.record(shop, claim, decide) is not None:
            return None
        log.warning("notifications_held", shop=shop, in_an_hour=self.in_an_hour)
        return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)

    async def _ask(
        self,
        shop: str,
        purpose: str,
        what: str,
        mailbox: Mailbox,
        about: Mapping[str, str],
        concerned: Sequence[str] = (),
        commit: Commit | None = None,
    ) -> None:
        draft = self._wish(shop, purpose, what, mailbox, about, concerned, commit)
        await self.recorder.append([draft])

    def _wish(
        self,
        shop: str,
        purpose: str,
        what: str,
        mailbox: Mailbox,
        about: Mapping[str, str],
        concerned: Sequence[str] = (),
        commit: Commit | None = None,
    ) -> Draft:
        wish = MailRequested(
            message_id=random_id(),
            purpose=purpose,
            about=about,
            person=mailbox.person,
            concerns=tuple(dict.fromkeys(concerned)),
            to_address=mailbox.address,
        )
        return request_draft(
            shop,
            wish,
            self.clock(),
            claim=mail_claim(purpose, what),
            actor=_ACTOR,
            source="rule",
            correlation_id=commit.correlation if commit else None,
            causation_id=commit.id if commit else None,
        )

    async def _conversation(self, shop: str, talk: str) -> Conversation:
        stream = conversation_stream(talk)
        found: Conversation = await self.recorder.load(Conversation, shop, stream)
        if not found.version:
            raise NotFound(what="conversation")
        return found

    async def _waits(self, shop: str) -> bool:
        return bool((await self.queries.unanswered(shop, 1)).items)
