"""What a merchant decides about their own mailboxes, and which there are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, Final

from cplus.actors import Actor, Source
from cplus.commands.conversations.answering import Conversations
from cplus.errors import InvalidInput
from cplus.events.aggregates.mailboxes import Mailbox, Mailboxes
from cplus.events.base import NewEvent
from cplus.events.catalogue.mail import MailRequested
from cplus.events.catalogue.mailboxes import MailboxVerificationAsked, Notify
from cplus.events.log.commit import Draft
from cplus.events.names import (
    about_refs,
    command_claim,
    mail_stream,
    mailboxes_stream,
    message_ref,
    person,
)
from cplus.events.recording import Recorder
from cplus.events.repository import decided
from cplus.ids import random_id, spelled
from cplus.mail import is_own_address, normal_address
from cplus.mail.mailbox_tokens import is_mailbox_code
from cplus.wording import worded

VERIFICATION: Final = "mailbox_verification"
"""The purpose of the mail with a code."""

Decision = Callable[[Mailboxes], None]


async def mailboxes_of(recorder: Recorder, shop: str) -> Mailboxes:
    """The merchant's own mailboxes, by the shop's log."""
    found: Mailboxes = await recorder.load(Mailboxes, shop, mailboxes_stream(shop))
    return found


async def add_mailbox(
    shop: str,
    address: str,
    *,
    domain: str,
    key: str,
    source: Source,
    actor: Actor,
    use: Conversations,
) -> int | None:
    """Adds an address, and has a mail with a code sent there; returns the position. `domain` is
    that of the app's own mail, at which no mailbox of a merchant is.

    The form with this `key` counts once. Raises InvalidInput, OutcomeUnknown and DecisionOvertaken,
    as all of these do.
    """
    normal = normal_address(address.strip())
    if normal is None:
        raise InvalidInput(reason=worded("this is not an email address"))
    if is_own_address(normal, domain):
        raise InvalidInput(
            reason=worded("this address is the app’s own; use the one that you read")
        )
    # By the key alone: a form that is sent twice adds one.
    made = spelled(hashlib.sha256(f"mailbox\n{shop}\n{key}".encode()).digest()[:16])
    decision = partial(
        Mailboxes.add, mailbox=made, person=person(random_id()), address=normal, now=use.clock()
    )
    return await _change(shop, decision, key, source, actor, use)


async def ask_again(
    shop: str, mailbox: str, *, key: str, source: Source, actor: Actor, use: Conversations
) -> int | None:
    """Has another mail with a new code sent. Also raises NotFound."""
    decision = partial(Mailboxes.ask_again, mailbox=mailbox, now=use.clock())
    return await _change(shop, decision, key, source, actor, use)


async def verify(
    shop: str,
    mailbox: str,
    code: str,
    *,
    secret: str,
    key: str,
    source: Source,
    actor: Actor,
    use: Conversations,
) -> int | None:
    """Whoever reads the mailbox told the code. Also raises NotFound."""

    def decide(mailboxes: Mailboxes) -> None:
        found = mailboxes.find(mailbox)
        for number in range(found.code, 0, -1):
            if is_mailbox_code(code, shop, mailbox, number, secret):
                mailboxes.verify(mailbox, number=number, now=use.clock())
                return
        raise InvalidInput(reason=worded("this is not the code from the mail"))

    return await _change(shop, decide, key, source, actor, use)


async def choose(
    shop: str,
    mailbox: str,
    notify: Notify,
    *,
    minutes: int | None,
    hour: int | None,
    key: str,
    source: Source,
    actor: Actor,
    use: Conversations,
) -> int | None:
    """The merchant chooses of what the mailbox is told. Also raises NotFound."""

    def decision(mailboxes: Mailboxes) -> None:
        mailboxes.choose(mailbox, notify, minutes=minutes, hour=hour, now=use.clock())

    return await _change(shop, decision, key, source, actor, use)


async def remove(
    shop: str, mailbox: str, *, key: str, source: Source, actor: Actor, use: Conversations
) -> int | None:
    """The merchant removes it: it gets nothing more, and is answered for no more."""
    decision = partial(Mailboxes.remove, mailbox=mailbox, now=use.clock())
    return await _change(shop, decision, key, source, actor, use)


async def decide_mailboxes(
    recorder: Recorder, shop: str, decision: Decision, *, claim: str, source: str, actor: str
) -> int | None:
    """Records a decision about a shop's mailboxes, with the mails that it asks for; returns the
    position, None if it changed nothing."""
    stream = mailboxes_stream(shop)

    async def decide() -> Draft | None:
        mailboxes = await mailboxes_of(recorder, shop)
        decision(mailboxes)
        events = decided(mailboxes)
        if not events:
            return None
        mails = [_verification(mailboxes, new.event) for new in events]
        wished = [(wish, at) for one in mails if one is not None for wish, at in [one]]
        refs = [person for new in events for person in new.event.persons()]
        refs += [ref for wish, _ in wished for ref in _refs(wish)]
        return Draft(
            shop=shop,
            claim=claim,
            source=source,
            actor=actor,
            events=[
                *events,
                *(NewEvent(mail_stream(wish.message_id), wish, at) for wish, at in wished),
            ],
            refs=list(dict.fromkeys([stream, *refs])),
        )

    outcome = await recorder.record(shop, claim, decide)
    return None if outcome is None else outcome.position


async def _change(
    shop: str, decision: Decision, key: str, source: Source, actor: Actor, use: Conversations
) -> int | None:
    return await decide_mailboxes(
        use.recorder, shop, decision, claim=command_claim(key), source=source, actor=str(actor)
    )


def _verification(mailboxes: Mailboxes, event: Any) -> tuple[MailRequested, datetime] | None:
    """The wish for the mail with the code, which is the newest one when it is sent."""
    if not isinstance(event, MailboxVerificationAsked):
        return None
    found: Mailbox = mailboxes.find(event.mailbox)
    wish = MailRequested(
        message_id=random_id(),
        purpose=VERIFICATION,
        about={"mailbox": found.id},
        person=found.person,
        to_address=found.address,
    )
    return wish, event.timestamp


def _refs(wish: MailRequested) -> list[str]:
    return [mail_stream(wish.message_id), message_ref(wish.message_id), *about_refs(wish.about)]
