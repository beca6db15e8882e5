"""A merchant answers a notification from their own mailbox: it becomes their reply, once, or it is
shown to them why not.

Who knows the address of a notification is not yet the merchant: a mail counts only if its author is
the mailbox to which the notification went, and is proved. A mail that claims to be the merchant's
and does not count is refused, and the thread shows it. A mail of anybody else to such an address is
a message in the conversation.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from cplus.actors import mailbox as by_mailbox
from cplus.clock import Clock
from cplus.commands.conversations import answering
from cplus.commands.conversations.answering import Conversations, Elsewhere, Extras
from cplus.commands.conversations.merging import root_of
from cplus.commands.mailboxes import mailboxes_of
from cplus.consumers.mail.answer_loops import looks_automatic
from cplus.consumers.mail.answered_notification import recipient_changed, where_answered
from cplus.errors import FormOfAnother, InvalidInput
from cplus.events.aggregates.conversation.decisions import MAX_REPLY, Conversation
from cplus.events.aggregates.mailboxes import Mailboxes
from cplus.events.catalogue.conversations import AnswerRefusal
from cplus.events.files import StoredFile
from cplus.events.names import conversation_stream, message_ref
from cplus.events.recording import Recorder
from cplus.events.repository import decided
from cplus.ids import spelled
from cplus.keys import derived_key
from cplus.mail import (
    FILES_LIMIT,
    InboundMail,
    Receipt,
    Route,
    author_is_proved,
    conversation_token,
    message_id_key,
    open_token,
)
from cplus.mail.mailbox_tokens import (
    Answered,
    mailbox_address,
    mailbox_token,
    named_conversation,
    open_mailbox_token,
)
from cplus.mail.replies.answers import answered_text
from cplus.mail.replies.commands import Asked, command_of
from cplus.settings import Settings

AUTOMATIC: Final = "a program of the merchant's mailbox answered a notification"
SENT_ON: Final = "the merchant answered a notification"
REPEATED: Final = "the same answer of the merchant came before"


class Claimed(NamedTuple):
    """A mail that claims to be the merchant's answer."""

    answered: Answered
    conversation: Conversation
    mailboxes: Mailboxes
    moved: bool
    """Whether replies go to somebody else by now than when the mailbox was told."""

    @property
    def address(self) -> str:
        """That of the mailbox to which the notification went; empty once it is erased."""
        id_ = self.answered.mailbox
        return (self.mailboxes.by_id.get(id_) or self.mailboxes.former[id_]).address

    @property
    def persons(self) -> list[str]:
        """Whom the mail is about: it quotes the customer, and its author has a key too."""
        found = self.mailboxes.by_id.get(self.answered.mailbox)
        return [self.conversation.person, *([found.person] if found else [])]


@dataclass(frozen=True, slots=True)
class MailboxAnswers:
    """What taking answers needs."""

    settings: Settings
    recorder: Recorder
    clock: Clock

    async def find(self, way: Route, mail: InboundMail) -> tuple[Route, Claimed | None]:
        """The way of the mail, and whether it claims to be a merchant's answer. Mail of somebody
        else to the address of a notification goes the way of mail to the conversation."""
        tokens = self._tokens(way, mail)
        if not tokens:
            return way, None
        mailboxes = await mailboxes_of(self.recorder, way.shop)
        for token in tokens:
            if claimed := await self._claimed(way.shop, token, mailboxes, mail):
                break
        else:
            return way, None
        ours = {claimed.address, *(one.address for one in mailboxes.by_id.values())} - {""}
        if mail.from_address in ours:
            return way, claimed
        if token == way.token:
            secret = self.settings.secret("application_secret")
            id_ = claimed.answered.conversation
            return Route(way.shop, conversation_token(way.shop, id_, secret)), None
        return way, None

    async def _claimed(
        self, shop: str, token: str, mailboxes: Mailboxes, mail: InboundMail
    ) -> Claimed | None:
        """What a mail with this token answers, if the token is a mailbox's of this shop."""
        named = named_conversation(token)
        if named is None:
            return None
        stream = conversation_stream(named)
        told: Conversation = await self.recorder.load(Conversation, shop, stream)
        if not told.version:
            return None
        known = [*mailboxes.by_id, *mailboxes.former]
        secret = self.settings.secret("application_secret")
        answered = open_mailbox_token(token, shop, known, secret, len(told.people))
        if answered is None:
            return None
        domain = self.settings.mail_domain
        conversation = await where_answered(self.recorder, shop, told, mail, domain)
        moved = recipient_changed(told, answered.to, conversation)
        root = await root_of(self.recorder, shop, conversation)
        if root.address == conversation.address:  # the merchant knows whom it is for
            conversation = root
        return Claimed(answered, conversation, mailboxes, moved)

    async def take(
        self,
        way: Route,
        receipt: Receipt,
        mail: InboundMail,
        claimed: Claimed,
        files: Callable[[], Awaitable[Sequence[StoredFile]]],
    ) -> dict[str, Any]:
        """Events and refs of the commit of such a mail, and its reason and actor. A reply is
        recorded first, by a command of its own: if this worker crashes in between, the mail is
        delivered again, and the command finds the reply. `files` stores those of the mail."""
        about = {"about": claimed.persons, "refs": [claimed.conversation.id]}
        if mail.automatic or mail.bounce:
            return {"reason": AUTOMATIC, **about}
        proved = author_is_proved(receipt, mail)
        written = self._text(way.shop, mail, claimed)
        asked = command_of(written or "")
        key = self._key(receipt, mail, claimed, asked)
        reason = self._refusal(receipt, mail, claimed, asked, proved=proved)
        if reason == "empty" and written is None:
            reason = "unclear"
        if reason == "empty" and any(not one.inline for one in await files()):
            reason = None  # a file says enough; the picture of a signature does not
        now = receipt.received_at
        id_ = answering.message_id(way.shop, claimed.conversation.conversation_id, key)
        if reason is None and asked.command is None and await looks_automatic(
            self.recorder, way.shop, claimed.conversation.id, message_id=id_, text=asked.text,
            now=self.clock(),
        ):  # fmt: skip
            reason = "automatic"
        if reason is None and asked.command != "note":
            try:
                reason = await self._carry_out(way.shop, claimed, asked, key, await files())
            except FormOfAnother:
                pass  # sent on before, and merged into another conversation since
            except InvalidInput:
                reason = "no_address"
            if reason is None:
                actor = str(by_mailbox(claimed.answered.mailbox))
                return {"reason": SENT_ON, "actor": actor, **about}
        return self._shown(claimed, mail, asked, id_, reason, now, proved=proved)

    def _shown(
        self,
        claimed: Claimed,
        mail: InboundMail,
        asked: Asked,
        written: str,
        reason: AnswerRefusal | None,
        now: datetime,
        *,
        proved: bool,
    ) -> dict[str, Any]:
        """A note, or a refusal: what is shown to merchants alone."""
        conversation, by = claimed.conversation, by_mailbox(claimed.answered.mailbox)
        refs = [conversation.id, conversation.person, message_ref(written)]
        if reason is None:
            left = f"\n\n[Files not kept: {len(mail.attachments)}]" if mail.attachments else ""
            text = asked.text[: MAX_REPLY - len(left)] + left
            conversation.note(message_id=written, text=text, author=by.author, now=now)
        else:
            conversation.refuse_answer(
                message_id=written,
                mailbox=claimed.answered.mailbox,
                reason=reason,
                proved=proved,
                text=_kept_text(mail, asked, reason),
                attachments=len(mail.attachments),
                now=now,
            )
        events = decided(conversation)
        if not events:
            return {"reason": REPEATED, "about": claimed.persons, "refs": refs}
        actor = {"actor": str(by)} if proved else {}
        return {"events": events, "about": claimed.persons, "refs": refs, **actor}

    async def _carry_out(
        self, shop: str, claimed: Claimed, asked: Asked, key: str, files: Sequence[StoredFile]
    ) -> AnswerRefusal | None:
        """Replies and closes, each once; why not, if replies go elsewhere. Raises InvalidInput if
        nobody can be answered."""
        use = Conversations(self.recorder, self.clock)
        by = by_mailbox(claimed.answered.mailbox)
        conversation = claimed.conversation.conversation_id
        if asked.text or any(not one.inline for one in files):
            to = "" if claimed.moved else claimed.conversation.address
            done = await answering.reply(
                shop, conversation, text=asked.text, key=key, actor=by, source="mail", use=use,
                to=to, extras=Extras(files=files),
            )  # fmt: skip
            if isinstance(done, Elsewhere):
                return "moved"
        if asked.command == "close":
            await answering.close(
                shop, conversation, key=f"{key}-close", actor=by, source="mail", use=use
            )
        return None

    def _refusal(
        self,
        receipt: Receipt,
        mail: InboundMail,
        claimed: Claimed,
        asked: Asked,
        *,
        proved: bool,
    ) -> AnswerRefusal | None:
        conversation = claimed.conversation
        refusals: list[tuple[AnswerRefusal, bool]] = [
            ("virus", receipt.virus == "FAIL"),
            ("unproved", not proved),
            ("mailbox_off", claimed.answered.mailbox not in claimed.mailboxes.on),
            ("other_mailbox", mail.from_address != claimed.address),
            ("person_erased", conversation.erased),
            ("merged", conversation.merged_into is not None and asked.command is None),
            ("expired", self._is_over(conversation, receipt.received_at)),
            ("command", asked.command == "unclear"),
            ("empty", not asked.text and asked.command != "close"),
            ("too_long", len(asked.text) > MAX_REPLY),
            ("too_large", sum(one.size for one in mail.attachments) > FILES_LIMIT),
            ("no_address", not conversation.address and asked.command is None),
            ("moved", claimed.moved and asked.command is None),
        ]
        return next((reason for reason, holds in refusals if holds), None)

    def _is_over(self, conversation: Conversation, now: datetime) -> bool:
        """Whether the conversation is so old that its tokens have ended."""
        last = conversation.last_message_at
        return last is not None and now - last > timedelta(days=self.settings.token_days)

    def _text(self, shop: str, mail: InboundMail, claimed: Claimed) -> str | None:
        secret, domain = self.settings.secret("application_secret"), self.settings.mail_domain
        answered = claimed.answered
        named = (shop, answered.conversation, answered.mailbox, secret)
        token = mailbox_token(*named, answered.to)
        return answered_text(
            mail.text, mail.reply_text, token, mailbox_address(*named, domain, answered.to)
        )

    def _key(self, receipt: Receipt, mail: InboundMail, claimed: Claimed, asked: Asked) -> str:
        """The key of what the answer asks for: the same if SES takes the mail twice under two ids
        of its own. Programs that use one Message-ID for two mails write two answers."""
        secret = self.settings.secret("application_secret")
        its = mail.message_id
        same = message_id_key(its, secret) if its else receipt.ses_message_id
        talk, mailbox, _ = claimed.answered
        said = json.dumps([same, talk, mailbox, mail.from_address, *asked]).encode()
        keyed = hmac.new(derived_key(secret, "mailbox-answers"), said, hashlib.sha256).digest()
        return spelled(keyed[:24])

    def _tokens(self, way: Route, mail: InboundMail) -> list[str]:
        """The tokens that may be a mailbox's: of the address, of the Message-IDs that we gave
        notifications, of the lines in what is quoted. Those of customers are none."""
        secret, ours = self.settings.secret("application_secret"), self.settings.mail_domain.lower()
        ids = [*reversed(mail.references), mail.in_reply_to or ""]
        locals_ = [local for local, _, at in (one.rpartition("@") for one in ids) if at == ours]
        found = dict.fromkeys([way.token or "", *locals_, *mail.marker_tokens])
        return [one for one in found if len(one) > 16 and not open_token(one, way.shop, secret)]


def _kept_text(mail: InboundMail, asked: Asked, reason: AnswerRefusal) -> str | None:
    """What is shown of a mail that is not sent on: if nothing in it is the merchant's for certain,
    all that may be."""
    if reason == "virus":
        return None
    return asked.text or mail.reply_text or None
