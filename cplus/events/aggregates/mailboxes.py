"""The merchant's own mailboxes: which there are, which may be written to, and who may answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import singledispatchmethod
from typing import Final

from cplus.errors import InvalidInput, NotFound
from cplus.events.aggregates.base import Aggregate
from cplus.events.base import AggregateEvent, kept
from cplus.events.catalogue.mailboxes import (
    MailboxAdded,
    MailboxNotificationsChosen,
    MailboxRemoved,
    MailboxSwitchedOff,
    MailboxVerificationAsked,
    MailboxVerified,
    Notify,
    SwitchedOff,
)
from cplus.wording import worded

MOST: Final = 10
"""Mailboxes of a shop."""
CODE_HOURS: Final = 24
"""How long a code counts."""
CODES_A_DAY: Final = 3
"""Verification mails to one mailbox within 24 hours."""
CODES_OF_A_SHOP: Final = 20
"""Verification mails of a shop within 24 hours, to whatever mailboxes: nobody can use the app to
write to strangers as often as they like."""
COMPLAINED: Final = timedelta(days=30)
"""After the owner of a mailbox called our mail spam: until then no code is sent there. One that was
never verified is somebody else's, and gets none ever again."""
MINUTES: Final = (10, 1_440)
"""How long a message can wait for a reply before a mailbox is told: at least, and at most."""
_DAY: Final = timedelta(days=1)
_CALLED_SPAM: Final = worded(
    "mail of ours was marked as spam at this address, so no code is sent there; use another one"
)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox of the merchant."""

    id: str
    person: str
    address: str
    added_at: datetime | None = None
    code: int = 0
    """The number of its newest code."""
    code_until: datetime | None = None
    """Until when that counts; None once it was used."""
    verified_at: datetime | None = None
    """None until it is verified, and again once it was switched off."""
    off: SwitchedOff | None = None
    off_at: datetime | None = None
    was_verified: bool = False
    """Whether it ever was: then its owner is the merchant."""
    notify: Notify = "each"
    minutes: int | None = None
    hour: int | None = None
    asked: tuple[datetime, ...] = field(default=(), repr=False)

    @property
    def on(self) -> bool:
        """Whether it is told of messages, and may answer them."""
        return self.verified_at is not None

    def waits_until(self, moment: datetime) -> datetime:
        """When it is told of a message that came at that moment and that nobody answers."""
        return moment + timedelta(minutes=self.minutes or MINUTES[0])

    def may_be_asked(self, now: datetime) -> bool:
        """Whether a verification mail may go there, after what became of the ones before."""
        if self.off != "complained" or self.off_at is None:
            return True
        return self.was_verified and now - self.off_at >= COMPLAINED


class Mailboxes(Aggregate):
    """Stream `mailboxes/<host>`. Addresses of a shop that was erased read as erased: those
    mailboxes are gone, without an event."""

    def __init__(self) -> None:
        self.by_id: dict[str, Mailbox] = {}
        """Those that were not removed, in the order in which they were added."""
        self.former: dict[str, Mailbox] = {}
        """Those that were removed, by id; the address is empty once it is erased, which it is not
        where our mail was called spam."""
        self._asked: list[datetime] = []

    @property
    def on(self) -> Mapping[str, Mailbox]:
        """Those that are verified, by id."""
        return {id_: one for id_, one in self.by_id.items() if one.on}

    def add(self, *, mailbox: str, person: str, address: str, now: datetime) -> None:
        """The merchant names an address; a verification mail goes there.

        Raises InvalidInput if it was named before, there are too many, too many such mails went out
        today, or one of them was called spam there.
        """
        if mailbox in self.by_id:
            return
        if any(one.address == address for one in self.by_id.values()):
            raise InvalidInput(reason=worded("this address is listed already"))
        if len(self.by_id) >= MOST:
            raise InvalidInput(
                reason=worded("there can be up to %(most)s addresses; remove one first", most=MOST)
            )
        self._may_ask(self._asked_of_removed(), now)
        before = [one for one in self.former.values() if one.address == address]
        if not all(one.may_be_asked(now) for one in before):
            raise InvalidInput(reason=_CALLED_SPAM)
        self.trigger_event(
            MailboxAdded, mailbox=mailbox, person=person, address=address, timestamp=now
        )
        self._ask(mailbox, now)

    def ask_again(self, mailbox: str, now: datetime) -> None:
        """Another verification mail goes out, with a new code. Raises NotFound, and InvalidInput if
        it is verified, too many such mails went out today, or one of them was called spam."""
        found = self.find(mailbox)
        if found.on:
            raise InvalidInput(reason=worded("this address is verified already"))
        if not found.may_be_asked(now):
            raise InvalidInput(reason=_CALLED_SPAM)
        self._may_ask(found.asked, now)
        self._ask(mailbox, now)

    def verify(self, mailbox: str, *, number: int, now: datetime) -> None:
        """Whoever reads the mailbox told its code `number`. A mailbox that is verified stays so.
        Raises NotFound, and InvalidInput for a code that counts no more."""
        found = self.find(mailbox)
        if found.on:
            return
        if number != found.code or found.code_until is None or now >= found.code_until:
            raise InvalidInput(reason=worded("this code has expired; send a new one"))
        self.trigger_event(MailboxVerified, mailbox=mailbox, timestamp=now)

    def choose(
        self,
        mailbox: str,
        notify: Notify,
        *,
        minutes: int | None = None,
        hour: int | None = None,
        now: datetime,
    ) -> None:
        """The merchant chooses of what the mailbox is told. Raises NotFound and InvalidInput."""
        found = self.find(mailbox)
        least, most = MINUTES
        if notify == "unanswered":
            if minutes is None or not least <= minutes <= most:
                raise InvalidInput(
                    reason=worded("choose %(least)s to %(most)s minutes", least=least, most=most)
                )
        elif notify == "digest" and (hour is None or not 0 <= hour <= 23):
            raise InvalidInput(reason=worded("choose an hour from 0 to 23"))
        chosen = replace(
            found,
            notify=notify,
            minutes=minutes if notify == "unanswered" else None,
            hour=hour if notify == "digest" else None,
        )
        if chosen != found:
            self.trigger_event(
                MailboxNotificationsChosen,
                mailbox=mailbox,
                notify=notify,
                minutes=chosen.minutes,
                hour=chosen.hour,
                timestamp=now,
            )

    def switch_off(self, mailbox: str, reason: SwitchedOff, now: datetime) -> None:
        """Mail to it failed for good; one that is off or removed stays so, but for a complaint,
        which says more than a bounce."""
        found = self.by_id.get(mailbox)
        if found is not None and found.off not in (reason, "complained"):
            self.trigger_event(MailboxSwitchedOff, mailbox=mailbox, reason=reason, timestamp=now)

    def remove(self, mailbox: str, now: datetime) -> None:
        """The merchant removes it; one that is not there stays so."""
        if mailbox in self.by_id:
            self.trigger_event(MailboxRemoved, mailbox=mailbox, timestamp=now)

    def remove_all(self, removed_at: datetime, now: datetime) -> None:
        """The app was removed from the shop at that moment; what was added since, stays."""
        for one in list(self.by_id.values()):
            if one.added_at is None or one.added_at <= removed_at:
                self.remove(one.id, now)

    def find(self, mailbox: str) -> Mailbox:
        """The mailbox with this id; raises NotFound."""
        if mailbox not in self.by_id:
            raise NotFound(what="mailbox")
        return self.by_id[mailbox]

    def _may_ask(self, asked: Sequence[datetime], now: datetime) -> None:
        def today(moments: Sequence[datetime]) -> int:
            return sum(now - one < _DAY for one in moments)

        if today(asked) >= CODES_A_DAY or today(self._asked) >= CODES_OF_A_SHOP:
            raise InvalidInput(
                reason=worded("too many verification mails were sent today; try tomorrow")
            )

    def _asked_of_removed(self) -> list[datetime]:
        """When mailboxes were asked that are gone. Their addresses are erased, so any new one may
        be theirs: adding an address again and again must not send it more codes."""
        left = Counter(moment for one in self.by_id.values() for moment in one.asked)
        return list((Counter(self._asked) - left).elements())

    def _ask(self, mailbox: str, now: datetime) -> None:
        self.trigger_event(
            MailboxVerificationAsked,
            mailbox=mailbox,
            number=self.by_id[mailbox].code + 1,
            expires_at=now + timedelta(hours=CODE_HOURS),
            timestamp=now,
        )

    def _change(self, mailbox: str, **changes: object) -> None:
        if mailbox in self.by_id:  # not one whose address was erased
            self.by_id[mailbox] = replace(self.by_id[mailbox], **changes)  # type: ignore[arg-type]

    @singledispatchmethod
    def evolve(self, event: AggregateEvent) -> None:
        """Changes the state by one event; events it has no case for change nothing."""

    @evolve.register
    def _(self, event: MailboxAdded) -> None:
        named = Mailbox(event.mailbox, event.person, kept(event.address) or "", event.timestamp)
        kept_in = self.by_id if named.address else self.former
        kept_in[event.mailbox] = named

    @evolve.register
    def _(self, event: MailboxVerificationAsked) -> None:
        self._asked = [*self._asked[-CODES_OF_A_SHOP:], event.timestamp]
        if event.mailbox in self.by_id:
            asked = (*self.by_id[event.mailbox].asked[-CODES_A_DAY:], event.timestamp)
            self._change(event.mailbox, code=event.number, code_until=event.expires_at, asked=asked)

    @evolve.register
    def _(self, event: MailboxVerified) -> None:
        at = event.timestamp
        self._change(
            event.mailbox, verified_at=at, off=None, off_at=None, code_until=None, was_verified=True
        )

    @evolve.register
    def _(self, event: MailboxNotificationsChosen) -> None:
        self._change(event.mailbox, notify=event.notify, minutes=event.minutes, hour=event.hour)

    @evolve.register
    def _(self, event: MailboxSwitchedOff) -> None:
        at = event.timestamp
        self._change(event.mailbox, verified_at=None, off=event.reason, off_at=at)

    @evolve.register
    def _(self, event: MailboxRemoved) -> None:
        gone = self.by_id.pop(event.mailbox, None)
        if gone is not None:
            self.former[event.mailbox] = gone
