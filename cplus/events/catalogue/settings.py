"""What a merchant set for the mail of their shop (stream `settings/<host>`).

The words in it are the merchant's own, and may name members of their staff. They are sealed under a
key that is made for the event alone: no customer has it, and it is destroyed with the shop's.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from cplus.events.base import AggregateEvent, Instant, Personal

LimitOf = Literal["shared_domain", "account"]
"""What a shop reached a limit of: its share of our own domain, or of what SES's account may
send."""

SesStatus = Literal["NOT_STARTED", "PENDING", "SUCCESS", "FAILED", "TEMPORARY_FAILURE"]
"""What SES says of the keys of a domain, and of its MAIL FROM."""
Holder = Literal["nobody", "shop", "another"]
"""Whose a domain is: the shop's that proved it, another's, or of nobody who proved it."""


class SignatureSet(AggregateEvent):
    """The merchant said what stands below the replies of the shop, or below those of one user."""

    TYPE: ClassVar[str] = "settings.signature_set"
    person: str
    """Whose key seals it: an id that nothing else has."""
    user: str | None = None
    """The user whose replies it stands below, by the id of the actor; None for everybody who has
    none of their own."""
    text: Personal[str | None]
    """Plain text; empty for none."""
    anew: bool = False
    """The shop was erased since it was last set up: no setting from before counts any more."""


class HoursSet(AggregateEvent):
    """The merchant said when the shop is open, in its time zone."""

    TYPE: ClassVar[str] = "settings.hours_set"
    week: tuple[str, ...]
    """Of each day, Monday first, its times, for example `09:00-12:00,13:00-17:00`. All empty if the
    shop has no hours."""
    closed_on: tuple[str, ...] = ()
    """Days on which it is closed all the same, for example `2026-12-24`."""
    anew: bool = False
    """As in SignatureSet."""


class AutoReplySet(AggregateEvent):
    """The merchant said what the shop answers by itself."""

    TYPE: ClassVar[str] = "settings.auto_reply_set"
    person: str
    """Whose key seals it: an id that nothing else has."""
    away: bool
    """Whether it answers outside of its hours."""
    away_text: Personal[str | None]
    acknowledge: bool
    """Whether it says that it got the first message of a conversation."""
    acknowledge_text: Personal[str | None]
    anew: bool = False
    """As in SignatureSet."""


class LeadDaysSet(AggregateEvent):
    """The merchant said until when an order counts as bought after a conversation."""

    TYPE: ClassVar[str] = "settings.lead_days_set"
    days: int
    """After the last message before the order."""
    anew: bool = False
    """As in SignatureSet."""


class TenantMade(AggregateEvent):
    """SES has a tenant for the shop, with a suppression list of its own: its mail is sent as that
    one's from now on."""

    TYPE: ClassVar[str] = "settings.tenant_made"
    tenant: str
    """Its name at SES."""
    anew: bool = False
    """As in SignatureSet."""


class SendingPaused(AggregateEvent):
    """SES sends no mail of the shop any more: it or the operator paused the shop's tenant."""

    TYPE: ClassVar[str] = "settings.sending_paused"
    by_operator: bool
    cause: str = ""
    """Why, in the words of SES; empty if it said nothing."""
    since: Instant
    anew: bool = False
    """As in SignatureSet."""


class SendingResumed(AggregateEvent):
    """SES sends mail of the shop again."""

    TYPE: ClassVar[str] = "settings.sending_resumed"
    anew: bool = False
    """As in SignatureSet."""


class DailyLimitReached(AggregateEvent):
    """The shop wrote to as many as it may in 24 hours: what is beyond that waits. Recorded once a
    day of UTC for each limit."""

    TYPE: ClassVar[str] = "settings.daily_limit_reached"
    of: LimitOf
    limit: int
    """Recipients in 24 hours."""
    anew: bool = False
    """As in SignatureSet."""


class SenderDomainAdded(AggregateEvent):
    """The merchant wants the shop's mail to leave from a domain of theirs."""

    TYPE: ClassVar[str] = "settings.sender_domain_added"
    domain: str
    """In the letters that name servers use."""
    anew: bool = False
    """As in SignatureSet."""


class SenderDomainChecked(AggregateEvent):
    """What was found of the domain; recorded when it is something else than before."""

    TYPE: ClassVar[str] = "settings.sender_domain_checked"
    domain: str
    holder: Holder
    proof: bool
    """Whether the record that proves it for this shop is there."""
    verified: bool
    """Whether SES takes mail from it."""
    dkim: SesStatus
    tokens: tuple[str, ...] = ()
    """SES's names for the keys of the domain."""
    zone: str = ""
    """Where those keys are."""
    mail_from: SesStatus
    dmarc: bool
    """Whether the domain has a DMARC policy."""
    anew: bool = False
    """As in SignatureSet."""


class SenderChosen(AggregateEvent):
    """The merchant said from which address at the domain the shop's mail leaves."""

    TYPE: ClassVar[str] = "settings.sender_chosen"
    domain: str
    person: str
    """Whose key seals it: an id that nothing else has."""
    local: Personal[str | None]
    """What stands before the @; None: it leaves from our own domain."""
    anew: bool = False
    """As in SignatureSet."""


class SenderDomainRemoved(AggregateEvent):
    """The merchant wants nothing from the domain any more."""

    TYPE: ClassVar[str] = "settings.sender_domain_removed"
    domain: str
    anew: bool = False
    """As in SignatureSet."""
