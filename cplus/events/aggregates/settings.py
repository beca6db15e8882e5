"""What a merchant sets for the mail of their shop."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime
from functools import singledispatchmethod
from typing import Final, NamedTuple

from cplus.errors import InvalidInput
from cplus.events.aggregates.auto_reply import MAX_AUTO_REPLY, AutoReply, check
from cplus.events.aggregates.hours import Hours, Interval, read_hours, stored_week
from cplus.events.aggregates.sender_domain import Found, SenderDomain, added, checked, chosen
from cplus.events.aggregates.tags import Tagging
from cplus.events.base import AggregateEvent
from cplus.events.catalogue.settings import (
    AutoReplySet,
    DailyLimitReached,
    HoursSet,
    LeadDaysSet,
    LimitOf,
    SenderChosen,
    SenderDomainAdded,
    SenderDomainChecked,
    SenderDomainRemoved,
    SendingPaused,
    SendingResumed,
    SignatureSet,
    TenantMade,
)
from cplus.events.catalogue.tags import TagChanged, TagMade, TagRemoved, ViewRemoved, ViewSaved
from cplus.wording import worded

MAX_SIGNATURE: Final = 2_000
"""Maximum length of a signature in characters."""
LEAD_DAYS: Final = 30
"""Days of a shop that chose none."""
MOST_LEAD_DAYS: Final = 365
MAX_OWN: Final = 200
"""Users at most who have a signature of their own."""

_MAX_CAUSE: Final = 500  # characters of what SES says
_UNSTORABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def plain_text(text: str, most: int, too_long: str) -> str:
    """The text as it is kept: lines end with a newline, and no control characters. Raises
    InvalidInput if it has more than `most` characters, with the reason `too_long`."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = _UNSTORABLE.sub("", text).split("\n")
    text = "\n".join(line.rstrip() for line in lines).strip("\n")
    if len(text) > most:
        raise InvalidInput(reason=too_long)
    return text


class Paused(NamedTuple):
    """That SES sends no mail of the shop."""

    since: datetime
    cause: str
    """Why, in the words of SES; empty if it said nothing."""
    by_operator: bool


class Limited(NamedTuple):
    """That a shop reached what it may send in 24 hours."""

    at: datetime
    of: LimitOf
    limit: int
    """Recipients."""


class ShopSettings(Tagging):
    """Stream `settings/<host>`. Starts with what a shop has that set nothing."""

    def _begin(self) -> None:
        self._begin_tags()
        self.signatures: dict[str | None, str] = {}
        """By the users whose they are; that of None is the shop's."""
        self.hours: Hours | None = None
        """When the shop is open; None if it has no hours."""
        self.away = AutoReply()
        """What it answers outside of its hours."""
        self.acknowledgement = AutoReply()
        """What it answers to the first message of a conversation."""
        self.lead_days = LEAD_DAYS
        """Until how many days after the last message an order counts as bought after a
        conversation."""
        self.tenant: str | None = None
        """As which tenant SES sends its mail; None before it has one."""
        self.paused: Paused | None = None
        """If SES sends none of its mail."""
        self.limits: dict[LimitOf, Limited] = {}
        """When it last reached each limit of what it may send in a day."""
        self.domain: SenderDomain | None = None
        """The merchant's own domain, if they added one."""

    def signature(self, user: str | None = None) -> str:
        """What stands below a reply of this user, by the id of the actor; empty for nothing."""
        return self.signatures.get(user) or self.signatures.get(None, "")

    @property
    def sender(self) -> str | None:
        """The merchant's own address that mail to customers leaves from; None if it is ours."""
        return self.domain.sender if self.domain else None

    @property
    def limited(self) -> Limited | None:
        """The limit of a day that it reached last; None if it never reached one."""
        return max(self.limits.values(), default=None)

    def set_signature(self, *, text: str, user: str | None, person: str, now: datetime) -> None:
        """Sets what stands below the replies of the shop, or of one user; empty for nothing. Raises
        InvalidInput if it is too long, or if too many users have one."""
        text = plain_text(
            text,
            MAX_SIGNATURE,
            worded("a signature can be up to %(most)s characters", most=MAX_SIGNATURE),
        )
        if text == self.signatures.get(user, ""):
            return
        own = self.signatures.keys() - {None}
        if user is not None and user not in own and len(own) >= MAX_OWN:
            raise InvalidInput(
                reason=worded(
                    "up to %(most)s users can have a signature of their own", most=MAX_OWN
                )
            )
        self._set(SignatureSet, person=person, user=user, text=text, now=now)

    def set_hours(
        self, *, week: Sequence[Sequence[Interval]], closed: Collection[date], now: datetime
    ) -> None:
        """Sets when the shop is open: of each day its intervals, Monday first, and the days on
        which it is closed. A week without any means that the shop has no hours."""
        stored, days = stored_week(week), tuple(sorted(day.isoformat() for day in closed))
        if read_hours(stored, days) != self.hours:
            self._set(HoursSet, week=stored, closed_on=days, now=now)

    def set_lead_days(self, *, days: int, now: datetime) -> None:
        """Sets until how many days after the last message before it an order counts as bought after
        a conversation. Raises InvalidInput for none from 1 to 365."""
        if not 1 <= days <= MOST_LEAD_DAYS:
            reason = worded("choose 1 to %(most)s days", most=MOST_LEAD_DAYS)
            raise InvalidInput(reason=reason)
        if days != self.lead_days:
            self._set(LeadDaysSet, days=days, now=now)

    def set_auto_reply(
        self,
        *,
        away: bool,
        away_text: str,
        acknowledge: bool,
        acknowledge_text: str,
        person: str,
        now: datetime,
    ) -> None:
        """Sets what the shop answers by itself. Raises InvalidInput for a text that is too long or
        has a placeholder that there is not, for one that is on and empty, and for an answer outside
        of hours that are not set."""
        long = worded("an automatic reply can be up to %(most)s characters", most=MAX_AUTO_REPLY)
        texts = [
            plain_text(one, MAX_AUTO_REPLY, long).strip() for one in (away_text, acknowledge_text)
        ]
        for is_on, text in zip((away, acknowledge), texts, strict=True):
            check(text)
            if is_on and not text:
                raise InvalidInput(reason=worded("write what the automatic reply says"))
        if away and self.hours is None:
            raise InvalidInput(reason=worded("set your business hours first"))
        before = [(one.since is not None, one.text) for one in (self.away, self.acknowledgement)]
        if before != [(away, texts[0]), (acknowledge, texts[1])]:
            self._set(
                AutoReplySet,
                person=person,
                away=away,
                away_text=texts[0],
                acknowledge=acknowledge,
                acknowledge_text=texts[1],
                now=now,
            )

    def note_tenant(self, *, tenant: str, now: datetime) -> None:
        """SES has this tenant for the shop."""
        if tenant != self.tenant:
            self._set(TenantMade, tenant=tenant, now=now)

    def note_paused(self, paused: Paused | None, *, now: datetime) -> None:
        """SES sends no mail of the shop, or does again. What it says of a pause that is known
        changes nothing."""
        if paused is not None and self.paused is None:
            cause = _UNSTORABLE.sub("", paused.cause)[:_MAX_CAUSE]
            told = {"since": paused.since, "by_operator": paused.by_operator, "cause": cause}
            self._set(SendingPaused, now=now, **told)
        elif paused is None and self.paused is not None:
            self._set(SendingResumed, now=now)

    def note_limit(self, *, of: LimitOf, limit: int, now: datetime) -> None:
        """The shop reached what it may send in 24 hours. On the same day that is no news."""
        last = self.limits.get(of)
        if last is None or _day(last.at) != _day(now):
            self._set(DailyLimitReached, of=of, limit=limit, now=now)

    def add_domain(self, *, domain: str, now: datetime) -> None:
        """Adds the domain. Raises InvalidInput if the shop has another one."""
        if self.domain is not None and self.domain.name != domain:
            raise InvalidInput(reason=worded("remove the domain that you have first"))
        if self.domain is None:
            self._set(SenderDomainAdded, domain=domain, now=now)

    def remove_domain(self, *, now: datetime) -> None:
        """Removes the domain, if there is one."""
        if self.domain is not None:
            self._set(SenderDomainRemoved, domain=self.domain.name, now=now)

    def choose_sender(self, *, local: str | None, person: str, now: datetime) -> None:
        """Mail leaves from this address at the domain, or with None from ours. Raises InvalidInput
        if the domain does not work."""
        domain = self.domain
        if domain is None or (local and not domain.works):
            raise InvalidInput(reason=worded("email can’t leave from this domain yet"))
        if (local or None) != domain.local:
            self._set(SenderChosen, domain=domain.name, person=person, local=local or None, now=now)

    def note_found(self, *, domain: str, found: Found, now: datetime) -> None:
        """What was found of the domain; of another one than the shop has, nothing."""
        if self.domain is not None and self.domain.name == domain and self.domain.found != found:
            self._set(SenderDomainChecked, domain=domain, now=now, **found._asdict())

    @singledispatchmethod
    def evolve(self, event: AggregateEvent) -> None:
        """Changes the state by one event; events it has no case for change nothing."""

    @evolve.register
    def _(self, event: SignatureSet) -> None:
        self._apply(anew=event.anew)
        self.signatures[event.user] = event.text or ""
        if not event.text:
            del self.signatures[event.user]

    @evolve.register
    def _(self, event: HoursSet) -> None:
        self._apply(anew=event.anew)
        self.hours = read_hours(event.week, event.closed_on)

    @evolve.register
    def _(self, event: LeadDaysSet) -> None:
        self._apply(anew=event.anew)
        self.lead_days = event.days

    @evolve.register
    def _(self, event: AutoReplySet) -> None:
        self._apply(anew=event.anew)
        self.away = _switched(self.away, event.away_text, event.timestamp, on=event.away)
        self.acknowledgement = _switched(
            self.acknowledgement, event.acknowledge_text, event.timestamp, on=event.acknowledge
        )

    @evolve.register(TagMade)
    @evolve.register(TagChanged)
    @evolve.register(TagRemoved)
    @evolve.register(ViewSaved)
    @evolve.register(ViewRemoved)
    def _(self, event: TagMade | TagChanged | TagRemoved | ViewSaved | ViewRemoved) -> None:
        self._apply(anew=event.anew)
        self._evolve_tags(event)

    @evolve.register
    def _(self, event: TenantMade) -> None:
        self._apply(anew=event.anew)
        self.tenant = event.tenant

    @evolve.register
    def _(self, event: SendingPaused) -> None:
        self._apply(anew=event.anew)
        self.paused = Paused(event.since, event.cause, event.by_operator)

    @evolve.register
    def _(self, event: SendingResumed) -> None:
        self._apply(anew=event.anew)
        self.paused = None

    @evolve.register
    def _(self, event: DailyLimitReached) -> None:
        self._apply(anew=event.anew)
        self.limits[event.of] = Limited(event.timestamp, event.of, event.limit)

    @evolve.register
    def _(self, event: SenderDomainAdded) -> None:
        self._apply(anew=event.anew)
        self.domain = added(event)

    @evolve.register
    def _(self, event: SenderDomainChecked) -> None:
        self._apply(anew=event.anew)
        if self.domain is not None:
            self.domain = checked(self.domain, event)

    @evolve.register
    def _(self, event: SenderChosen) -> None:
        self._apply(anew=event.anew)
        if self.domain is not None:
            self.domain = chosen(self.domain, event)

    @evolve.register
    def _(self, event: SenderDomainRemoved) -> None:
        self._apply(anew=event.anew)
        self.domain = None


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()


def _switched(before: AutoReply, text: str | None, now: datetime, *, on: bool) -> AutoReply:
    """One that was on stays on since then, whatever it says now."""
    return AutoReply(text or "", (before.since or now) if on else None)
