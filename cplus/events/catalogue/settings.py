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
    day of UTC."""

    TYPE: ClassVar[str] = "settings.daily_limit_reached"
    of: LimitOf
    limit: int
    """Recipients in 24 hours."""
    anew: bool = False
    """As in SignatureSet."""
