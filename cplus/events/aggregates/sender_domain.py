"""A merchant's own domain, from which the mail of their shop leaves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from cplus.events.catalogue.settings import (
    Holder,
    SenderChosen,
    SenderDomainAdded,
    SenderDomainChecked,
    SesStatus,
)


class Found(NamedTuple):
    """What was found of a domain."""

    holder: Holder
    proof: bool
    verified: bool
    dkim: SesStatus
    tokens: tuple[str, ...]
    zone: str
    mail_from: SesStatus
    dmarc: bool

    @property
    def works(self) -> bool:
        """Whether mail can leave from it: it is the shop's, and SES takes mail from it."""
        return self.holder == "shop" and self.verified


@dataclass(frozen=True, slots=True)
class SenderDomain:
    """The domain that a shop added."""

    name: str
    added_at: datetime
    found: Found | None = None
    """None until it was looked at."""
    local: str | None = None
    """What the merchant chose before the @; None if mail leaves from our domain."""
    failed_at: datetime | None = None
    """Since when mail cannot leave from it although the merchant chose it."""
    last_failed: datetime | None = None
    """When it last began to fail, also if it works again."""

    @property
    def works(self) -> bool:
        """Whether mail can leave from it."""
        return self.found is not None and self.found.works

    @property
    def sender(self) -> str | None:
        """The address that mail leaves from; None if it is one of ours."""
        return f"{self.local}@{self.name}" if self.local and self.works else None

    @property
    def fallback(self) -> str | None:
        """The domain, if the merchant chose it and mail leaves from ours all the same."""
        return self.name if self.local and not self.works else None


def added(event: SenderDomainAdded) -> SenderDomain:
    """A domain that nobody looked at yet."""
    return SenderDomain(event.domain, event.timestamp)


def checked(domain: SenderDomain, event: SenderDomainChecked) -> SenderDomain:
    """The domain with what was found of it."""
    names = Found._fields
    found = Found(**{name: getattr(event, name) for name in names})
    return _failing(replace(domain, found=found), event.timestamp)


def chosen(domain: SenderDomain, event: SenderChosen) -> SenderDomain:
    """The domain with the address that mail leaves from."""
    return _failing(replace(domain, local=event.local or None), event.timestamp)


def _failing(domain: SenderDomain, at: datetime) -> SenderDomain:
    since = (domain.failed_at or at) if domain.fallback else None
    return replace(domain, failed_at=since, last_failed=since or domain.last_failed)
